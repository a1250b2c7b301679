package secret

import (
	"context"
	"fmt"
	"io"

	"assay/finding"
)

// A Source says what a stream is; it decides which rules run and how much a
// match is worth.
type Source struct {
	// Path is the name inside the guest, "" when the bytes have none. Inside a
	// container it is the member's own name: only the name is looked at.
	Path string
	// Size is the length of the stream in bytes, or -1 when it is not known.
	Size int64
	// HighOnly asks for the rules alone that need no context: for free
	// extents, file tails, swap, and everything else without a file around it.
	HighOnly bool
}

// A Candidate is one secret in a stream. Candidates of one stream never
// overlap and come in order of Offset.
type Candidate struct {
	Rule       string           // id of the rule, "alibaba/access-key"
	Kind       string           // what it is, for Evidence.Kind: "password", "private-key", …
	Title      finding.Text     // of the rule
	Secret     []byte           // the secret itself; valid during the call only
	ID         string           // what it belongs to, where the text says so: an AccessKey id, a user@host, a key's fingerprint; "" otherwise
	Offset     int64            // of Secret in the stream, in bytes of the stream, also for UTF-16
	Length     int64            // in bytes of the stream; twice len(Secret) for UTF-16
	Line       int              // 1-based; 0 in binary files
	Confidence int              // 1..100; 50 and more is worth a reader's time
	Severity   finding.Severity // of the rule; Low when Confidence is below 50
	Reason     finding.Text     // why it counts, and what speaks against it
	Excerpt    string           // the line around it with every secret of the line masked; control bytes are left as they are
	Encrypted  bool             // protected by a passphrase that is not here
}

// Worth is the Confidence from which a candidate keeps its rule's severity.
const Worth = 50

// An Engine is the compiled catalogue of rules. It does not change and may be
// used by many goroutines.
type Engine struct {
	rules []*rule
	all   *filter // every keyword of every rule
	high  *filter // keywords of the rules that hold without context
	start []*rule // rules about the first bytes
	lines []*rule // rules about the lines of a file of a known name
}

// NewEngine compiles the rules. It fails only when a rule file is broken,
// which the tests of this package exclude.
func NewEngine() (*Engine, error) {
	rules, err := loadRules()
	if err != nil {
		return nil, fmt.Errorf("secret rules: %w", err)
	}
	e := &Engine{rules: rules}
	for _, r := range rules {
		switch r.kindOfMatch {
		case atStart:
			e.start = append(e.start, r)
		case atLine:
			e.lines = append(e.lines, r)
		}
	}
	e.all = newFilter(rules, func(*rule) bool { return true })
	e.high = newFilter(rules, func(r *rule) bool { return r.high })
	return e, nil
}

// A RuleDoc describes one rule, for lists and explanations.
type RuleDoc struct {
	ID, Kind   string
	Title      finding.Text
	Severity   finding.Severity
	Confidence int
	High       bool // runs over binaries and deleted bytes as well
}

// Rules lists the rules in the order of their ids.
func (e *Engine) Rules() []RuleDoc {
	out := make([]RuleDoc, len(e.rules))
	for i, r := range e.rules {
		out[i] = RuleDoc{r.id, r.kind, r.title, r.severity, r.confidence, r.high}
	}
	return out
}

// A Scanner holds the buffers of one worker. It is not safe for concurrent
// use; after Scan it is ready for the next stream.
type Scanner struct {
	e    *Engine
	buf  []byte // the window, see scan.go
	hits []hit
	view view
	run  run

	ctx     context.Context // of the Scan that runs
	tries   []int32         // of each rule in this window
	tooMuch bool
}

// NewScanner makes a Scanner of about BufferSize bytes.
func (e *Engine) NewScanner() *Scanner {
	return &Scanner{e: e, buf: make([]byte, front+BufferSize+tailPad), tries: make([]int32, len(e.rules))}
}

// Scan reads r to its end and calls report for each candidate. It uses the
// same memory for streams of any length, reads no byte twice, and returns the
// context's or the reader's error, or ErrTooMuch; what was found before was
// reported. Scan
// with the same bytes gives the same candidates however r cuts them up.
func (s *Scanner) Scan(ctx context.Context, src Source, r io.Reader, report func(Candidate)) error {
	s.run.reset(s.e, src, report)
	return s.stream(ctx, r)
}
