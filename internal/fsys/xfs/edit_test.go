//go:build linux

package xfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// mark begins every planted secret. It is in no test's name or other data.
const mark = "XQZ7mark"

// WriteAt and Zero make a sparseImage an fsys.Patch.
func (s *sparseImage) WriteAt(b []byte, off int64) (int, error) {
	if off < 0 || off > s.size-int64(len(b)) {
		return 0, fmt.Errorf("a write of %d bytes at %d", len(b), off)
	}
	s.write(off, b)
	return len(b), nil
}

func (s *sparseImage) Zero(off, n int64) error {
	if off < 0 || n < 0 || off > s.size-n {
		return fmt.Errorf("zeroing of %d bytes at %d", n, off)
	}
	if n/pageSize > int64(len(s.pages)) {
		for num := range s.pages {
			if at := num * pageSize; at >= off && at+pageSize <= off+n {
				delete(s.pages, num)
			}
		}
		if tail := (off + n) &^ (pageSize - 1); tail > off {
			head := (off + pageSize - 1) &^ (pageSize - 1)
			return errors.Join(s.Zero(off, head-off), s.Zero(tail, off+n-tail))
		}
	}
	for n > 0 {
		k := min(n, pageSize-off%pageSize)
		if k == pageSize {
			delete(s.pages, off/pageSize)
		} else if s.pages[off/pageSize] != nil {
			s.write(off, make([]byte, k))
		}
		off, n = off+k, n-k
	}
	return nil
}

// save writes the image to a sparse file.
func (s *sparseImage) save(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(name)
	must(t, err)
	must(t, f.Truncate(s.size))
	for num, page := range s.pages {
		_, err := f.WriteAt(page, num*pageSize)
		must(t, err)
	}
	must(t, f.Close())
	return name
}

// marks lists where a byte sequence still is.
func (s *sparseImage) marks(what string) (at []int64) {
	nums := make([]int64, 0, len(s.pages))
	for num := range s.pages {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	for _, num := range nums {
		b := append(bytes.Clone(s.pages[num]), s.pages[num+1]...)
		for from := 0; ; from++ {
			k := bytes.Index(b[from:], []byte(what))
			if k < 0 || from+k >= pageSize {
				break
			}
			from += k
			at = append(at, num*pageSize+int64(from))
		}
	}
	return at
}

// repairAgrees has xfs_repair look for anything to repair.
func repairAgrees(t testing.TB, img string) {
	t.Helper()
	c := command(t, "xfs_repair", "-n", img)
	out, err := c.CombinedOutput()
	for _, note := range []string{"Cannot get host filesystem geometry.\n", "Repair may fail if there is a sector size mismatch between\n",
		"the image and the host filesystem.\n"} { // of the file system that holds the image
		out = bytes.ReplaceAll(out, []byte(note), nil)
	}
	odd := err != nil
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "Phase ") && !strings.HasPrefix(line, "        - ") && !strings.HasPrefix(line, "No modify flag set, ") {
			odd = true
		}
	}
	if odd {
		t.Errorf("xfs_repair -n: %v\n%s", err, out)
	}
}

// manifest tells everything that a guest can see of each path below dir.
func manifest(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	hashes := map[uint64]string{}
	buf := make([]byte, 1<<17)
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		var st unix.Stat_t
		must(t, unix.Lstat(path, &st))
		s := fmt.Sprintf("%o %d:%d n%d r%x", st.Mode, st.Uid, st.Gid, st.Nlink, st.Rdev)
		if !d.IsDir() {
			s += fmt.Sprintf(" t%v %v %v", st.Mtim, st.Ctim, st.Size)
		}
		if n, err := unix.Llistxattr(path, buf); err == nil {
			names := strings.Split(string(buf[:n]), "\x00")
			slices.Sort(names)
			for _, x := range names {
				if n, err := unix.Lgetxattr(path, x, buf); x != "" && err == nil {
					s += fmt.Sprintf(" %s=%x", x, sha256.Sum256(buf[:n]))
				}
			}
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			to, err := os.Readlink(path)
			must(t, err)
			s += " -> " + to
		case unix.S_IFREG:
			if hashes[st.Ino] == "" {
				hashes[st.Ino] = hashFile(t, path)
			}
			s += " " + hashes[st.Ino]
		}
		out[strings.TrimPrefix(path, dir)] = s
		return nil
	}))
	return out
}

