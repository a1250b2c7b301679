package check

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/finding"
)

// Doc is what a reader needs to act on a check without reading its code.
// Every field but References must be filled, in both languages.
type Doc struct {
	Title      finding.Text // what it finds: "SSH keys that every instance would accept"
	Why        finding.Text // what goes wrong if it stays
	Remedy     finding.Text // what a person does about it
	References []string     // URLs or manual pages
	Since      string       // assay version that introduced it
}

// A Check is one rule over subjects of type S. It is a value: everything that
// lists, documents or selects checks reads it from here.
type Check[S any] struct {
	// ID is folder and file: "any/ssh/authorized-keys" is declared in
	// internal/checks/any/ssh/authorized_keys.go.
	ID       string
	Severity finding.Severity // what a finding has unless it says otherwise
	Class    finding.Class
	Rows     []string // requirement rows served, such as "A2"
	Covers   []string // catalogue rows served, such as "SSH-001"
	Content  bool     // reads file contents at large: left out by --no-content
	Doc      Doc
	// Run MUST report through the Pass only, MUST be deterministic for the same
	// subject, MUST NOT keep the Pass, and MUST return promptly when its context
	// ends. A place that cannot be read is a Gap and Run goes on; an error ends
	// this check alone and becomes a gap.
	Run func(*Pass[S]) error
}

// For reports whether c is meant for subjects of a family: an ID's first word
// is "any", or the family ("linux", "windows"). Every check is meant for a
// subject whose family is not known ("").
func (c *Check[S]) For(family string) bool {
	own, _, _ := strings.Cut(c.ID, "/")
	return own == "any" || own == family || family == ""
}

// A Pass is one run of one check over one subject: its only door to the world.
type Pass[S any] struct {
	Context context.Context
	Check   *Check[S]
	Subject S

	// Meter shows how far a check is that reads at large. Never nil.
	Meter *Meter
	// Reading bounds checks that read at large.
	Reading Reading

	// Memo is what the inspection of an image leaves for that of its copy; nil
	// where none follows. Package content knows what it is.
	Memo any

	key      []byte
	seen     func(string, []byte)
	findings []finding.Finding
	gaps     []finding.Gap
}

// Reading says how much of the contents checks that read at large look at, and
// what they drop. The zero value is no bound, and each check's own threshold.
type Reading struct {
	MaxFileSize   int64 // bytes of a file; of longer ones only these are read, with a gap
	MinConfidence int   // 1..100: weaker candidates are no findings
}

// A Meter counts bytes read of bytes to read.
type Meter struct {
	Done, Total atomic.Int64
	// Sealed counts containers that were not opened, because a package brought
	// them and their digest is the package's.
	Sealed atomic.Int64
}

// Report adds a finding. Check, Severity, Class, Rows and ID are filled from
// the check where they are empty.
func (p *Pass[S]) Report(f finding.Finding) {
	f.Check = p.Check.ID
	if f.Severity == 0 {
		f.Severity = p.Check.Severity
	}
	if f.Class == "" {
		f.Class = p.Check.Class
	}
	if f.Rows == nil {
		f.Rows = p.Check.Rows
	}
	f.Identify()
	p.findings = append(p.findings, f)
}

// Gap adds a place that this check could not look at.
func (p *Pass[S]) Gap(kind finding.GapKind, where finding.Where, format string, args ...any) {
	g := finding.NewGap(kind, where, format, args...)
	g.Check = p.Check.ID
	g.Identify()
	p.gaps = append(p.gaps, g)
}

// Key is the key of fingerprints, for checks that make them in bulk.
func (p *Pass[S]) Key() []byte { return p.key }

// Secret makes the evidence of a secret: its kind, length and keyed
// fingerprint. excerpt must already be masked, see Mask.
func (p *Pass[S]) Secret(kind string, secret []byte, excerpt string) *finding.Evidence {
	e := &finding.Evidence{Kind: kind, Fingerprint: Fingerprint(p.key, secret), Length: len(secret), Excerpt: excerpt}
	p.Seen(e.Fingerprint, secret)
	return e
}

// Seen tells whoever cleans afterwards which bytes stand behind a fingerprint,
// so that they can be searched for in the copy. It keeps a copy of its own.
func (p *Pass[S]) Seen(fingerprint string, secret []byte) {
	if p.seen != nil {
		p.seen(fingerprint, secret)
	}
}

