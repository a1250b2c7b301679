package secret

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"assay/finding"
)

// A run is the state of one Scan.
type run struct {
	e      *Engine
	src    Source
	report func(Candidate)

	place     place // what the path says
	filter    *filter
	lineRules []*rule
	binary    bool
	wide      byte // 0, littleEndian or bigEndian

	window []byte
	base   int64 // units of the stream before window[front]
	n      int   // units in the window

	newlines int // in the stream before counted
	counted  int // index in window

	pending []found
	recent  []span // places already reported whose excerpts may still be needed
}

const (
	littleEndian = 1
	bigEndian    = 2
)

// A span is a range of units of the stream.
type span struct{ from, to int64 }

// A found is a candidate whose rivals may still come.
type found struct {
	span
	rule    *rule
	c       Candidate
	around  []byte // the line, unmasked, until the candidate leaves
	aroundX int64  // place of around[0]
}

func (r *run) reset(e *Engine, src Source, report func(Candidate)) {
	*r = run{e: e, src: src, report: report, pending: r.pending[:0], recent: r.recent[:0], lineRules: r.lineRules[:0]}
	r.place.of(src.Path)
	r.filter = e.all
	r.counted = front
	if src.HighOnly {
		r.filter = e.high
		return
	}
	for _, x := range e.lines {
		if x.inFile(r.place.name, src.Path) {
			r.lineRules = append(r.lineRules, x)
		}
	}
}

// sniff tells text from the rest by the first bytes.
func (r *run) sniff(b []byte) {
	zeros := bytes.Count(b, []byte{0})
	if r.wide = utf16Order(b, zeros); r.wide != 0 {
		return
	}
	for _, magic := range binaryMagics {
		if strings.HasPrefix(string(b[:min(len(b), 16)]), magic) && zeros > 0 {
			r.binary = true
		}
	}
	// a log after a crash has a run of zeros in it, a binary has them everywhere
	if r.binary = r.binary || zeros*50 > len(b) || controls(b) > max(fewControls, len(b)/50); r.binary {
		r.filter = r.e.high
		r.lineRules = r.lineRules[:0]
	}
}

// binaryMagics begin programs, objects and what is packed. A Go object is one
// that begins with kilobytes of names and literals, like a text.
var binaryMagics = []string{"\x7fELF", "MZ", "\xca\xfe\xba\xbe", "\xcf\xfa\xed\xfe", "go object ", "\x1f\x8b", "PK\x03\x04", "\xfd7zXZ", "\x28\xb5\x2f\xfd"}

// fewControls are no reason to call a short text binary: a history keeps the
// keys that were typed.
const fewControls = 64

// controls counts the bytes that no text in any ASCII-like encoding has (GBK and
// Latin-1 use the upper half only): C0 controls but NUL, which sniff weighs by
// itself, white space, backspace of overstruck manuals, and escape.
func controls(b []byte) (n int) {
	for _, c := range b {
		if c < ' ' && c != 0 && (c < '\b' || c > '\r') && c != 0x1b {
			n++
		}
	}
	return n
}

// utf16Order reports the byte order when b looks like UTF-16: a mark, or zeros in
// most of one half of the bytes and hardly any in the other.
func utf16Order(b []byte, zeros int) byte {
	switch {
	case len(b) < 2:
		return 0
	case b[0] == 0xff && b[1] == 0xfe && !bytes.HasPrefix(b, []byte("\xff\xfe\x00\x00")):
		return littleEndian
	case b[0] == 0xfe && b[1] == 0xff:
		return bigEndian
	case len(b) < 16 || zeros*10 < len(b)*3:
		return 0
	}
	var half [2]int
	for i, c := range b[:len(b)&^1] {
		if c == 0 {
			half[i&1]++
		}
	}
	units := len(b) / 2
	switch {
	case half[1]*10 > units*7 && half[0]*50 < units:
		return littleEndian
	case half[0]*10 > units*7 && half[1]*50 < units:
		return bigEndian
	}
	return 0
}

// width is the number of bytes of a unit.
func (r *run) width() int64 {
	if r.wide != 0 {
		return 2
	}
	return 1
}

// retire forgets the first n units of the window.
func (r *run) retire(n int) {
	if to := front + n; r.counted < to {
		if !r.binary {
			r.newlines += bytes.Count(r.window[r.counted:to], []byte{'\n'})
		}
		r.counted = to
	}
	r.counted -= n
	r.base += int64(n)
}

// line is the number of the line of window[i].
func (r *run) line(i int) int {
	if r.binary || r.src.HighOnly {
		return 0
	}
	if i < r.counted {
		return 1 + r.newlines - bytes.Count(r.window[i:r.counted], []byte{'\n'})
	}
	r.newlines += bytes.Count(r.window[r.counted:i], []byte{'\n'})
	r.counted = i
	return 1 + r.newlines
}

// A verdict is what a rule says of a match.
type verdict struct {
	confidence int
	reason     finding.Text
	id         string
	encrypted  bool
	title      finding.Text // instead of the rule's
}

const aroundLen = 80 // bytes of a line shown on either side of a secret

