package xfs

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// TestEditorVersion4 has xfs_repair alone as its judge, as kernels no longer
// mount version 4.
func TestEditorVersion4(t *testing.T) {
	for _, args := range [][]string{
		{"-m", "crc=0"},
		{"-m", "crc=0", "-n", "ftype=0", "-b", "size=512", "-i", "size=256,attr=1"},
		{"-m", "crc=0", "-n", "size=16384", "-b", "size=1k", "-l", "version=1"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { editVersion4(t, args) })
	}
}

func editVersion4(t *testing.T, args []string) {
	src := t.TempDir()
	proto := "dummy\n0 0\nd--755 0 0\n"
	want := map[string][]byte{}
	for k := range 900 {
		name, data := fmt.Sprintf("stays%d%s", k, strings.Repeat("z", k%200)), noise(k*7%9000, uint64(k))
		if k%3 == 0 {
			name, data = fmt.Sprintf("secret%d", k), secret(k*13%9000+1)
		}
		from := filepath.Join(src, strconv.Itoa(k))
		must(t, os.WriteFile(from, data, 0o600))
		proto += fmt.Sprintf("%s ---640 %d 7 %s\n", name, k, from)
		want[name] = data
	}
	proto += "long l--777 0 0 " + strings.Repeat("long/", 120) + "\n$\n"
	file := filepath.Join(src, "proto")
	must(t, os.WriteFile(file, []byte(proto), 0o600))
	img := mkfs(t, 512<<20, append(slices.Clone(args), "-p", file)...)
	s := load(t, img)
	e := newEditor(t, s)
	if e.blockSize > 512 { // there xfs_db crashes
		attributes4Removed(t, img, uint64(find(t, e, "stays1z")))
		s = load(t, img)
		e = newEditor(t, s)
	}
	top, err := listing(e.FS, e.Root())
	must(t, err)
	for name := range want {
		if strings.HasPrefix(name, "secret") {
			if len(name)%2 == 0 {
				must(t, e.Blank(top[name].Node))
				want[name] = nil
			} else {
				want[name] = []byte("new")[:min(3, len(want[name]))]
				must(t, e.Replace(top[name].Node, want[name]))
			}
		}
	}
	_, err = e.Commit()
	must(t, err)
	repairAgrees(t, s.save(t))
	rep, err := e.Scrub()
	must(t, err)
	if at := s.marks(mark); len(at) > 0 || len(rep.Left) > 0 {
		t.Errorf("marks %v, left %q", at, rep.Left)
	}
	out := s.save(t)
	repairAgrees(t, out)
	fs := openImage(t, out)
	if !fs.LogState().Clean {
		t.Errorf("%+v", fs.LogState())
	}
	for name, data := range want {
		if got := contentOf(t, fs, top[name].Node); !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(data))
		}
	}
}

// attributes4Removed sets attributes with xfs_db and removes those with marks.
func attributes4Removed(t *testing.T, img string, number uint64) {
	t.Helper()
	cmds := []string{"-x", "-c", fmt.Sprintf("inode %d", number)}
	for k := range 60 {
		cmds = append(cmds, "-c", fmt.Sprintf("attr_set -u -v %d %s%d", 50+k, mark, k), "-c", fmt.Sprintf("attr_set -u -v %d stays%d", 50+k, k))
	}
	for k := range 60 {
		cmds = append(cmds, "-c", fmt.Sprintf("attr_remove -u %s%d", mark, k))
	}
	need.Run(t, "xfs_db", append(cmds, img)...)
}