func hashFile(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	must(t, err)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// secret is n bytes full of marks.
func secret(n int) []byte {
	return bytes.Repeat([]byte(mark+"+secret bytes; "), n/16+1)[:n]
}

// plant puts marks everywhere: into live files below secrets/, and into
// names, contents, links and attributes that are then removed.
func plant(t testing.TB, dir string) {
	t.Helper()
	p := func(s string) string { return filepath.Join(dir, s) }
	must(t, os.Mkdir(p("secrets"), 0o755))
	for k, n := range []int{8, 100, 511, 4096, 5000, 65536, 200000, 1 << 20} {
		must(t, os.WriteFile(p(fmt.Sprintf("secrets/s%d", k)), secret(n), 0o600))
	}
	f, err := os.Create(p("secrets/holes"))
	must(t, err)
	for k := range int64(300) {
		_, err := f.WriteAt(secret(5000), k*20000)
		must(t, err)
	}
	must(t, f.Close())
	f, err = os.Create(p("secrets/reserved"))
	must(t, err)
	must(t, unix.Fallocate(int(f.Fd()), 0, 0, 1<<18))
	_, err = f.WriteAt(secret(30000), 50000)
	must(t, err)
	must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 1<<18, 1<<18))
	must(t, f.Close())
	shrunk := p("secrets-shrunk")
	must(t, os.WriteFile(shrunk, secret(50000), 0o600))
	settleDisk(t, dir)
	must(t, os.Truncate(shrunk, 0))
	must(t, os.WriteFile(shrunk, []byte("short"), 0o600))
	plantNames(t, dir, p)
	plantAttrs(t, dir, p)
}

// settleDisk has the kernel write all metadata to its place, so that what is
// removed after that leaves traces there.
func settleDisk(t testing.TB, dir string) {
	t.Helper()
	need.Run(t, "fsfreeze", "-f", dir)
	need.Run(t, "fsfreeze", "-u", dir)
}

func plantNames(t testing.TB, dir string, p func(string) string) {
	t.Helper()
	for _, n := range []int{3, 6, 60, 2500} {
		d := p(fmt.Sprintf("names%d", n))
		must(t, os.Mkdir(d, 0o755))
		for k := range n {
			name := fmt.Sprintf("%s/%s-%d", d, mark, k)
			switch k % 3 {
			case 0:
				must(t, os.WriteFile(name, secret(3000), 0o600))
			case 1:
				must(t, os.Symlink(string(secret(20+k*7%900)), name))
			default:
				must(t, os.Mkdir(name, 0o700))
				must(t, os.WriteFile(name+"/"+mark, nil, 0o600))
			}
			must(t, os.WriteFile(fmt.Sprintf("%s/stays %d", d, k), []byte("stay"), 0o600))
		}
	}
	settleDisk(t, dir)
	for _, n := range []int{3, 6, 60, 2500} {
		for k := range n {
			must(t, os.RemoveAll(fmt.Sprintf("%s/%s-%d", p(fmt.Sprintf("names%d", n)), mark, k)))
		}
	}
}

func plantAttrs(t testing.TB, dir string, p func(string) string) {
	t.Helper()
	for name, sizes := range map[string][]int{
		"few": {10, 20}, "leaf": {100, 200, 300, 250}, "remote": {10, 3000, 5000, 60000, 100},
		"tree": slices.Repeat([]int{90}, 200),
	} {
		f := p("attrs-" + name)
		must(t, os.WriteFile(f, nil, 0o644))
		for k, n := range sizes {
			must(t, unix.Setxattr(f, fmt.Sprintf("user.%s%d", mark, k), secret(n), 0))
			must(t, unix.Setxattr(f, fmt.Sprintf("user.stays%d", k), bytes.Repeat([]byte("v"), n/2+1), 0))
		}
		settleDisk(t, dir)
		for k := range sizes {
			must(t, unix.Removexattr(f, fmt.Sprintf("user.%s%d", mark, k)))
		}
	}
}

