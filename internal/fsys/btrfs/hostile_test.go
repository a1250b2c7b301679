package btrfs

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// A patched is a volume in memory of which only the pages that are not zero
// are kept.
type patched struct {
	size  int64
	pages map[int64][]byte // by offset, 4 KiB each
}

const pageSize = 4096

// load reads a volume; it is for small sparse ones.
func load(t testing.TB, r io.Reader) *patched {
	t.Helper()
	p := &patched{pages: map[int64][]byte{}}
	zero := make([]byte, pageSize)
	for {
		b := make([]byte, pageSize)
		n, err := io.ReadFull(r, b)
		if n > 0 && !bytes.Equal(b, zero) {
			p.pages[p.size] = b
		}
		p.size += int64(n)
		if err != nil {
			return p
		}
	}
}

// ReadAt implements io.ReaderAt.
func (p *patched) ReadAt(b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) && off < p.size {
		in := off % pageSize
		k := int(min(pageSize-in, int64(len(b)-n), p.size-off))
		if page := p.pages[off-in]; page != nil {
			copy(b[n:n+k], page[in:])
		} else {
			clear(b[n : n+k])
		}
		n, off = n+k, off+int64(k)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// set overwrites one byte.
func (p *patched) set(off int64, c byte) {
	in := off % pageSize
	page := bytes.Clone(p.pages[off-in])
	if page == nil {
		page = make([]byte, pageSize)
	}
	page[in] = c
	p.pages[off-in] = page
}

func (p *patched) clone() *patched {
	q := &patched{p.size, make(map[int64][]byte, len(p.pages))}
	for k, v := range p.pages {
		q.pages[k] = v
	}
	return q
}

// exercise uses everything an FS can do, within a budget of calls and bytes.
func exercise(r io.ReaderAt, size int64) error {
	f, err := Open(r, size)
	if err != nil {
		return err
	}
	f.Describe()
	f.Free()
	left := 3000
	f.Scan(func(fsys.Node, fsys.Meta) error {
		if left--; left < 0 {
			return fsys.ErrStop
		}
		return nil
	})
	buf := make([]byte, 70000)
	left = 3000
	var walk func(n fsys.Node, depth int)
	walk = func(n fsys.Node, depth int) {
		f.Xattrs(n)
		f.ReadDir(n, func(e fsys.Entry) error {
			if left--; left < 0 || depth > 100 {
				return fsys.ErrStop
			}
			f.Stat(e.Node)
			f.Extents(e.Node)
			f.Readlink(e.Node)
			if x, err := f.Open(e.Node); err == nil {
				x.ReadAt(buf, 0)
				x.ReadAt(buf, x.Size()-1000)
			}
			if e.Kind == fsys.Directory {
				walk(e.Node, depth+1)
			}
			return nil
		})
	}
	for _, s := range f.Subvolumes() {
		walk(s.Root, 0)
	}
	for n := range fsys.Node(300) {
		f.Stat(n<<48 | n)
	}
	return nil
}

// within fails the test when fn takes longer than d.
func within(t testing.TB, d time.Duration, fn func()) {
	t.Helper()
	start := need.CPU()
	fn()
	if took := need.CPU() - start; took > d {
		t.Errorf("took %v", took)
	}
}

func TestCorpus(t *testing.T) {
	dir := need.Corpus(t, "fs/btrfs-progs")
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	opened := 0
	for _, name := range files {
		tool := map[string]string{".xz": "xz", ".gz": "gzip"}[filepath.Ext(name)]
		if tool == "" {
			continue
		}
		cmd := exec.Command(need.Tool(t, tool), "-dc", name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p := load(t, out)
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		var result error
		within(t, 20*time.Second, func() { result = exercise(p, p.size) })
		if result == nil {
			opened++
		} else if !known(result) {
			t.Errorf("%s: an error of no known type: %v", name, result)
		}
		t.Logf("%s: %v", filepath.Base(name), result)
	}
	if len(files) < 40 || opened == 0 {
		t.Errorf("%d samples, %d of them opened", len(files), opened)
	}
}

// mend gives a superblock, or a tree block of 4 KiB, of a CRC-32C volume the
// right checksum.
func mend(b []byte) {
	s, _ := newSummer(0)
	s.sum(b[:0], b[32:])
}

// small makes a volume with a bit of everything, without root.
func small(t testing.TB, args ...string) *patched {
	t.Helper()
	need.Tool(t, "mkfs.btrfs")
	src := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(src, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.MkdirAll(filepath.Join(src, "a/b/c"), 0o755)
	write("a/inline", []byte("inline"))
	write("a/b/plain", bytes.Repeat([]byte("plain text "), 2000))
	os.Symlink("../inline", filepath.Join(src, "a/b/link"))
	os.Link(filepath.Join(src, "a/inline"), filepath.Join(src, "a/b/c/hard"))
	for i := range 40 {
		write("a/b/c/"+strings.Repeat("n", i+1), bytes.Repeat([]byte{byte(i)}, i*100))
	}
	img := filepath.Join(t.TempDir(), "img")
	os.WriteFile(img, nil, 0o600)
	os.Truncate(img, 128<<20)
	need.Run(t, "mkfs.btrfs", append(append([]string{"-q", "-r", src, "-n", "4096"}, args...), img)...)
	h, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return load(t, h)
}

// TestMutations flips bytes of metadata, with checksums mended so that the
// checks behind them are reached.
func TestMutations(t *testing.T) {
	mutate(t, small(t, "-m", "single"), 1500)
}

func mutate(t *testing.T, base *patched, rounds int) {
	t.Helper()
	if err := exercise(base, base.size); err != nil {
		t.Fatal(err)
	}
	nodes, roots := metadata(t, base)
	r := rand.New(rand.NewPCG(3, 3))
	opened := 0
	for i := range rounds {
		p := base.clone()
		for range 1 + r.IntN(3) {
			off := nodes[r.IntN(len(nodes))]
			if r.IntN(8) == 0 {
				off = roots[r.IntN(len(roots))]
			}
			at := int64(r.IntN(pageSize))
			if r.IntN(2) == 0 {
				at = int64(r.IntN(600))
			}
			p.set(off+at, [...]byte{0, 1, 0xff, 0x80, byte(r.Uint32())}[r.IntN(5)])
			mend(p.pages[off])
		}
		within(t, 10*time.Second, func() {
			if err := exercise(p, p.size); err == nil {
				opened++
			} else if !known(err) {
				t.Errorf("round %d: an error of no known type: %v", i, err)
			}
		})
	}
	t.Logf("%d of %d mutants of %d blocks opened", opened, rounds, len(nodes))
	if opened < rounds/10 {
		t.Errorf("only %d of %d mutants opened: nothing behind Open was tested", opened, rounds)
	}
}

// metadata lists the superblock and the tree blocks in use of a volume with
// 4 KiB nodes.
// The superblock and the blocks of the chunk, root and log trees come again as roots.
func metadata(t testing.TB, p *patched) (all, roots []int64) {
	t.Helper()
	f, err := Open(p, p.size)
	if err != nil {
		t.Fatal(err)
	}
	all = []int64{65536}
	var below func(w want)
	below = func(w want) {
		n, err := f.node(w)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := f.chunks.physical(w.bytenr)
		all = append(all, at)
		for i := 0; n.level > 0 && i < n.n; i++ {
			below(n.descend(i, w.under))
		}
	}
	below(root{bytenr: f.sb.chunkRoot, gen: f.sb.chunkGen, level: f.sb.chunkLevel}.want())
	below(f.trees[rootTreeID].want())
	roots = slices.Clone(all)
	for id, r := range f.trees {
		if id != rootTreeID {
			below(r.want())
		}
	}
	for _, t := range f.subvols {
		below(t.root.want())
	}
	slices.Sort(all)
	for _, b := range f.logOwned {
		if at, _ := f.chunks.physical(b.logical); b.length == pageSize && string(p.pages[at][32:48]) == string(f.sb.fsid[:]) {
			roots = append(roots, at)
		}
	}
	return all, roots
}

func known(err error) bool {
	var fe *binread.FormatError
	var ue *binread.UnsupportedError
	return errors.As(err, &fe) || errors.As(err, &ue) || errors.Is(err, binread.ErrNotMine)
}