// TestEditorShared: reflinks. Shared blocks stay as long as one owner needs
// them, and are zeroed with the last.
func TestEditorShared(t *testing.T) {
	img := mkfs(t, 512<<20)
	dir, umount := mount(t, img, "rw")
	p := func(s string) string { return filepath.Join(dir, s) }
	must(t, os.WriteFile(p("a"), secret(300000), 0o600))
	need.Run(t, "cp", "--reflink=always", p("a"), p("b"))
	need.Run(t, "cp", "--reflink=always", p("a"), p("c"))
	f, err := os.OpenFile(p("c"), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(secret(20000), 100000)
	must(t, err)
	must(t, f.Close())
	must(t, os.WriteFile(p("alone"), noise(20000, 3), 0o600))
	need.Run(t, "cp", "--reflink=always", p("alone"), p("gone"))
	must(t, os.Remove(p("gone")))
	umount()

	s := load(t, img)
	e := newEditor(t, s)
	a, b, c, alone := find(t, e, "a"), find(t, e, "b"), find(t, e, "c"), find(t, e, "alone")
	for name, err := range map[string]error{
		"Replace": e.Replace(a, []byte("x")), "Overwrite": e.Overwrite(a, 10, []byte("x")), "Clear": e.Clear(b, 0, 4096),
	} {
		if !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("%s of a shared file: %v", name, err)
		}
	}
	must(t, e.Clear(c, 102400, 4096)) // c's own
	must(t, e.Replace(alone, []byte("mine")))
	must(t, e.Blank(a))
	rep, err := e.Commit()
	must(t, err)
	if len(rep.Left) != 1 {
		t.Errorf("left %q", rep.Left)
	}
	if got := contentOf(t, e.FS, b); !bytes.Equal(got, secret(300000)) {
		t.Error("b lost its content with a")
	}
	repairAgrees(t, s.save(t))
	if rep, err = e.Commit(); err != nil || len(rep.Left) > 0 {
		t.Errorf("said again: %q, %v", rep.Left, err)
	}
	must(t, e.Blank(b))
	must(t, e.Blank(c))
	rep, err = e.Scrub()
	must(t, err)
	if at := s.marks(mark); len(rep.Left) > 0 || len(at) > 0 {
		t.Errorf("left %q, marks %v", rep.Left, at)
	}
	out := s.save(t)
	repairAgrees(t, out)
	useIt(t, out, map[string][]byte{"/a": nil, "/b": nil, "/c": nil, "/alone": []byte("mine")})
}

// TestEditorSettles edits file systems that were never unmounted, and compares
// with what the kernel's recovery makes of a copy.
func TestEditorSettles(t *testing.T) {
	for k, v := range dirtyVariants {
		t.Run(v.name, func(t *testing.T) {
			if os.Getenv("ASSAY_SOAK") == "" && k != 3 {
				t.Skip("runs with ASSAY_SOAK=1")
			}
			img := mkfs(t, 512<<20, v.args...)
			dir, umount := mount(t, img, "rw,noatime,logbsize=256k")
			plant(t, dir)
			must(t, os.Mkdir(dir+"/after", 0o755))
			must(t, churn(dir+"/after", v.steps, 2))
			open := deleteOpen(t, dir)
			crash(t, dir, true, func() {
				for _, f := range open {
					f.Close()
				}
				umount()
			})
			copied := copyImage(t, img)
			dir, umount = mountDirty(t, img, copied)
			before := manifest(t, dir)
			umount()
			s := load(t, img)
			if fs, err := Open(s, s.size); err != nil {
				t.Fatal(err)
			} else if gone, err := fs.Unlinked(); err != nil || len(gone) < 20 {
				t.Errorf("deleted files: %v, %v", gone, err)
			}
			e := newEditor(t, s)
			if !e.Describe().Replayed {
				t.Errorf("%+v", e.Describe())
			}
			repairAgrees(t, s.save(t))
			if levels := treeLevels(t, e); v.name == "block1k-rmap" && (levels["free space tree"] < 2 || levels["reverse map tree"] < 3) {
				t.Errorf("trees of %v levels prove little", levels)
			}
			cleaned(t, s, before, 3)
		})
	}
}

