package fat

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"assay/internal/fsys"
	"assay/internal/need"
)

const mark = "XQZ7mark"

// A memory is a volume in memory, as an fsys.Patch.
type memory struct{ b []byte }

func (m *memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m.b).ReadAt(p, off) }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(m.b)-len(p)) {
		return 0, fmt.Errorf("a write of %d bytes at %d", len(p), off)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) Zero(off, n int64) error {
	if off < 0 || n < 0 || off > int64(len(m.b))-n {
		return fmt.Errorf("zeroing of %d bytes at %d", n, off)
	}
	clear(m.b[off : off+n])
	return nil
}

// marks counts what is left of the planted marks, also in names.
func (m *memory) marks() (n int) {
	wide := []byte{}
	for _, u := range utf16.Encode([]rune(mark)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	// A long name is cut into parts of 5, 6 and 2 characters.
	return bytes.Count(m.b, []byte(mark)) + bytes.Count(m.b, wide[:10]) + bytes.Count(m.b, []byte(strings.ToUpper(mark[:6])))
}

// judged writes the image out and has fsck.fat and mtools look at it.
func judged(t testing.TB, m *memory) (image string, files map[string]fact) {
	t.Helper()
	image = filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(image, m.b, 0o600); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "fsck.fat", "-n", image)
	return image, compare(t, image)
}

