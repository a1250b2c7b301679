package content

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/guest"
	"assay/internal/secret"
	"assay/internal/unpack"
)

// Options bound one reading.
type Options struct {
	Workers       int    // at least 1
	Key           []byte // for fingerprints
	MaxFileSize   int64  // larger files are cut, with a gap; 0 means no bound
	MinConfidence int    // weaker candidates are dropped
	Meter         *check.Meter
	// Leave tells which files other checks judge better; nil leaves none.
	Leave func(path string) bool
	// Seen is told the bytes behind each fingerprint; nil if nobody asks.
	Seen func(fingerprint string, secret []byte)
	// Memo carries verdicts on to the inspection of a copy; nil for none.
	Memo *Memo
}

// A Hit is one candidate, without the secret.
type Hit struct {
	Path        string // of the guest's file; FILE:STREAM for a named stream
	Stream      string // its name, "" for the file's own content
	Inner       string // inside of it, "" when it is no container
	Volume      string
	Rule        string
	Kind        string
	Title       finding.Text
	Severity    finding.Severity
	Confidence  int
	Reason      finding.Text
	Line        int
	Offset      int64
	ID          string // AccessKey id, user@host, …
	Fingerprint string
	Length      int
	Span        int64 // bytes that the secret takes in the file: more than Length in UTF-16
	Excerpt     string
	Encrypted   bool
	Deleted     bool
}

// A Result is what a reading gave.
type Result struct {
	Hits   []Hit
	Gaps   []finding.Gap
	Files  int   // read
	Bytes  int64 // of them
	Vendor int   // candidates dropped because a package brought the file unchanged
	Sealed int   // containers not opened for the same reason, but for their digest
}

// Scan reads all regular files of the guest.
func Scan(ctx context.Context, g *guest.Guest, e *secret.Engine, o Options) (Result, error) {
	jobs := list(g, o)
	results := make([]Result, len(jobs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(o.Workers, 1) {
		wg.Go(func() {
			w := worker{ctx: ctx, g: g, o: o, engine: e, scanner: e.NewScanner(), head: make([]byte, small)}
			for i := next.Add(1) - 1; i < int64(len(jobs)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				results[i] = w.guarded(jobs[i])
				if o.Meter != nil {
					o.Meter.Done.Add(jobs[i].size)
				}
			}
		})
	}
	wg.Wait()
	out := merge(results)
	return out, ctx.Err()
}

func merge(results []Result) (out Result) {
	for _, r := range results {
		out.Hits = append(out.Hits, r.Hits...)
		out.Gaps = append(out.Gaps, r.Gaps...)
		out.Files += r.Files
		out.Bytes += r.Bytes
		out.Vendor += r.Vendor
		out.Sealed += r.Sealed
	}
	slices.SortStableFunc(out.Hits, func(a, b Hit) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Inner, b.Inner), cmp.Compare(a.Offset, b.Offset))
	})
	slices.SortStableFunc(out.Gaps, func(a, b finding.Gap) int { return strings.Compare(a.Where.Path, b.Where.Path) })
	return out
}

// A worker reads one file after the other.
type worker struct {
	ctx     context.Context
	g       *guest.Guest
	o       Options
	engine  *secret.Engine
	scanner *secret.Scanner
	head    []byte // the first bytes of the file, or all of them
	sumBuf  []byte // a chunk, see summed
	sums    []uint64
}

// sniffed is how many bytes tell a container from a plain file.
const sniffed = 512

// guarded reads one file; a fault of our own in one file must not hide the
// others.
func (w *worker) guarded(j job) (r Result) {
	defer func() {
		if x := recover(); x != nil {
			where := finding.Where{Volume: w.g.Tree.VolumeOf(j.place), Path: j.path}
			r.Gaps = append(r.Gaps, finding.NewGap(finding.GapCheck, where, "internal error: %.200v\n%.2000s", x, debug.Stack()))
			w.scanner = w.engine.NewScanner()
		}
	}()
	return w.file(j)
}

// file reads one file, and drops what it found if a package brought the file.
func (w *worker) file(j job) (r Result) {
	f, err := w.open(j)
	if err != nil {
		w.g.Tree.Note(j.path, j.place, err)
		return r
	}
	r.Files = 1
	volume := w.g.Tree.VolumeOf(j.place)
	where := finding.Where{Volume: volume, Path: j.path}
	size := f.Size()
	if w.o.MaxFileSize > 0 && size > w.o.MaxFileSize {
		r.Gaps = append(r.Gaps, finding.NewGap(finding.GapLimit, where, "only the first %d of %d bytes were read (--max-file-size)", w.o.MaxFileSize, size))
		size = w.o.MaxFileSize
	}
	c := &collector{w: w, r: &r, path: j.path, stream: j.stream, volume: volume}
	tracked := &faulty{File: f}
	c.judge(tracked, w.runs(j, size))
	if tracked.err != nil {
		w.g.Tree.Note(j.path, j.place, tracked.err)
	}
	w.vendor(&r, j.path, f)
	return r
}