// treeLevels is the height of the highest tree of each kind.
func treeLevels(t *testing.T, e *Editor) map[string]uint32 {
	t.Helper()
	out := map[string]uint32{}
	for ag := range e.agCount {
		roots, err := e.trees(ag)
		must(t, err)
		for _, r := range roots {
			out[r.tree.describe] = max(out[r.tree.describe], r.levels)
		}
	}
	return out
}

// TestRelease compares with a count for each block.
func TestRelease(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		var recs []refRecord
		var counts [64]uint32 // owners besides the one to be released
		for at := uint32(0); at < 60; {
			n := uint32(1 + r.IntN(8))
			if refs := uint32(2 + r.IntN(3)); r.IntN(2) == 0 {
				recs = append(recs, refRecord{at, min(n, 64-at), refs})
				for k := at; k < min(at+n, 64); k++ {
					counts[k] = refs
				}
			}
			at += n + uint32(r.IntN(2))
		}
		from := uint32(r.IntN(60))
		run := blockRun{uint64(from), uint64(1 + r.IntN(int(64-from)))}
		out, freed := release(recs, run)
		var free [64]bool
		for k := run.block; k < run.block+run.count; k++ {
			if free[k] = counts[k] == 0; !free[k] {
				counts[k]--
			}
		}
		for _, x := range freed {
			for k := x.block; k < x.block+x.count; k++ {
				if !free[k] {
					t.Fatalf("%v without %v frees block %d: %v", recs, run, k, freed)
				}
				free[k] = false
			}
		}
		if slices.Contains(free[:], true) {
			t.Fatalf("%v without %v frees only %v", recs, run, freed)
		}
		var is [64]uint32
		for k, x := range out {
			if x.refs < 2 || x.n == 0 || k > 0 && (out[k-1].start+out[k-1].n > x.start ||
				out[k-1].start+out[k-1].n == x.start && out[k-1].refs == x.refs) {
				t.Fatalf("%v without %v is %v", recs, run, out)
			}
			for b := x.start; b < x.start+x.n; b++ {
				is[b] = x.refs
			}
		}
		for k := range counts {
			if counts[k] < 2 {
				counts[k] = 0
			}
		}
		if is != counts {
			t.Fatalf("%v without %v is %v", recs, run, out)
		}
	}
}

// deleteOpen makes files of every kind that are deleted while they are open:
// big, in many pieces, with attributes, sharing blocks with files that stay.
func deleteOpen(t *testing.T, dir string) (open []*os.File) {
	t.Helper()
	make := func(name string, n int) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		must(t, err)
		data := secret(n)
		if strings.HasSuffix(name, "shared") { // it stays in another file
			data = noise(n, 4)
		}
		_, err = f.Write(data)
		must(t, err)
		open = append(open, f)
		return f
	}
	for k := range 20 {
		make(fmt.Sprintf("open%d", k), k*k*3000+1)
	}
	pieces := make("open-pieces", 1)
	for k := range int64(700) {
		_, err := pieces.WriteAt(secret(4096), k*3*4096)
		must(t, err)
	}
	attrs := make("open-attrs", 100)
	for k := range 40 {
		must(t, unix.Fsetxattr(int(attrs.Fd()), fmt.Sprintf("user.%s%d", mark, k), secret(100*k), 0))
	}
	must(t, make("open-shared", 1<<20).Sync())
	for _, name := range []string{"stays-shared", "stays-shared-too", "open-third"} {
		if command(t, "cp", "--reflink=always", dir+"/open-shared", filepath.Join(dir, name)).Run() != nil {
			break
		}
	}
	if f, err := os.OpenFile(dir+"/stays-shared", os.O_WRONLY, 0); err == nil {
		_, err = f.WriteAt(noise(40000, 8), 300000)
		must(t, err)
		must(t, f.Close())
	}
	if f, err := os.Open(dir + "/open-third"); err == nil {
		open = append(open, f)
	}
	need.Run(t, "sync", "-f", dir)
	for _, f := range open {
		must(t, os.Remove(f.Name()))
	}
	return open
}