// secrets puts marked files into an image and deletes half of them.
func secrets(t testing.TB, image string, most int) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"gone", "keep"} {
		for k := range 40 {
			name := fmt.Sprintf("%s/%s/secret %d", dir, d, k)
			if d == "gone" {
				name = fmt.Sprintf("%s/%s/%s file %d", dir, d, mark, k)
			}
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, bytes.Repeat([]byte(mark+" "), 1+k*most/400), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(t, image, dir)
	for k := range 40 {
		if k%2 == 0 {
			mtool(t, image, "mdel", fmt.Sprintf("::gone/%s file %d", mark, k))
		}
	}
	p := filepath.Join(t.TempDir(), "in pieces") // in the holes
	if err := os.WriteFile(p, bytes.Repeat([]byte("pieces"), most), 0o600); err != nil {
		t.Fatal(err)
	}
	mtool(t, image, "mcopy", p, "::")
	for k := range 40 {
		if k%2 == 1 {
			mtool(t, image, "mdel", fmt.Sprintf("::gone/%s file %d", mark, k))
		}
	}
	mtool(t, image, "mmd", "::"+mark)
	mtool(t, image, "mrd", "::"+mark)
}

// soil puts marks behind the end of every file and, as deleted entries, behind
// the end of every directory, where writers other than mtools leave things.
func soil(t testing.TB, m *memory) {
	t.Helper()
	f, err := Open(m, int64(len(m.b)))
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	var walk func(n fsys.Node)
	walk = func(n fsys.Node) {
		last := int64(0)
		if err := f.raws(n, func(at int64, _ []byte) error { last = at; return nil }); err != nil {
			t.Fatal(err)
		}
		places, err := f.places(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range places {
			if last >= p.Physical && last+3*entrySize <= p.Physical+p.Len {
				copy(m.b[last+2*entrySize:], "\xe5"+mark)
			}
		}
		_ = f.ReadDir(n, func(x fsys.Entry) error {
			if x.Kind == fsys.Directory {
				walk(x.Node)
				return nil
			}
			exts, err := f.Extents(x.Node)
			if err != nil {
				t.Fatal(err)
			}
			meta, _ := f.Stat(x.Node)
			for _, e := range exts {
				if from := max(meta.Size-e.Logical, 0); from+int64(len(mark)) <= e.Len {
					copy(m.b[e.Physical+from:e.Physical+e.Len], mark)
					done++
				}
			}
			return nil
		})
	}
	walk(f.Root())
	if done < 20 {
		t.Errorf("%d tails", done)
	}
}

// TestEditorOrphans: the parts of a long name whose file is gone go, those of
// others stay.
func TestEditorOrphans(t *testing.T) {
	b := tiny(12)
	root := 512 * 3
	file := bytes.Clone(b[root+32 : root+96])
	orphan := []byte("\x41X\x00Q\x00Z\x007\x00m\x00\x0f\x00\x01a\x00r\x00k\x00\x00\x00\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff")
	copy(b[root+96+32:], b[root+96:root+128]) // the folder
	copy(b[root+32:], orphan)                 // before a long name
	copy(b[root+64:], file)
	copy(b[root+160:], orphan) // before the end
	m := &memory{b}
	if m.marks() < 2 {
		t.Fatal("no orphans")
	}
	e, err := NewEditor(m, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Scrub(); err != nil || m.marks() > 0 {
		t.Errorf("%d marks, %v", m.marks(), err)
	}
	if _, nodes := reopen(t, b); len(nodes) != 2 || nodes["ab"] == 0 && nodes["a"] == 0 {
		t.Errorf("%v", nodes)
	}
}

// An editing does random edits and knows what should come of them.
type editing struct {
	t    testing.TB
	e    *Editor
	r    *rand.Rand
	want map[string]fact
}

// dir edits everything below a directory.
func (d *editing) dir(n fsys.Node, path string) {
	var list []fsys.Entry
	if err := d.e.ReadDir(n, func(x fsys.Entry) error { list = append(list, x); return nil }); err != nil {
		d.t.Fatal(err)
	}
	for _, x := range list {
		name := path + "/" + x.Name
		if x.Kind == fsys.Directory {
			d.dir(x.Node, name)
			if d.r.IntN(4) == 0 {
				d.remove(n, x, name)
			}
			continue
		}
		if d.r.IntN(6) == 0 {
			d.remove(n, x, name)
			continue
		}
		d.file(x.Node, name)
	}
}

// remove removes an entry; a directory with something in it must stay.
func (d *editing) remove(dir fsys.Node, x fsys.Entry, name string) {
	d.t.Helper()
	empty := true
	for other := range d.want {
		empty = empty && !strings.HasPrefix(other, name+"/")
	}
	err := d.e.Remove(dir, x.Name)
	if !empty {
		if !errors.Is(err, fsys.ErrCannot) {
			d.t.Errorf("%s: %v", name, err)
		}
		return
	}
	if err != nil {
		d.t.Errorf("%s: %v", name, err)
	}
	if _, err := d.e.Stat(x.Node); !errors.Is(err, fsys.ErrNotExist) {
		d.t.Errorf("%s is still there: %v", name, err)
	}
	delete(d.want, name)
}

func (d *editing) file(n fsys.Node, name string) {
	t := d.t
	t.Helper()
	f, err := d.e.Open(n)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	room, err := d.e.Room(n)
	if err != nil || room < int64(len(b)) {
		t.Errorf("%s: room %d for %d: %v", name, room, len(b), err)
	}
	secret := bytes.Contains(b, []byte(mark))
	switch k := d.r.IntN(5); {
	case k == 0 || secret && k > 2:
		err = d.e.Blank(n)
		b = nil
	case k == 1:
		if err := d.e.Replace(n, make([]byte, room+1)); !errors.Is(err, fsys.ErrNoRoom) {
			t.Errorf("%s: too long: %v", name, err)
		}
		b = bytes.Repeat([]byte{'r'}, d.r.IntN(int(room)+1))
		err = d.e.Replace(n, b)
	case k == 2:
		err = d.e.Clear(n, 0, int64(len(b)))
		clear(b)
	case k == 3 && len(b) > 0:
		at := d.r.IntN(len(b))
		over := bytes.Repeat([]byte{'o'}, d.r.IntN(len(b)-at+1))
		err = d.e.Overwrite(n, int64(at), over)
		copy(b[at:], over)
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	w := d.want[name]
	w.size, w.sum = int64(len(b)), sha256.Sum256(b)
	d.want[name] = w
}

func same(t testing.TB, got, want map[string]fact) {
	t.Helper()
	for name, w := range want {
		if g, ok := got[name]; g != w && (!w.dir || !g.dir) {
			t.Errorf("%q: %+v, want %+v (found: %v)", name, g, w, ok)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

var editVariants = []struct {
	size int64
	many int
	args string
}{
	{1440 << 10, 10, "-F 12"},
	{8 * mib, 30, "-F 12 -s 8"},
	{16 * mib, 200, "-F 16"},
	{31 * mib, 100, "-F 16 -s 1"},
	{64 * mib, 50, "-F 16 -S 4096"},
	{64 * mib, 300, "-F 32 -s 1"},
	{40 * mib, 50, "-F 32"},
	{140 * mib, 50, "-F 32 -S 1024 -s 2 -f 1"},
}

func TestEditor(t *testing.T) {
	for k, v := range editVariants {
		t.Run(fmt.Sprint(v.size>>10, "K ", v.args), func(t *testing.T) { edited(t, k, 1) })
	}
}

// TestEditorSoak does it with many seeds, if ASSAY_SOAK is set.
func TestEditorSoak(t *testing.T) {
	if os.Getenv("ASSAY_SOAK") == "" {
		t.Skip("runs with ASSAY_SOAK=1")
	}
	for seed := range uint64(15) {
		for k, v := range editVariants {
			t.Run(fmt.Sprint(seed, " ", v.size>>10, "K ", v.args), func(t *testing.T) { edited(t, k, seed+2) })
		}
	}
}

func edited(t *testing.T, variant int, seed uint64) {
	need.Tool(t, "mcopy", "mkfs.fat", "fsck.fat")
	v := editVariants[variant]
	r := rand.New(rand.NewPCG(seed, uint64(variant)))
	image := mkfs(t, v.size, strings.Fields(v.args)...)
	fill(t, image, tree(t, r, int(min(v.size/6, mib)), v.many))
	secrets(t, image, int(min(v.size/40, 100000)))
	before := compare(t, image)
	b, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{b}
	soil(t, m)
	if n := m.marks(); n < 100 {
		t.Fatalf("only %d marks", n)
	}
	e, err := NewEditor(m, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	d := &editing{t: t, e: e, r: r, want: before}
	d.dir(e.Root(), "")
	rep, err := e.Commit()
	if err != nil || len(rep.Left) > 0 {
		t.Errorf("Commit: %+v, %v", rep, err)
	}
	_, files := judged(t, m)
	same(t, files, d.want)
	rep, err = e.Scrub()
	if err != nil || len(rep.Left) > 0 {
		t.Errorf("Scrub: %+v, %v", rep, err)
	}
	if err := e.Blank(2); err == nil {
		t.Error("an editor works after Scrub")
	}
	if n := m.marks(); n > 0 {
		t.Errorf("%d marks are left, one at byte %d", n, bytes.Index(m.b, []byte(mark)))
	}
	out, files := judged(t, m)
	same(t, files, d.want)
	again := t.TempDir() // a guest uses it
	if err := os.Rename(tree(t, r, int(min(v.size/6, mib)), 10), filepath.Join(again, "again")); err != nil {
		t.Fatal(err)
	}
	fill(t, out, again)
	need.Run(t, "fsck.fat", "-n", out)
	compare(t, out)
}

// TestEditorRefuses volumes that fsck.fat would change.
func TestEditorRefuses(t *testing.T) {
	image := mkfs(t, 16*mib, "-F", "16")
	fill(t, image, tree(t, rand.New(rand.NewPCG(1, 1)), mib, 5))
	b, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	g := open(t, image).g
	b[g.fats[1]+40] ^= 1 // one copy of the FAT
	if _, err := NewEditor(&memory{b}, int64(len(b))); !errors.Is(err, fsys.ErrUnsafe) {
		t.Errorf("copies that differ: %v", err)
	}
	b[g.fats[1]+40] ^= 1
	last := int64(g.clusters) * 2
	for _, f := range g.fats {
		b[f+last] = 0xff // the last cluster but one is in use, by nobody
		b[f+last+1] = 0xff
	}
	e, err := NewEditor(&memory{b}, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := e.Scrub(); err != nil || len(rep.Left) != 1 {
		t.Errorf("a lost cluster: %+v, %v", rep, err)
	}
}

// FuzzEditor changes every file of whatever opens.
func FuzzEditor(f *testing.F) {
	f.Add(tiny(12))
	f.Add(tiny(32))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &memory{bytes.Clone(b)}
		e, err := NewEditor(m, int64(len(b)))
		if err != nil {
			return
		}
		seen := 0
		var walk func(dir fsys.Node)
		walk = func(dir fsys.Node) {
			var list []fsys.Entry
			_ = e.ReadDir(dir, func(x fsys.Entry) error { list = append(list, x); return nil })
			for _, x := range list {
				if seen++; seen > 500 {
					return
				}
				switch {
				case x.Kind == fsys.Directory:
					walk(x.Node)
					_ = e.Remove(dir, x.Name)
				case seen%3 == 0:
					_ = e.Remove(dir, x.Name)
				case seen%3 == 1:
					if room, err := e.Room(x.Node); err == nil {
						_ = e.Replace(x.Node, make([]byte, room/2))
					}
				default:
					_ = e.Blank(x.Node)
				}
			}
		}
		walk(e.Root())
		if _, err := e.Commit(); err != nil {
			return
		}
		if _, err := NewEditor(m, int64(len(b))); err != nil {
			t.Fatalf("what was committed cannot be opened again: %v", err)
		}
		_, _ = e.Scrub()
		if _, err := NewEditor(m, int64(len(b))); err != nil {
			t.Fatalf("what was scrubbed cannot be opened again: %v", err)
		}
	})
}