func newEditor(t testing.TB, s *sparseImage) *Editor {
	t.Helper()
	e, err := NewEditor(s, s.size)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// find returns the node of a path.
func find(t testing.TB, e *Editor, path string) fsys.Node {
	t.Helper()
	n := e.Root()
	for _, name := range strings.Split(strings.Trim(path, "/"), "/") {
		list, err := listing(e.FS, n)
		must(t, err)
		x, ok := list[name]
		if !ok {
			t.Fatalf("%s: no %s", path, name)
		}
		n = x.Node
	}
	return n
}

// randomEdits changes what lies below secrets/ and some other files, and
// returns by path what they should hold then.
func randomEdits(t testing.TB, e *Editor, r *rand.Rand) map[string][]byte {
	t.Helper()
	want := map[string][]byte{}
	secrets, err := listing(e.FS, find(t, e, "secrets"))
	must(t, err)
	for name, x := range secrets {
		want["/secrets/"+name] = edit(t, e, x.Node, true, r)
	}
	top, err := listing(e.FS, e.Root())
	must(t, err)
	for name, x := range top {
		if m, err := e.Stat(x.Node); err == nil && m.Kind == fsys.Regular && r.IntN(2) == 0 && m.Flags&fsys.MayBeShared == 0 {
			want["/"+name] = edit(t, e, x.Node, false, r)
		}
	}
	return want
}

func contentOf(t testing.TB, fs *FS, n fsys.Node) []byte {
	t.Helper()
	f, err := fs.Open(n)
	must(t, err)
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b
}

// edit changes one file by a random method; whole says that nothing of its
// content may stay. It returns what the file should hold.
func edit(t testing.TB, e *Editor, n fsys.Node, whole bool, r *rand.Rand) []byte {
	t.Helper()
	old := contentOf(t, e.FS, n)
	room, err := e.Room(n)
	if err != nil && !errors.Is(err, fsys.ErrCannot) || err == nil && room < int64(len(old)) {
		t.Fatalf("room %d of a file of %d: %v", room, len(old), err)
	}
	how := r.IntN(4)
	if err != nil && how == 1 {
		how = 0
	}
	switch how {
	case 0:
		must(t, e.Blank(n))
		old = []byte{}
	case 1:
		if err := e.Replace(n, make([]byte, room+1)); !errors.Is(err, fsys.ErrNoRoom) {
			t.Fatalf("too long: %v", err)
		}
		old = noise(r.IntN(int(room)+1), uint64(n))
		must(t, e.Replace(n, old))
	case 2:
		must(t, e.Clear(n, 0, int64(len(old))))
		clear(old)
	case 3:
		at, k := 0, len(old)
		if !whole && k > 0 {
			at = r.IntN(k)
			k = r.IntN(k - at)
		}
		b := noise(k, uint64(n))
		switch err := e.Overwrite(n, int64(at), b); {
		case errors.Is(err, fsys.ErrCannot):
			if whole {
				must(t, e.Blank(n))
				old = []byte{}
			}
		default:
			must(t, err)
			copy(old[at:], b)
		}
	}
	if got := contentOf(t, e.FS, n); !bytes.Equal(got, old) {
		t.Fatalf("inode %d holds %d bytes, want %d", n, len(got), len(old))
	}
	return old
}

// checkEdited compares an edited image with what was before, through the
// kernel: only size and content of edited files may differ.
func checkEdited(t testing.TB, img string, before map[string]string, want map[string][]byte) {
	t.Helper()
	dir, umount := mount(t, img, "ro,nouuid")
	defer umount()
	after := manifest(t, dir)
	if len(after) != len(before) {
		t.Errorf("%d paths, %d before", len(after), len(before))
	}
	fields := func(s string) []string { return strings.Fields(s) }
	bad := 0
	for path, was := range before {
		is := after[path]
		if b, ok := want[path]; ok {
			f, g := fields(was), fields(is)
			sum := fmt.Sprintf("%x", sha256.Sum256(b))
			if len(f) != len(g) || g[len(g)-1] != sum {
				t.Errorf("%s: %s, want %s", path, is, sum)
				continue
			}
			was = strings.Join(f[:len(f)-1], " ")
			is = strings.Join(g[:len(g)-1], " ")
			was = strings.Replace(was, sizeField(f), sizeField(g), 1)
		}
		if is != was {
			if bad++; bad < 20 {
				t.Errorf("%s:\n  is %s\n was %s", path, is, was)
			}
		}
	}
}

// sizeField is the field of a manifest's line that holds the size, with the
// one before it to be unique.
func sizeField(f []string) string {
	for k, s := range f {
		if strings.HasPrefix(s, "t{") {
			return f[k+3] + " " + f[k+4]
		}
	}
	return ""
}

// useIt works with an edited image as a guest would, and has it checked again.
func useIt(t testing.TB, img string, want map[string][]byte) {
	t.Helper()
	dir, umount := mount(t, img, "rw,nouuid")
	for path := range want {
		if f, err := os.OpenFile(dir+path, os.O_WRONLY|os.O_APPEND, 0); err == nil { // not the immutable one
			_, err = f.Write([]byte("appended"))
			must(t, err)
			must(t, f.Close())
			b, err := os.ReadFile(dir + path)
			must(t, err)
			if !bytes.Equal(b, append(slices.Clone(want[path]), "appended"...)) {
				t.Errorf("%s: %d bytes after an append to %d", path, len(b), len(want[path]))
			}
		}
	}
	must(t, os.Mkdir(dir+"/use", 0o755))
	must(t, churn(dir+"/use", 600, 99))
	for path := range want {
		if !strings.Contains(path, "append") {
			_ = os.Remove(dir + path)
		}
	}
	must(t, os.RemoveAll(dir+"/names2500"))
	must(t, os.RemoveAll(dir+"/attrs-tree"))
	umount()
	repairAgrees(t, img)
}

func TestEditor(t *testing.T) {
	for k, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			if os.Getenv("ASSAY_SOAK") == "" && k > 1 {
				t.Skip("runs with ASSAY_SOAK=1")
			}
			img := mkfs(t, v.size, v.args...)
			dir, umount := mount(t, img, "rw")
			populate(t, dir, false)
			plant(t, dir)
			umount()
			dir, umount = mount(t, img, "ro,noatime")
			before := manifest(t, dir)
			umount()
			s := load(t, img)
			if n := len(s.marks(mark)); n < 1000 {
				t.Fatalf("only %d marks were planted", n)
			}
			cleaned(t, s, before, 1)
		})
	}
}

