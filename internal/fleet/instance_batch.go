package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"assay/internal/durable"
)

// A Journal remembers what became of each instance of a fix of many, so that
// an interrupted one goes on where it was. It holds no secret.
type Journal struct {
	path string
	mu   sync.Mutex
	// Entries by target: "started", "done", or "failed: why". One that was
	// started and not ended was interrupted: its guard restored it, so it is
	// taken again.
	Entries map[string]string `json:"entries"`
}

// NewJournal makes the journal that is kept in a file; b is what the file
// holds, empty when it is not there yet.
func NewJournal(path string, b []byte) (*Journal, error) {
	j := &Journal{path: path, Entries: map[string]string{}}
	if len(b) == 0 {
		return j, nil
	}
	if err := json.Unmarshal(b, j); err != nil {
		return nil, fmt.Errorf("%s is no journal of a fix: %w", path, err)
	}
	if j.Entries == nil {
		j.Entries = map[string]string{}
	}
	return j, nil
}

// note writes down what became of a target before anything else happens.
func (j *Journal) note(target, state string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.Entries[target] = state
	if j.path == "" {
		return nil
	}
	b, err := json.MarshalIndent(j, "", " ")
	if err != nil {
		return err
	}
	return durable.WriteFile(j.path, append(b, '\n'), 0o600)
}

// ErrTooManyFailures says that a batch stopped by itself.
var ErrTooManyFailures = errors.New("too many machines failed: the rest was not touched")

// A Batch fixes many machines: one first, then at most Parallel at a time, and
// none any more when more than MaxFailures have failed.
type Batch struct {
	Parallel    int // 0 means 1
	MaxFailures int
	Journal     *Journal
}

// Run calls do for every target that the journal does not know as done. The
// failed ones are in the journal; the error says why not all were tried.
func (b Batch) Run(ctx context.Context, targets []string, do func(ctx context.Context, target string) error) (failed int, err error) {
	todo := slices.DeleteFunc(slices.Clone(targets), func(t string) bool { return b.Journal.Entries[t] == "done" })
	for width := 1; len(todo) > 0; width = max(1, b.Parallel) { // the first alone: a mistake in the plan shows there
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
		part := todo[:min(width, len(todo))]
		todo = todo[len(part):]
		n, err := b.part(ctx, part, do)
		failed += n
		if err != nil {
			return failed, err
		}
		if failed > b.MaxFailures && len(todo) > 0 {
			return failed, ErrTooManyFailures
		}
	}
	return failed, nil
}

func (b Batch) part(ctx context.Context, part []string, do func(context.Context, string) error) (int, error) {
	fails, errs := make([]bool, len(part)), make([]error, len(part))
	var wg sync.WaitGroup
	for i, t := range part {
		wg.Go(func() {
			if errs[i] = b.Journal.note(t, "started"); errs[i] != nil {
				return
			}
			state := "done"
			if err := do(ctx, t); err != nil {
				fails[i], state = true, "failed: "+err.Error()
			}
			errs[i] = b.Journal.note(t, state)
		})
	}
	wg.Wait()
	n := 0
	for _, f := range fails {
		if f {
			n++
		}
	}
	return n, errors.Join(errs...)
}
