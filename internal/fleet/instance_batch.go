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
	// Key is the fingerprint of the new key: what was done with another key is
	// done again. It is part of the entries.
	Key string `json:"-"`
	// Entries by target: "started", "done", "failed: why", or "unfit: why".
	// One that was started and not ended was interrupted: it is undone, and
	// taken again.
	Entries map[string]string `json:"entries"`
	// Pairs are the key pairs that were bound before the first try, by target,
	// until it is done: a try that was interrupted cannot tell any more.
	Pairs map[string]string `json:"keyPairsBefore,omitempty"`

	interrupted map[string]bool
	lock        *durable.Lock
}

// maxJournal bounds a journal: some 100,000 instances.
const maxJournal = 64 << 20

// OpenJournal opens the journal that is kept in a file, and keeps other
// processes out of it until Close, or until this one ends. Without a path
// nothing is kept.
func OpenJournal(path string) (*Journal, error) {
	if path == "" {
		return NewJournal("", nil)
	}
	lock, err := durable.TryLock(path)
	if err != nil {
		return nil, err
	}
	b, err := durable.ReadFile(path, maxJournal)
	if err != nil {
		lock.Unlock()
		return nil, err
	}
	j, err := NewJournal(path, b)
	if err != nil {
		lock.Unlock()
		return nil, err
	}
	j.lock = lock
	return j, nil
}

// Close lets others use the journal.
func (j *Journal) Close() {
	if j.lock != nil {
		j.lock.Unlock()
	}
}

// NewJournal makes the journal that is kept in a file; b is what the file
// holds, empty when it is not there yet.
func NewJournal(path string, b []byte) (*Journal, error) {
	j := &Journal{path: path, Entries: map[string]string{}, Pairs: map[string]string{}, interrupted: map[string]bool{}}
	if len(b) == 0 {
		return j, nil
	}
	if err := json.Unmarshal(b, j); err != nil {
		return nil, fmt.Errorf("%s is no journal of a fix: %w", path, err)
	}
	if j.Entries == nil {
		j.Entries = map[string]string{}
	}
	if j.Pairs == nil {
		j.Pairs = map[string]string{}
	}
	for t, state := range j.Entries {
		j.interrupted[t] = state == "started"
	}
	return j, nil
}

// Interrupted reports whether a fix of target began in an earlier run that did
// not live to write down its end.
func (j *Journal) Interrupted(target string) bool { return j.interrupted[target] }

// Unfit notes why a target was not tried.
func (j *Journal) Unfit(target, why string) error { return j.note(target, "unfit: "+why) }

// Before returns the key pair that was bound to target before the first try,
// given the one that is bound now.
func (j *Journal) Before(target, pair string) (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if old, ok := j.Pairs[target]; ok {
		return old, nil
	}
	j.Pairs[target] = pair
	return pair, j.write()
}

// Do calls do, and notes before and after what becomes of target. The first
// error is do's, the second the journal's.
func (j *Journal) Do(ctx context.Context, target string, do func(context.Context, string) error) (failed, err error) {
	if err := j.note(target, "started"); err != nil {
		return nil, err
	}
	state := j.done()
	if failed = do(ctx, target); failed != nil {
		state = "failed: " + failed.Error()
	}
	return failed, j.note(target, state)
}

func (j *Journal) done() string {
	if j.Key == "" {
		return "done"
	}
	return "done with " + j.Key
}

// note writes down what became of a target before anything else happens.
func (j *Journal) note(target, state string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.Entries[target] = state
	if state == j.done() {
		delete(j.Pairs, target)
	}
	return j.write()
}

// write replaces the journal's file; the caller holds the lock.
func (j *Journal) write() error {
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
	// Prepare is called with the targets of the next round, before any of them
	// is started; nil: nothing to prepare.
	Prepare func(ctx context.Context, targets []string)
}

// Run calls do for every target that the journal does not know as done. The
// failed ones are in the journal; the error says why not all were tried.
func (b Batch) Run(ctx context.Context, targets []string, do func(ctx context.Context, target string) error) (failed int, err error) {
	todo := slices.DeleteFunc(slices.Clone(targets), func(t string) bool { return b.Journal.Entries[t] == b.Journal.done() })
	for width := 1; len(todo) > 0; width = max(1, b.Parallel) { // the first alone: a mistake in the plan shows there
		if ctx.Err() != nil {
			return failed, ctx.Err()
		}
		part := todo[:min(width, len(todo))]
		todo = todo[len(part):]
		if b.Prepare != nil {
			b.Prepare(ctx, part)
		}
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
			failed, err := b.Journal.Do(ctx, t, do)
			fails[i], errs[i] = failed != nil, err
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