// add keeps v.b[from:to] as a candidate of rule x.
func (r *run) add(x *rule, v *view, from, to int, d verdict) {
	if from >= to {
		return
	}
	at := r.base + int64(v.lo+from-front)
	f := found{span: span{at, at + int64(to-from)}, rule: x}
	conf, reason := r.weigh(x, d)
	if conf <= 0 {
		return
	}
	f.c = Candidate{Rule: x.id, Kind: x.kind, Title: x.title, Secret: bytes.Clone(v.b[from:to]), ID: d.id,
		Offset: at * r.width(), Length: int64(to-from) * r.width(), Line: r.line(v.lo + from),
		Confidence: conf, Severity: x.severity, Reason: reason, Encrypted: d.encrypted}
	if d.title.EN != "" {
		f.c.Title = d.title
	}
	if conf < Worth {
		f.c.Severity = finding.Low
	}
	lo, hi := from, to
	for lo > max(from-aroundLen, 0) && !r.ends(v.b[lo-1]) {
		lo--
	}
	for hi < min(to+aroundLen, len(v.b)) && !r.ends(v.b[hi]) {
		hi++
	}
	f.around = make([]byte, 0, from-lo+hi-to)
	f.around = append(append(f.around, v.b[lo:from]...), v.b[to:hi]...)
	f.aroundX = at - int64(from-lo)
	r.pending = append(r.pending, f)
}

// ends reports whether c bounds an excerpt: the end of a line, and in what is
// not text everything that cannot be shown.
func (r *run) ends(c byte) bool {
	return c == '\n' || c == 0 || (r.binary || r.src.HighOnly) && (c < ' ' && c != '\t' || c > '~')
}

// settled is the place before which no keyword to come can add a candidate,
// nor one within the excerpt of another, once window[:at] is worked through.
func (r *run) settled(at int) int64 { return r.base + int64(at-front-back-aroundLen) }

// flush reports the candidates that end before limit. Rivals are candidates
// that overlap, directly or through a third; they leave together.
func (r *run) flush(limit int64) {
	if len(r.pending) == 0 {
		return
	}
	slices.SortStableFunc(r.pending, func(a, b found) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	done := 0
	for done < len(r.pending) {
		end, to := done+1, r.pending[done].to
		for end < len(r.pending) && r.pending[end].from < to {
			to = max(to, r.pending[end].to)
			end++
		}
		if to > limit {
			break
		}
		r.settle(r.pending[done:end], r.pending[max(0, done-neighbours):min(len(r.pending), end+neighbours)])
		done = end
	}
	for _, f := range r.pending[:done] {
		r.recent = append(r.recent, f.span)
	}
	r.pending = slices.Delete(r.pending, 0, done)
	if extra := len(r.recent) - 64; extra > 0 {
		r.recent = slices.Delete(r.recent, 0, extra)
	}
}

// neighbours is how many candidates on either side may share an excerpt: a
// candidate has three bytes at least.
const neighbours = aroundLen / 3

// settle reports the best of some rivals, then the best of those it leaves
// room for, in order of place. near are the candidates around them.
func (r *run) settle(rivals, near []found) {
	best := make([]*found, 0, len(rivals))
	for i := range rivals {
		best = append(best, &rivals[i])
	}
	slices.SortStableFunc(best, func(a, b *found) int {
		return cmp.Or(-cmp.Compare(a.rule.rank, b.rule.rank), -cmp.Compare(a.c.Confidence, b.c.Confidence),
			-cmp.Compare(a.to-a.from, b.to-b.from), cmp.Compare(a.rule.id, b.rule.id), cmp.Compare(a.from, b.from))
	})
	var won []*found
	for _, f := range best {
		if !slices.ContainsFunc(won, func(w *found) bool { return w.from < f.to && f.from < w.to }) {
			won = append(won, f)
		}
	}
	slices.SortFunc(won, func(a, b *found) int { return cmp.Compare(a.from, b.from) })
	for _, f := range won {
		f.c.Excerpt = r.excerpt(f, near)
		r.report(f.c)
	}
}

// excerpt is the line around f with every known secret of it masked.
func (r *run) excerpt(f *found, near []found) string {
	size := f.to - f.from
	cut := f.from - f.aroundX // where the secret was taken out of around
	out := make([]byte, 0, len(f.around)+len(mask))
	hidden := func(at int64) bool {
		for i := range near {
			if near[i].from <= at && at < near[i].to {
				return true
			}
		}
		return slices.ContainsFunc(r.recent, func(p span) bool { return p.from <= at && at < p.to })
	}
	star := func() {
		if !bytes.HasSuffix(out, []byte(mask)) {
			out = append(out, mask...)
		}
	}
	for i, c := range f.around {
		at := f.aroundX + int64(i)
		if int64(i) >= cut {
			at += size
		}
		if int64(i) == cut {
			star()
		}
		if hidden(at) {
			star()
			continue
		}
		out = append(out, c)
	}
	if int64(len(f.around)) == cut {
		star()
	}
	return string(out)
}

// mask is check.Mask; this room may not import it.
const mask = "********"
