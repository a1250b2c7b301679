package btrfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// WriteAt and Zero make a patched an fsys.Patch.
func (p *patched) WriteAt(b []byte, off int64) (int, error) {
	if off < 0 || off > p.size-int64(len(b)) {
		return 0, fmt.Errorf("a write of %d bytes at %d", len(b), off)
	}
	for done := 0; done < len(b); {
		at := off + int64(done)
		in := at % pageSize
		page := bytes.Clone(p.pages[at-in])
		if page == nil {
			page = make([]byte, pageSize)
		}
		done += copy(page[in:], b[done:])
		p.pages[at-in] = page
	}
	return len(b), nil
}

func (p *patched) Zero(off, n int64) error {
	if off < 0 || n < 0 || off > p.size-n {
		return fmt.Errorf("zeroing of %d bytes at %d", n, off)
	}
	for at, page := range p.pages {
		lo, hi := max(off, at), min(off+n, at+pageSize)
		switch {
		case lo >= hi:
		case hi-lo == pageSize:
			delete(p.pages, at)
		default:
			page = bytes.Clone(page)
			clear(page[lo-at : hi-at])
			p.pages[at] = page
		}
	}
	return nil
}

// save writes the volume to a sparse file.
func (p *patched) save(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	h, err := os.Create(name)
	if err == nil {
		err = h.Truncate(p.size)
	}
	for at, page := range p.pages {
		if err == nil {
			_, err = h.WriteAt(page, at)
		}
	}
	if err := errors.Join(err, h.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// holds tells whether any byte of the volume starts what.
func (p *patched) holds(what []byte) (int64, bool) {
	for at, page := range p.pages {
		b := append(bytes.Clone(page), p.pages[at+pageSize]...)
		if k := bytes.Index(b, what); k >= 0 {
			return at + int64(k), true
		}
	}
	return 0, false
}

func loadFile(t testing.TB, img string) *patched {
	t.Helper()
	h, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	return load(t, h)
}

// manifest tells everything that a guest can see of each path below dir.
func manifest(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		s := fmt.Sprint(st.Ino, st.Mode, st.Nlink, st.Uid, st.Gid, st.Rdev, st.Size, st.Atim, st.Mtim, st.Ctim)
		switch {
		case d.Type().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			s += fmt.Sprintf(" %x", sha256.Sum256(b))
		case d.Type() == fs.ModeSymlink:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			s += to
		}
		list := make([]byte, 64<<10)
		n, err := unix.Llistxattr(path, list)
		if err != nil {
			return err
		}
		for _, name := range strings.Split(string(list[:n]), "\x00") {
			v := make([]byte, 64<<10)
			if k, err := unix.Lgetxattr(path, name, v); err == nil {
				s += fmt.Sprintf(" %s=%x", name, v[:k])
			}
		}
		out[strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")] = s
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checked has btrfs check look at all of a volume.
func checked(t testing.TB, img string) {
	t.Helper()
	out, err := exec.Command("btrfs", "check", "--readonly", "--check-data-csum", img).CombinedOutput()
	if err != nil || bytes.Contains(bytes.ToLower(out), []byte("error:")) || !bytes.Contains(out, []byte("no error found")) {
		t.Errorf("btrfs check: %v\n%s", err, out)
	}
}

// scrubbed has the kernel verify every checksum of a mounted volume.
func scrubbed(t testing.TB, dir string) {
	t.Helper()
	out, err := exec.Command("btrfs", "scrub", "start", "-B", dir).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("no errors found")) {
		t.Errorf("btrfs scrub: %v\n%s", err, out)
	}
}

// used mounts a volume for writing, and does to the changed files what could
// bring old bytes back or trip over what was left behind their ends.
func used(t testing.TB, img string, changed []string) {
	t.Helper()
	dir, done := mount(t, img, "subvolid=5")
	scrubbed(t, dir)
	slices.Sort(changed)
	want := map[string][]byte{}
	for i, name := range changed {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		h, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		more := make([]byte, 10)
		if i%2 == 0 { // a write far behind the end is left out: see Editor
			more = make([]byte, 200_000)
			err = h.Truncate(int64(len(b) + len(more)))
		} else {
			_, err = h.WriteAt(more, int64(len(b)))
		}
		if err := errors.Join(err, h.Close()); err != nil {
			t.Fatal(err)
		}
		want[name] = append(b, more...)
	}
	done()
	checked(t, img)
	dir, done = mount(t, img, "subvolid=5")
	for name, w := range want {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(b, w) {
			t.Errorf("%s grown to %d bytes: %v, or other bytes", name, len(w), err)
		}
	}
	need.Run(t, "cp", "-r", filepath.Join(dir, "@"), filepath.Join(dir, "again"))
	for i, name := range changed {
		if i%2 == 0 {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
	done()
	checked(t, img)
}

var editVariants = []variant{
	{name: "default", size: 256 << 20},
	{name: "dup-data-xxhash", size: 320 << 20, mkfs: []string{"-m", "dup", "-d", "dup", "--csum", "xxhash"}},
	{name: "single-4k-nodes-explicit-holes", size: 160 << 20, mkfs: []string{"-m", "single", "-n", "4096", "-O", "^no-holes"}},
	{name: "mixed-sha256", size: 128 << 20, mkfs: []string{"--mixed", "-n", "4096", "--csum", "sha256"}},
	{name: "zstd", size: 256 << 20, mkfs: []string{"--csum", "blake2"}, mount: "compress-force=zstd"},
	{name: "zlib-no-skinny-v1", size: 256 << 20, mkfs: []string{"-R", "^free-space-tree", "-O", "^skinny-metadata"}, mount: "compress-force=zlib,space_cache=v1"},
	{name: "lzo", size: 256 << 20, mount: "compress-force=lzo"},
	{name: "nodatacow", size: 256 << 20, mkfs: []string{"-m", "single"}, mount: "nodatacow"},
	{name: "nodatasum-no-inline", size: 256 << 20, mount: "nodatasum,max_inline=0"},
}

// A soil plants marks, and knows which must be gone in the end.
type soil struct {
	*filler
	marks map[string][]byte // by what must be gone
}

// mark is 24 bytes that compression leaves alone.
func (s *soil) mark(what string) []byte {
	b := make([]byte, 24)
	for i := range b {
		b[i] = byte(s.r.Uint32())
	}
	s.marks[what] = b
	return b
}

// secret writes a file of n bytes, at least one mark in each 1000.
func (s *soil) secret(name string, n int) {
	s.t.Helper()
	m := s.mark(name)
	var b []byte
	for len(b) < n {
		b = append(append(b, m...), fmt.Sprintf(" line %d %s\n", len(b), strings.Repeat("x", s.r.IntN(900)))...)
	}
	s.write("@/s/"+name, b[:n])
}

func (s *soil) plant() {
	t, x := s.t, s.filler
	need.Run(t, "btrfs", "-q", "subvolume", "create", x.path("@"))
	x.tree("@/tree", 120)
	x.odd("@/odd")
	x.mkdir("@/s")
	for _, f := range []struct {
		name string
		n    int
	}{{"inline", 700}, {"inline-short", 700}, {"mid", 3000}, {"mid-short", 3500}, {"big", 300_000}, {"big-short", 260_001},
		{"over", 200_000}, {"clear", 200_000}, {"link-a", 50_000}, {"gone", 70_000}, {"gone-inline", 600}, {"cut", 100_000}, {"hole", 200_000}, {"kept", 9000}} {
		s.secret(f.name, f.n)
	}
	need.Run(t, "cp", "--reflink=always", x.path("@/s/link-a"), x.path("@/s/link-b"))
	need.Run(t, "cp", "--reflink=always", x.path("@/s/kept"), x.path("@/s/kept-not"))
	need.Run(t, "sync", "-f", x.dir)
	// The middle of an extent is replaced: its old bytes stay on disk.
	m := s.mark("bookend")
	x.write("@/s/bookend", bytes.Repeat(append(bytes.Clone(m), make([]byte, 100)...), 1000))
	need.Run(t, "sync", "-f", x.dir)
	x.writeAt("@/s/bookend", make([]byte, 110_000), 8192)
	x.writeAt("@/s/bookend", bytes.Repeat([]byte("n"), 8192), 0)
	x.ok(os.Truncate(x.path("@/s/bookend"), 118_000))
	x.ok(os.Truncate(x.path("@/s/cut"), 0))
	x.fallocate("@/s/hole", unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 4096, 190_000)
	x.ok(os.Truncate(x.path("@/s/hole"), 4096))
	x.writeAt("@/s/hole", make([]byte, 4096), 0)
	x.remove("@/s/gone")
	x.remove("@/s/gone-inline")
	need.Run(t, "btrfs", "-q", "subvolume", "create", x.path("other"))
	x.mkdir("other/d")
	for i := range 90 { // more than one leaf, so that the snapshot shares some
		x.write(fmt.Sprintf("other/d/f%d", i), x.bytes(i*40))
	}
	need.Run(t, "sync", "-f", x.dir)
	need.Run(t, "btrfs", "-q", "subvolume", "snapshot", x.path("other"), x.path("snap"))
}

// open makes an editor over a clone of an image.
func (p *patched) editor(t testing.TB) *Editor {
	t.Helper()
	e, err := NewEditor(p, p.size)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEdit(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mkfs.btrfs", "btrfs", "mount", "chattr", "cp")
	for i, v := range editVariants {
		t.Run(v.name, func(t *testing.T) { editOne(t, v, uint64(i)) })
	}
}

// TestEditSoak edits volumes of other content, for as long as it is let.
func TestEditSoak(t *testing.T) {
	if os.Getenv("ASSAY_SOAK") == "" {
		t.Skip("runs with ASSAY_SOAK=1")
	}
	need.Root(t)
	need.Tool(t, "mkfs.btrfs", "btrfs", "mount", "chattr", "cp")
	for seed := range uint64(10) {
		for i, v := range editVariants {
			t.Run(fmt.Sprintf("%s-%d", v.name, seed), func(t *testing.T) { editOne(t, v, 100+seed*20+uint64(i)) })
		}
	}
}

func editOne(t *testing.T, v variant, seed uint64) {
	img := newImage(t, v)
	dir, done := mount(t, img, v.mount)
	s := &soil{&filler{t, dir, rand.New(rand.NewPCG(seed, 11))}, map[string][]byte{}}
	s.plant()
	done()
	dir, done = mount(t, img, "ro,subvolid=5")
	before := manifest(t, dir)
	done()
	checked(t, img)
	p := loadFile(t, img)
	e := p.editor(t)
	want := edits(t, e, s)
	for path := range want {
		if b, err := content(t, e.FS, path); err != nil || !bytes.Equal(b, want[path]) {
			t.Errorf("%s through the editor: %d bytes, %v", path, len(b), err)
		}
	}
	r, err := e.Scrub()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scrub: %d bytes, left %q", r.Zeroed, r.Left)
	if len(r.Left) > 0 && v.name != "lzo" {
		t.Errorf("left: %q", r.Left)
	}
	for what, m := range s.marks {
		at, found := p.holds(m)
		if kept := what == "kept" || what == "bookend" && v.name == "lzo"; found && !kept {
			t.Errorf("the mark of %s (%s) is at byte %d", what, hex.EncodeToString(m[:4]), at)
		} else if what == "kept" && !found && !strings.Contains(v.mount, "compress") {
			t.Errorf("the mark that stays cannot be seen: the search is blind")
		}
	}
	out := p.save(t)
	checked(t, out)
	dir, done = mount(t, out, "ro,subvolid=5")
	after := manifest(t, dir)
	for path, m := range before {
		if _, ok := want[path]; !ok && after[path] != m {
			t.Errorf("%s was\n%s\nis\n%s", path, m, after[path])
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d paths, there were %d", len(after), len(before))
	}
	var changed []string
	for path, w := range want {
		changed = append(changed, path)
		if b, err := os.ReadFile(filepath.Join(dir, path)); err != nil || !bytes.Equal(b, w) {
			t.Errorf("%s has %d bytes, want %d: %v", path, len(b), len(w), err)
		}
	}
	done()
	used(t, out, changed)
}

// edits does one of each and returns what the changed files must hold.
func edits(t *testing.T, e *Editor, s *soil) map[string][]byte {
	t.Helper()
	want := map[string][]byte{}
	node := func(name string) fsys.Node { return find(t, e.FS, "@/s/"+name) }
	ok := func(name string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"inline", "mid", "big", "cut", "hole", "link-a", "kept-not"} {
		ok(name, e.Blank(node(name)))
		want["@/s/"+name] = nil
	}
	for name, n := range map[string]int{"inline-short": 150, "mid-short": 1200, "big-short": 4097} {
		b := bytes.Repeat([]byte("new\n"), n)[:n]
		err := e.Replace(node(name), b)
		if errors.Is(err, fsys.ErrCannot) { // compressed
			b, err = nil, e.Blank(node(name))
		}
		ok(name, err)
		want["@/s/"+name] = b
	}
	for _, name := range []string{"over", "clear"} {
		b, err := content(t, e.FS, "@/s/"+name)
		ok(name, err)
		fill := byte(0)
		if name == "over" {
			fill = '#'
		}
		for from := 0; from < len(b); from += 70_001 {
			part := b[from:min(len(b), from+70_001)]
			copy(part, bytes.Repeat([]byte{fill}, len(part)))
			if name == "over" {
				err = e.Overwrite(node(name), int64(from), part)
			} else {
				err = e.Clear(node(name), int64(from), int64(len(part)))
			}
			if errors.Is(err, fsys.ErrCannot) {
				b, err = nil, e.Blank(node(name))
				ok(name, err)
				break
			}
			ok(name, err)
		}
		want["@/s/"+name] = b
	}
	for name, err := range map[string]error{
		"remove":         e.Remove(e.Root(), "@"),
		"in a snapshot":  e.Blank(find(t, e.FS, "snap/d/f3")),
		"its original":   e.Blank(find(t, e.FS, "other/d/f20")),
		"shared replace": e.Replace(node("link-b"), []byte("x")),
		"shared clear":   e.Clear(node("link-b"), 0, 100),
	} {
		if !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := e.Commit()
	ok("commit", err)
	if len(r.Left) != 1 {
		t.Errorf("left after half of a shared file: %q", r.Left)
	}
	ok("link-b", e.Blank(node("link-b")))
	want["@/s/link-b"] = nil
	r, err = e.Commit()
	ok("commit", err)
	if len(r.Left) != 0 {
		t.Errorf("left after both of a shared file: %q", r.Left)
	}
	return want
}