// Fingerprint is the keyed hash under which a secret is known outside the room
// in which it was found: without the key it does not help to guess it.
func Fingerprint(key, secret []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write(secret)
	return "hmac:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// Mask replaces a secret by a fixed number of stars, so that not even its
// length shows in an excerpt.
func Mask() string { return "********" }

var (
	validID  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)+$`)
	validRow = regexp.MustCompile(`^[AB][0-9]{1,2}$`)
)

// Validate reports everything that is malformed in a catalogue.
func Validate[S any](suite []*Check[S]) error {
	var errs []error
	bad := func(c *Check[S], what string) { errs = append(errs, fmt.Errorf("check %q: %s", c.ID, what)) }
	seen := map[string]bool{}
	for _, c := range suite {
		if !validID.MatchString(c.ID) {
			bad(c, "malformed ID")
		}
		for _, t := range []finding.Text{c.Doc.Title, c.Doc.Why, c.Doc.Remedy} {
			if t.EN == "" || t.ZH == "" {
				bad(c, "title, reason or remedy is missing in one language")
			}
		}
		for _, r := range c.Rows {
			if !validRow.MatchString(r) {
				bad(c, "malformed row "+r)
			}
		}
		if c.Run == nil || c.Severity == 0 || c.Class == "" || c.Doc.Since == "" {
			bad(c, "no Run, Severity, Class or Since")
		}
		if seen[c.ID] {
			bad(c, "declared twice")
		}
		seen[c.ID] = true
	}
	return errors.Join(errs...)
}

// Options say how to run a suite. Report and Gap are called from one
// goroutine, in the order of the suite.
type Options struct {
	Parallel int    // checks at a time; at least 1
	Key      []byte // for Fingerprint
	Report   func(finding.Finding)
	Gap      func(finding.Gap)
	Progress func(done, total int)
	Meter    *Meter                  // for all checks together; may be nil
	Metered  func(done, total int64) // called now and then while Meter moves; may be nil
	Reading  Reading                 // for checks that read at large
	// Seen is told the bytes behind each fingerprint, from several goroutines
	// at a time; they are valid during the call only. nil for inspections.
	Seen func(fingerprint string, secret []byte)
	Memo any // for Pass.Memo
}

// tick is how often Metered is called.
const tick = 200 * time.Millisecond

// Run runs the suite over s. A check that fails or panics becomes a gap: one
// broken rule must not hide what the others found. The error is the context's.
func Run[S any](ctx context.Context, s S, suite []*Check[S], o Options) error {
	passes := make([]chan *Pass[S], len(suite))
	sem := make(chan struct{}, max(o.Parallel, 1))
	var wg sync.WaitGroup
	defer wg.Wait()
	if o.Meter == nil {
		o.Meter = &Meter{}
	}
	for i, c := range suite {
		passes[i] = make(chan *Pass[S], 1)
		wg.Go(func() {
			sem <- struct{}{}
			defer func() { <-sem }()
			p := &Pass[S]{Context: ctx, Check: c, Subject: s, Meter: o.Meter, Reading: o.Reading, Memo: o.Memo, key: o.Key, seen: o.Seen}
			if ctx.Err() == nil {
				p.run()
			}
			passes[i] <- p
		})
	}
	for i := range suite {
		p := wait(passes[i], o)
		for _, f := range p.findings {
			o.Report(f)
		}
		for _, g := range p.gaps {
			o.Gap(g)
		}
		if o.Progress != nil {
			o.Progress(i+1, len(suite))
		}
	}
	return ctx.Err()
}

// wait waits for a check and tells meanwhile how far those that read are.
func wait[S any](done <-chan *Pass[S], o Options) *Pass[S] {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case p := <-done:
			return p
		case <-t.C:
			if total := o.Meter.Total.Load(); total > 0 && o.Metered != nil {
				o.Metered(o.Meter.Done.Load(), total)
			}
		}
	}
}

// run turns an error or a panic into a gap. The stack goes into the gap's
// detail up to a bound: it names code, never the subject's bytes.
func (p *Pass[S]) run() {
	defer func() {
		if r := recover(); r != nil {
			p.Gap(finding.GapCheck, finding.Where{}, "internal error: %.200v\n%.2000s", r, debug.Stack())
		}
	}()
	if err := p.Check.Run(p); err != nil && p.Context.Err() == nil {
		p.Gap(finding.GapCheck, finding.Where{}, "%v", err)
	}
}