// cleaned edits and scrubs s and checks the outcome in every way.
func cleaned(t *testing.T, s *sparseImage, before map[string]string, seed uint64) {
	t.Helper()
	e := newEditor(t, s)
	r := rand.New(rand.NewPCG(seed, 7))
	want := randomEdits(t, e, r)
	rep, err := e.Commit()
	must(t, err)
	if len(rep.Left) > 0 {
		t.Errorf("Commit left %q", rep.Left)
	}
	out := s.save(t)
	repairAgrees(t, out)
	checkEdited(t, out, before, want)
	rep, err = e.Scrub()
	must(t, err)
	t.Logf("scrub: %d bytes zeroed, left %q", rep.Zeroed, rep.Left)
	if len(rep.Left) > 0 {
		t.Errorf("Scrub left %q", rep.Left)
	}
	if err := e.Blank(1); err == nil {
		t.Error("an editor works after Scrub")
	}
	if at := s.marks(mark); len(at) > 0 {
		t.Errorf("%d marks are left: %v", len(at), at[:min(len(at), 10)])
		for _, at := range at[:min(len(at), 5)] {
			b := make([]byte, 64)
			_, _ = s.ReadAt(b, max(0, at-24))
			t.Logf("%d: %q", at, b)
		}
	}
	out = s.save(t)
	repairAgrees(t, out)
	checkEdited(t, out, before, want)
	useIt(t, out, want)
}
