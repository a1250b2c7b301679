package xfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// A sparseImage holds the pages of an image that are not zero; copies share
// them until they are changed.
type sparseImage struct {
	size  int64
	pages map[int64][]byte
	order []int64 // the pages that matter to mutations
}

func (s *sparseImage) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), s.size-off))
	for done := 0; done < n; {
		at := off + int64(done)
		k := min(n-done, int(pageSize-at%pageSize))
		if page := s.pages[at/pageSize]; page != nil {
			copy(p[done:done+k], page[at%pageSize:])
		} else {
			clear(p[done : done+k])
		}
		done += k
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *sparseImage) copy() *sparseImage {
	c := *s
	c.pages = make(map[int64][]byte, len(s.pages))
	for k, v := range s.pages {
		c.pages[k] = v
	}
	return &c
}

// write changes bytes; the page is copied first.
func (s *sparseImage) write(off int64, b []byte) {
	for len(b) > 0 && off >= 0 && off < s.size {
		num, in := off/pageSize, off%pageSize
		page := make([]byte, pageSize)
		copy(page, s.pages[num])
		n := copy(page[in:], b)
		s.pages[num] = page
		off, b = off+int64(n), b[n:]
	}
}

// load reads an image into memory.
func load(t testing.TB, name string) *sparseImage {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	st, err := f.Stat()
	must(t, err)
	s := &sparseImage{size: st.Size(), pages: map[int64][]byte{}}
	super, err := readSuper(f)
	must(t, err)
	logAt, _ := super.blockRange(super.logStart, uint64(super.logBlocks))
	logEnd := logAt + int64(super.logBlocks)<<super.blockLog
	zero := make([]byte, pageSize)
	for at := int64(0); at < s.size; at += pageSize {
		if at, err = unix.Seek(int(f.Fd()), at, unix.SEEK_DATA); err != nil {
			break
		}
		at &^= pageSize - 1
		page := make([]byte, pageSize)
		_, err := f.ReadAt(page, at)
		must(t, err)
		if !bytes.Equal(page, zero) {
			s.pages[at/pageSize] = page
			if interesting(page) || at >= logAt && at < logEnd {
				s.order = append(s.order, at/pageSize)
			}
		}
	}
	return s
}

// interesting picks metadata: anything with a magic number of the file system
// or its log at the start of a sector.
func interesting(page []byte) bool {
	for o := 0; o < len(page); o += sector {
		b := page[o:]
		if _, ok := kindOf(b); ok || be.Uint16(b) == inodeMagic || be.Uint32(b) == recordMagic ||
			slices.Contains([]string{"XD2B", "XD2D", "ABTB", "IABT", "BMAP"}, string(b[:4])) ||
			slices.Contains([]uint16{attrLeafV2, daNodeV2}, be.Uint16(b[8:])) {
			return true
		}
	}
	return false
}

// reseal makes all checksums of a page right, so that a mutation is believed.
func reseal(page []byte) {
	for o := 0; o < len(page); o += sector {
		b := page[o:]
		switch k, ok := kindOf(b); {
		case be.Uint16(b) == inodeMagic:
			setSum(b[:sector], 100)
		case ok && o == 0 && k.magic != superMagic && k.magic != agfMagic && k.magic != agiMagic && k.magic != aglMagic:
			setSum(b, k.sum)
			return
		case ok:
			setSum(b[:sector], k.sum)
		}
	}
}

// resealLog sets the checksums of all log records that still look like ones.
func resealLog(s *sparseImage) {
	super, err := readSuper(s)
	if err != nil {
		return
	}
	n := int64(super.logBlocks) << super.blockLog
	off, ok := super.blockRange(super.logStart, uint64(super.logBlocks))
	if !ok || off > s.size-n {
		return
	}
	l := &ring{dev: s, off: off, n: n / sector}
	ends, err := l.find()
	if err != nil {
		return
	}
	for at, k := ends.tail, 0; at != ends.head && k < 1000; k++ {
		h, err := l.header(at)
		if err != nil {
			return
		}
		b, err := l.read((h.at+h.hdrs)%l.n, h.blocks()-h.hdrs)
		if err != nil {
			return
		}
		var c [4]byte
		le.PutUint32(c[:], h.compute(b[:h.length], 328))
		s.write(l.off+at*sector+32, c[:])
		at = (at + h.blocks()) % l.n
	}
}