// vendor drops what a package brought: all of a file that is unchanged since
// (a broken archive in a package's test data hides nothing of the owner's
// either), and in a cached package the files that are installed from it.
func (w *worker) vendor(r *Result, name string, f fsys.File) {
	if len(r.Hits)+len(r.Gaps) == 0 {
		return
	}
	if w.g.Shipped(name, f) {
		r.Vendor, r.Hits, r.Gaps = len(r.Hits), nil, nil
		return
	}
	if _, ok := w.g.Packages().Owner(sourceOf(name)); ok && sourceOf(name) != name {
		r.Vendor, r.Hits = len(r.Hits), nil // compiled from a package's source
		return
	}
	if !strings.HasSuffix(name, ".deb") && !strings.HasSuffix(name, ".rpm") {
		return
	}
	all := len(r.Hits)
	r.Hits = slices.DeleteFunc(r.Hits, func(h Hit) bool {
		_, entry, _ := strings.Cut(h.Inner, "!/") // "data.tar.xz!/./usr/bin/x", "./usr/bin/x"
		if entry == "" {
			entry = h.Inner
		}
		if strings.HasPrefix(h.Inner, "control.tar") {
			return true // maintainer scripts, which dpkg keeps below /var/lib/dpkg too
		}
		_, owned := w.g.Packages().Owner(path.Clean("/" + entry))
		return owned
	})
	r.Vendor += all - len(r.Hits)
}

// sourceOf is the source of Python's compiled files, which packages do not own
// because they are made on the machine; any other name is its own.
func sourceOf(name string) string {
	dir, base := path.Split(name)
	stem, _, ok := strings.Cut(base, ".cpython-")
	if !ok || !strings.HasSuffix(base, ".pyc") || path.Base(dir) != "__pycache__" {
		return name
	}
	return path.Join(path.Dir(path.Clean(dir)), stem+".py")
}

// faulty remembers the first failure of a file: unpack treats it as the end.
type faulty struct {
	fsys.File
	err error
}

func (f *faulty) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) && f.err == nil {
		f.err = err
	}
	return n, err
}

// A collector turns candidates of one file into hits.
type collector struct {
	w      *worker
	r      *Result
	path   string
	stream string
	volume string
}

// small is the size up to which a file is read at once: most files of a system
// are, and one call of the kernel for each is what reading them costs.
const small = 64 << 10

// whole reads a file that has no large holes, and what it contains. Most files
// are no containers; for them the walk's bookkeeping is left out.
func (c *collector) whole(file fsys.File, size int64) {
	var f io.ReaderAt = file
	head := c.w.head[:min(size, small)]
	if n, _ := file.ReadAt(head, 0); int64(n) == size {
		f = bytes.NewReader(head) // the scanner and the walk never need more
	}
	format := unpack.Sniff(head[:min(len(head), sniffed)])
	if format.Container() && c.stream == "" && (c.w.g.Shipped(c.path, file) || c.w.g.Cached(c.path, file)) {
		// What is in it is the vendor's, whatever it is: its digest is a few
		// times cheaper than its contents.
		c.r.Sealed++
		c.r.Bytes += size
		return
	}
	if format == unpack.Plain {
		if err := c.scan(secret.Source{Path: c.path, Size: size}, io.NewSectionReader(f, 0, size), "", 0); err != nil && c.w.ctx.Err() == nil {
			c.r.Gaps = append(c.r.Gaps, fsys.Gap(finding.Where{Volume: c.volume, Path: c.path}, err))
		}
		return
	}
	gaps, err := unpack.Walk(c.w.ctx, c.path, f, size, unpack.Limits{}, func(p unpack.Part) error {
		inner := strings.TrimPrefix(strings.TrimPrefix(p.Path, c.path), "!/")
		name := p.Path
		if i := strings.LastIndex(name, "!/"); i >= 0 {
			name = name[i+2:]
		}
		return c.scan(secret.Source{Path: name, Size: p.Size, HighOnly: p.Kind == unpack.Raw}, p.Reader, inner, p.Base)
	})
	if err != nil && c.w.ctx.Err() == nil {
		c.r.Gaps = append(c.r.Gaps, fsys.Gap(finding.Where{Volume: c.volume, Path: c.path}, err))
	}
	for _, g := range gaps {
		kind := finding.GapKind(g.Kind)
		c.r.Gaps = append(c.r.Gaps, finding.NewGap(kind, finding.Where{Volume: c.volume, Path: g.Path}, "%s", g.Detail))
	}
}

// piece reads one run of a file with large holes; lines mean nothing there.
func (c *collector) piece(f fsys.File, run runOf) {
	if err := c.scan(secret.Source{Path: c.path, Size: run.Len}, io.NewSectionReader(f, run.Off, run.Len), "", run.Off); err != nil && c.w.ctx.Err() == nil {
		c.r.Gaps = append(c.r.Gaps, fsys.Gap(finding.Where{Volume: c.volume, Path: c.path}, err))
	}
}

func (c *collector) scan(src secret.Source, r io.Reader, inner string, base int64) error {
	n := &counter{r: r}
	err := c.w.scanner.Scan(c.w.ctx, src, n, func(k secret.Candidate) {
		if k.Confidence < c.w.o.MinConfidence {
			return
		}
		line := k.Line
		if base > 0 {
			line = 0
		}
		print := check.Fingerprint(c.w.o.Key, k.Secret)
		if c.w.o.Seen != nil {
			c.w.o.Seen(print, k.Secret)
		}
		c.r.Hits = append(c.r.Hits, Hit{Path: c.path, Stream: c.stream, Inner: inner, Volume: c.volume, Rule: k.Rule, Kind: k.Kind, Title: k.Title,
			Severity: k.Severity, Confidence: k.Confidence, Reason: k.Reason, Line: line, Offset: base + k.Offset, ID: k.ID,
			Fingerprint: print, Length: len(k.Secret), Span: k.Length, Excerpt: k.Excerpt, Encrypted: k.Encrypted})
	})
	c.r.Bytes += n.n
	if errors.Is(err, secret.ErrTooMuch) {
		where := finding.Where{Volume: c.volume, Path: c.path}
		c.r.Gaps = append(c.r.Gaps, finding.NewGap(finding.GapLimit, where, "%v", err))
		return nil
	}
	return err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