// TestEditorOwnFiles: what the file system keeps in files of its own stays,
// though their size says that they are empty, as that of quotas does. (This
// image is made by hand, as not every kernel has quotas.)
func TestEditorOwnFiles(t *testing.T) {
	img := mkfs(t, 512<<20)
	dir, umount := mount(t, img, "rw")
	must(t, os.WriteFile(dir+"/quota", noise(8192, 1), 0o600))
	must(t, os.WriteFile(dir+"/other", noise(8192, 2), 0o600))
	umount()
	s := load(t, img)
	for _, name := range []string{"quota", "other"} {
		e := newEditor(t, s)
		i, err := e.inode(uint64(find(t, e, name)))
		must(t, err)
		must(t, e.setSize(i, 0))
		if name == "quota" {
			b := make([]byte, e.sectorSize)
			_, err := s.ReadAt(b, 0)
			must(t, err)
			be.PutUint64(b[160:], i.number)
			setSum(b, 224)
			s.write(0, b)
		}
	}
	e := newEditor(t, s)
	quota := find(t, e, "quota")
	if err := e.Blank(quota); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("Blank: %v", err)
	}
	_, err := e.Scrub()
	must(t, err)
	for seed, want := range map[uint64]bool{1: true, 2: false} {
		if got := len(s.marks(string(noise(8192, seed)[4096:4200]))) > 0; got != want {
			t.Errorf("content %d is there: %v", seed, got)
		}
	}
}

// TestEditorOrphans: an unmounted log, but files that were deleted while open
// still on their lists, as some kernels leave them.
func TestEditorOrphans(t *testing.T) {
	img := mkfs(t, 512<<20, "-m", "rmapbt=1")
	dir, umount := mount(t, img, "rw,noatime")
	open := deleteOpen(t, dir)
	crash(t, dir, true, func() {
		for _, f := range open {
			f.Close()
		}
		umount()
	})
	s := load(t, img)
	fs, err := Open(s, s.size)
	must(t, err)
	record, where, err := fs.cleanLog()
	must(t, err)
	for num, page := range fs.dev.pages {
		s.write(num*pageSize, page)
	}
	must(t, fs.settleSuper(s))
	must(t, writeLog(s, record, where))
	if fs, err = Open(s, s.size); err != nil || !fs.LogState().Clean {
		t.Fatalf("%v, %+v", err, fs.LogState())
	}
	if gone, err := fs.Unlinked(); err != nil || len(gone) < 20 {
		t.Fatalf("%v, %v", gone, err)
	}
	bent := s.copy()
	bent.order = slices.DeleteFunc(slices.Clone(s.order), func(num int64) bool { // the trees and headers of groups
		return !slices.Contains([]string{"XFSB", "AB3B", "AB3C", "IAB3", "FIB3", "RMB3", "R3FC"}, string(bent.pages[num][:4]))
	})
	e := newEditor(t, s)
	_, err = e.Scrub()
	must(t, err)
	if at := s.marks(mark); len(at) > 0 {
		t.Errorf("%d marks are left", len(at))
	}
	repairAgrees(t, s.save(t))

	long := time.Second // hostile ones must end
	if os.Getenv("ASSAY_SOAK") != "" {
		long = time.Minute
	}
	r := rand.New(rand.NewPCG(7, 7))
	rounds, opened := 0, 0
	for start := time.Now(); time.Since(start) < long; rounds++ {
		left := 3 * (1 + r.IntN(3))
		c := mutate(bent, func() (uint32, bool) {
			left--
			return r.Uint32(), left >= 0
		})
		one := need.CPU()
		if _, err := NewEditor(c, c.size); err == nil {
			opened++
		}
		if d := need.CPU() - one; d > 5*time.Second {
			t.Errorf("round %d took %v", rounds, d)
		}
	}
	t.Logf("%d mutants, %d opened", rounds, opened)
}