// makeBases makes images that together have all kinds of metadata.
func makeBases(t testing.TB) []*sparseImage {
	t.Helper()
	var out []*sparseImage
	src := t.TempDir()
	must(t, os.WriteFile(filepath.Join(src, "f"), noise(5000, 1), 0o600))
	proto := "dummy\n0 0\nd--755 0 0\n"
	for i := range 300 {
		proto += fmt.Sprintf("file-%d-%s ---640 %d 7 %s\n", i, strings.Repeat("z", i%100), i, filepath.Join(src, "f"))
	}
	proto += "l l--777 0 0 " + strings.Repeat("long/", 120) + "\nsub d--700 1 2\ninner ---600 0 0 " + filepath.Join(src, "f") + "\n$\n$\n"
	must(t, os.WriteFile(filepath.Join(src, "proto"), []byte(proto), 0o600))
	for _, args := range [][]string{{"-m", "crc=0"}, nil} {
		img := mkfs(t, 310<<20, append(args, "-p", filepath.Join(src, "proto"))...)
		out = append(out, load(t, img))
	}
	if os.Getuid() != 0 {
		return out
	}
	for _, flush := range []bool{false, true} { // a dirty log, a full tree
		img := mkfs(t, 310<<20)
		dir, umount := mount(t, img, "rw,noatime")
		small(t, dir)
		if flush {
			crash(t, dir, true, umount)
		} else {
			umount()
		}
		out = append(out, load(t, img))
	}
	return out
}

// small makes a little of everything, with trees of every depth.
func small(t testing.TB, dir string) {
	t.Helper()
	p := func(s string) string { return filepath.Join(dir, s) }
	content(t, p)
	attributes(t, func(s string) string {
		if s == "link200" {
			must(t, os.Symlink("x", p(s)))
		}
		return p(s)
	})
	must(t, os.Symlink(strings.Repeat("t/", 450), p("symlink")))
	must(t, os.Mkdir(p("d"), 0o755))
	for i := range 2500 {
		must(t, os.Link(p("size1"), p(fmt.Sprintf("d/%d%s", i, strings.Repeat("n", i%60)))))
	}
	must(t, os.Mkdir(p("short"), 0o755))
	must(t, os.WriteFile(p("short/a"), nil, 0o644))
	must(t, os.Remove(p("size65536")))
}

// known reports whether an error is of a kind that fsys allows.
func known(err error) bool {
	var fe *binread.FormatError
	var ue *binread.UnsupportedError
	return err == nil || errors.As(err, &fe) || errors.As(err, &ue) || errors.Is(err, fsys.ErrNotDir) || errors.Is(err, fsys.ErrNotFile)
}

// exercise calls everything that a file system has, within bounds.
func exercise(t testing.TB, r io.ReaderAt, size int64) {
	t.Helper()
	fs, err := Open(r, size)
	if err != nil {
		if !known(err) && !errors.Is(err, binread.ErrNotMine) {
			t.Fatalf("Open: %T %v", err, err)
		}
		return
	}
	useAll(t, fs)
}

// useAll calls every method, on every file up to a bound.
func useAll(t testing.TB, fs *FS) {
	check := func(err error) {
		if !known(err) {
			t.Errorf("%T %v", err, err)
		}
	}
	_ = fs.Describe()
	todo, seen := []fsys.Node{fs.Root()}, map[fsys.Node]bool{}
	for entries := 0; len(todo) > 0 && len(seen) < 3000; {
		n := todo[0]
		todo = todo[1:]
		if seen[n] {
			continue
		}
		seen[n] = true
		exerciseNode(fs, n, check)
		check(fs.ReadDir(n, func(e fsys.Entry) error {
			if entries++; entries > 1<<16 {
				return fsys.ErrStop
			}
			todo = append(todo, e.Node)
			return nil
		}))
	}
	count := 0
	check(fs.Scan(func(fsys.Node, fsys.Meta) error {
		if count++; count > 1<<16 {
			return fsys.ErrStop
		}
		return nil
	}))
	_, err := fs.Free()
	check(err)
	_, err = fs.FreeInodes()
	check(err)
	_, err = fs.Unlinked()
	check(err)
}

func exerciseNode(fs *FS, n fsys.Node, check func(error)) {
	m, err := fs.Stat(n)
	check(err)
	_, err = fs.Xattrs(n)
	check(err)
	_, err = fs.Extents(n)
	check(err)
	if m.Kind == fsys.Symlink {
		_, err = fs.Readlink(n)
		check(err)
	}
	f, err := fs.Open(n)
	check(err)
	if err != nil {
		return
	}
	b := make([]byte, 8192)
	for _, at := range []int64{0, 4096 * 3, m.Size / 2, m.Size - 100} {
		if _, err := f.ReadAt(b, max(0, at)); err != io.EOF {
			check(err)
		}
	}
}

// mutate changes a copy of an image as the numbers say: page, offset, value.
func mutate(s *sparseImage, next func() (uint32, bool)) *sparseImage {
	c := s.copy()
	sealed := true
	for k := 0; k < 16; k++ {
		page, ok1 := next()
		where, ok2 := next()
		value, ok3 := next()
		if !ok1 || !ok2 || !ok3 {
			break
		}
		num := s.order[int(page)%len(s.order)]
		at := num*pageSize + int64(where&0xfff)
		var b [4]byte
		be.PutUint32(b[:], value)
		width := 1 << (where >> 12 & 3) // 1, 2, 4
		if width == 8 {
			other := s.pages[s.order[int(value)%len(s.order)]] // a page in the place of another
			c.write(num*pageSize, other)
		} else {
			c.write(at, b[:width])
		}
		sealed = sealed && where>>14&3 != 3
	}
	if sealed {
		for _, num := range s.order {
			if p := c.pages[num]; &p[0] != &s.pages[num][0] {
				reseal(p)
			}
		}
		resealLog(c)
	}
	return c
}

// TestHostile opens images with a few wild changes, most of them with right
// checksums, and requires an end and known errors.
func TestHostile(t *testing.T) {
	images := makeBases(t)
	for i, s := range images {
		exercise(t, s, s.size)
		t.Logf("base %d: %d pages, %d of metadata", i, len(s.pages), len(s.order))
		r := rand.New(rand.NewPCG(uint64(i), 11))
		values := []uint32{0, 1, 2, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0}
		start := time.Now()
		rounds := 0
		for ; rounds < 1500 && time.Since(start) < 1500*time.Millisecond; rounds++ {
			left := 3 * (1 + r.IntN(4))
			c := mutate(s, func() (uint32, bool) {
				left--
				v := r.Uint32()
				if left%3 == 0 && v&1 != 0 {
					v = values[r.IntN(len(values))]
				}
				return v, left >= 0
			})
			one := need.CPU()
			exercise(t, c, c.size)
			if d := need.CPU() - one; d > 5*time.Second {
				t.Errorf("round %d took %v", rounds, d)
			}
		}
		t.Logf("base %d: %d mutants", i, rounds)
	}
}

// FuzzOpen mutates the same images as told by the input: first byte the
// image, then page, offset and value in four bytes each.
func FuzzOpen(f *testing.F) {
	need.Tool(f, "mkfs.xfs")
	images := makeBases(f)
	for i := range byte(4) {
		f.Add([]byte{i, 0, 0, 0, 1, 0, 0, 0x20, 8, 0, 0, 0, 1})
		f.Add([]byte{i, 0, 0, 0, 9, 0, 0, 0x10, 4, 0xff, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		s := images[int(b[0])%len(images)]
		b = b[1:]
		c := mutate(s, func() (uint32, bool) {
			if len(b) < 4 {
				return 0, false
			}
			v := be.Uint32(b)
			b = b[4:]
			return v, true
		})
		exercise(t, c, c.size)
	})
}
