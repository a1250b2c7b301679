package hostfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

func editor(t *testing.T, dir string) *Editor {
	t.Helper()
	e, err := NewEditor(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// at finds a node by its path, without looking at the disk.
func at(t *testing.T, e *Editor, name string) fsys.Node {
	t.Helper()
	n := e.Root()
	for _, s := range strings.Split(strings.Trim(name, "/"), "/") {
		if s == "" {
			continue
		}
		var err error
		if n, err = e.child(n, s); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func stat(t *testing.T, name string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		t.Fatal(err)
	}
	return st
}

// mounted makes a small file system of its own, so that its blocks can be
// looked at.
func mounted(t *testing.T, size int64, mkfs ...string) (dir, img string) {
	t.Helper()
	need.Root(t)
	need.Tool(t, mkfs[0], "mount", "umount")
	img = filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, size); err != nil {
		t.Fatal(err)
	}
	need.Run(t, mkfs[0], append(mkfs[1:], img)...)
	dir = t.TempDir()
	need.Mount(t, img, dir, "")
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir, img
}

// TestReplaceKeepsAllButContent: owner, mode, set-id bits, times, labels, ACLs
// and capabilities are those of the old file, as the kernel tells.
func TestReplaceKeepsAllButContent(t *testing.T) {
	dir, _ := mounted(t, 32<<20, "mke2fs", "-q", "-t", "ext4")
	p := write(t, dir, "etc/shadow", "root:secret:1\n")
	need.Run(t, "chown", "12:34", p)
	need.Run(t, "chmod", "6751", p)
	acl := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 4, 0, 77, 0, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 5, 0, 255, 255, 255, 255, 32, 0, 1, 0, 255, 255, 255, 255}
	for name, v := range map[string][]byte{
		"security.selinux":        []byte("system_u:object_r:shadow_t:s0\x00"),
		"security.capability":     {1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"user.note":               []byte("kept"),
		"system.posix_acl_access": acl,
	} {
		if err := unix.Setxattr(p, name, v, 0); err != nil {
			t.Fatal(name, err)
		}
	}
	// The directory's default ACL would be inherited by a new file.
	if err := unix.Setxattr(filepath.Dir(p), "system.posix_acl_default", acl, 0); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-50 * time.Hour)
	if err := os.Chtimes(p, old, old); err != nil {
		t.Fatal(err)
	}
	was, x := stat(t, p), xattrs(t, p)
	e := editor(t, dir)
	for _, content := range []string{"root:*:1\n", "", strings.Repeat("longer than before\n", 10000)} {
		if err := e.Replace(at(t, e, "/etc/shadow"), []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, p); got != content {
			t.Fatalf("content is %.40q", got)
		}
		is := stat(t, p)
		if is.Mode != was.Mode || is.Uid != was.Uid || is.Gid != was.Gid || is.Mtim != was.Mtim || is.Nlink != 1 {
			t.Errorf("was %+v\nis  %+v", was, is)
		}
		if y := xattrs(t, p); y != x {
			t.Errorf("attributes were\n%s\nand are\n%s", x, y)
		}
	}
	if es, _ := os.ReadDir(filepath.Dir(p)); len(es) != 1 {
		t.Errorf("left behind: %v", es)
	}
}

func xattrs(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := attributes(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b fsys.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return fmt.Sprintf("%d %q", len(list), list)
}

func TestReplaceInPlace(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "a/f", "old content")
	if err := os.Link(p, filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	e := editor(t, dir)
	was := stat(t, p)
	if err := e.Replace(at(t, e, "/a/f"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if is := stat(t, p); is.Ino != was.Ino || is.Nlink != 2 || read(t, filepath.Join(dir, "second")) != "new" {
		t.Errorf("the other name does not show the change: %+v", is)
	}
}

func TestReplaceMountedFile(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	p, other := write(t, dir, "etc/hosts", "below"), write(t, dir, "var/hosts", "above, mounted")
	need.Run(t, "mount", "--bind", other, p)
	t.Cleanup(func() { need.Run(t, "umount", p) })
	e := editor(t, dir)
	if err := e.Replace(at(t, e, "/etc/hosts"), []byte("changed")); err != nil {
		t.Fatal(err)
	}
	if read(t, p) != "changed" || read(t, other) != "changed" {
		t.Error(read(t, p), read(t, other))
	}
	if err := e.Remove(at(t, e, "/etc"), "hosts"); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("a mounted file was removed: %v", err)
	}
}

// TestHostileNames puts links, FIFOs and foreign names where files were.
func TestHostileNames(t *testing.T) {
	need.Root(t)
	outside, dir := t.TempDir(), t.TempDir()
	decoy := write(t, outside, "shadow", "of the host")
	inner := write(t, dir, "etc/shadow", "of the guest")
	write(t, dir, "home/u/x", "mine")
	e := editor(t, dir)
	for name, make := range map[string]func(p string) error{
		"link":      func(p string) error { return os.Symlink(decoy, p) },
		"relative":  func(p string) error { return os.Symlink("../../etc/shadow", p) },
		"fifo":      func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"device":    func(p string) error { return syscall.Mknod(p, syscall.S_IFCHR|0o600, 1<<8|5) },
		"directory": func(p string) error { return os.Mkdir(p, 0o755) },
	} {
		if err := make(filepath.Join(dir, "home/u", name)); err != nil {
			t.Fatal(err)
		}
		n := at(t, e, "/home/u/"+name)
		for what, err := range map[string]error{"blank": e.Blank(n), "replace": e.Replace(n, []byte("x")), "overwrite": e.Overwrite(n, 0, []byte("x")), "clear": e.Clear(n, 0, 1)} {
			if err == nil {
				t.Errorf("%s of a %s went through", what, name)
			}
		}
		if _, err := e.Open(n); err == nil {
			t.Errorf("a %s was opened", name)
		}
		if err := e.Remove(at(t, e, "/home/u"), name); err != nil {
			t.Errorf("remove of a %s: %v", name, err)
		}
	}
	if read(t, decoy) != "of the host" || read(t, inner) != "of the guest" {
		t.Error("a link led elsewhere")
	}
	// A hard link in a user's directory may be any file of the system.
	if err := os.Chown(filepath.Join(dir, "home/u"), 1000, 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(inner, filepath.Join(dir, "home/u/hard")); err != nil {
		t.Fatal(err)
	}
	n := at(t, e, "/home/u/hard")
	if err := e.Blank(n); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("another's file was emptied: %v", err)
	}
	if err := e.Replace(n, nil); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("another's file was replaced: %v", err)
	}
	if err := e.Remove(at(t, e, "/home/u"), "hard"); err != nil || read(t, inner) != "of the guest" {
		t.Errorf("the name could not be removed: %v", err)
	}
	for _, bad := range []string{"", ".", "..", "a/b", "a\x00b"} {
		if err := e.Remove(e.Root(), bad); err == nil {
			t.Errorf("%q was removed", bad)
		}
	}
}

// TestSwappedMeanwhile lets a stranger swap a directory for a link to the
// outside, and to a place inside, all the time while everything below it is
// changed.
func TestSwappedMeanwhile(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	decoys := []string{write(t, outside, "f", "of the host"), write(t, dir, "etc/f", "of the guest")}
	real := filepath.Join(dir, "home/d")
	write(t, dir, "home/d/f", "mine")
	e := editor(t, dir)
	d, f := at(t, e, "/home/d"), at(t, e, "/home/d/f")
	stop := make(chan struct{})
	var stranger sync.WaitGroup
	stranger.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Rename(real, real+".aside")
			_ = os.Symlink([]string{outside, "../etc"}[i%2], real)
			_ = os.Remove(real)
			_ = os.Rename(real+".aside", real)
		}
	})
	changed := 0
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); {
		for _, err := range []error{e.Blank(f), e.Replace(f, []byte("new")), e.Overwrite(f, 0, []byte("n")), e.Remove(d, "f")} {
			if err == nil {
				changed++
			}
		}
		_ = e.ReadDir(d, func(x fsys.Entry) error { return e.Remove(d, x.Name) })
		_ = os.WriteFile(filepath.Join(real+".aside", "f"), []byte("mine"), 0o600)
	}
	close(stop)
	stranger.Wait()
	if read(t, decoys[0]) != "of the host" || read(t, decoys[1]) != "of the guest" {
		t.Error("a swapped directory led elsewhere")
	}
	if es, _ := os.ReadDir(outside); len(es) != 1 {
		t.Errorf("outside: %v", es)
	}
	if changed == 0 {
		t.Error("nothing was changed: the test shows nothing")
	}
}

func TestFlags(t *testing.T) {
	dir, _ := mounted(t, 16<<20, "mke2fs", "-q", "-t", "ext4")
	need.Tool(t, "chattr")
	e := editor(t, dir)
	for flag, word := range map[string]string{"i": "immutable", "a": "append-only"} {
		p := write(t, dir, flag, "content")
		need.Run(t, "chattr", "+"+flag, p)
		n := at(t, e, "/"+flag)
		for what, err := range map[string]error{"blank": e.Blank(n), "replace": e.Replace(n, nil), "remove": e.Remove(e.Root(), flag)} {
			if !errors.Is(err, fsys.ErrCannot) || !strings.Contains(err.Error(), word) {
				t.Errorf("%s of +%s: %v", what, flag, err)
			}
		}
		if read(t, p) != "content" {
			t.Errorf("+%s was changed", flag)
		}
		need.Run(t, "chattr", "-"+flag, p)
	}
	need.Run(t, "mount", "-o", "remount,ro", dir)
	if err := e.Blank(at(t, e, "/i")); !errors.Is(err, fsys.ErrCannot) || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("read-only: %v", err)
	}
}

// TestMounts: what is mounted below has its own editor, or is not touched; a
// tree that is removed ends there, also at a bind mount of the same disk.
func TestMounts(t *testing.T) {
	need.Root(t)
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "precious", "of another mount")
	for _, d := range []string{"var", "home/u/bind", "sys x"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"-t", "tmpfs", "none", dir + "/var"}, {"--bind", outside, dir + "/home/u/bind"}, {"-t", "sysfs", "none", dir + "/sys x"}} {
		need.Run(t, "mount", args...)
		t.Cleanup(func() { need.Run(t, "umount", args[len(args)-1]) })
	}
	p := write(t, dir, "var/log/x", "line")
	e := editor(t, dir)
	mounts, err := e.Mounts("dir")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := fsys.NewTree(mounts...)
	if err != nil {
		t.Fatal(err)
	}
	if len(mounts) != 3 {
		t.Errorf("%d mounts, want /, /var and /home/u/bind: %+v", len(mounts), mounts)
	}
	place, _, err := tree.Lookup("/var/log/x", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Mounts()[place.Mount].FS.(*Editor).Blank(place.Node); err != nil || read(t, p) != "" {
		t.Errorf("a file of a mount: %v", err)
	}
	if err := e.Blank(place.Node); !errors.Is(err, errMount) {
		t.Errorf("the editor of / changed a file of /var: %v", err)
	}
	for _, d := range []string{"/home/u/bind", "/sys x", "/var"} {
		n := 0
		if err := e.ReadDir(at(t, e, d), func(fsys.Entry) error { n++; return nil }); err != nil || n != 0 {
			t.Errorf("%s has %d entries for the editor of / (%v)", d, n, err)
		}
		if err := e.Remove(at(t, e, filepath.Dir(d)), filepath.Base(d)); !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("remove of %s: %v", d, err)
		}
	}
	if read(t, filepath.Join(outside, "precious")) != "of another mount" {
		t.Error("a mount was crossed")
	}
}

func TestLiveKeepsOffTheKernel(t *testing.T) {
	dir := t.TempDir()
	for _, d := range kernels {
		write(t, dir, d+"/x", "y")
	}
	e, err := NewEditor(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, d := range kernels {
		if err := e.Blank(at(t, e, "/"+d+"/x")); !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("%s: %v", d, err)
		}
		for _, err := range []error{e.Remove(at(t, e, "/"+d), "x"), e.Remove(e.Root(), d)} {
			if !errors.Is(err, fsys.ErrCannot) {
				t.Errorf("%s: %v", d, err)
			}
		}
		if err := e.ReadDir(at(t, e, "/"+d), func(fsys.Entry) error { return errors.New("listed") }); err != nil {
			t.Error(err)
		}
	}
}

func TestOverwriteAndClear(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "f", "password=hunter2\n")
	e := editor(t, dir)
	n := at(t, e, "/f")
	was := stat(t, p)
	if err := e.Overwrite(n, 9, []byte("xxxxxxx")); err != nil || read(t, p) != "password=xxxxxxx\n" {
		t.Error(err, read(t, p))
	}
	if is := stat(t, p); is.Mtim != was.Mtim || is.Ino != was.Ino {
		t.Error("not in place")
	}
	for _, off := range []int64{-1, 11, 1 << 62} {
		if err := e.Overwrite(n, off, []byte("xxxxxxx")); err == nil {
			t.Errorf("written at %d", off)
		}
		if err := e.Clear(n, off, 1<<62); err == nil {
			t.Errorf("cleared at %d", off)
		}
	}
	if err := e.Clear(n, 0, 8); err != nil || read(t, p) != strings.Repeat("\x00", 8)+"=xxxxxxx\n" {
		t.Error(err, read(t, p))
	}
	if err := os.Truncate(p, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := e.Overwrite(n, 512<<10, []byte("x")); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("a hole was filled: %v", err)
	}
}

// TestNothingLeftInTheBlocks: bytes of what was emptied, removed or replaced
// are on the disk no more. A file that is in use keeps them until Fill.
func TestNothingLeftInTheBlocks(t *testing.T) {
	for _, mkfs := range [][]string{{"mke2fs", "-q", "-t", "ext4", "-m", "0"}, {"mkfs.xfs", "-q"}} {
		t.Run(mkfs[0], func(t *testing.T) {
			dir, img := mounted(t, 320<<20, mkfs...)
			secret := func(name string) string { return strings.Repeat("SECRET OF "+name+" ", 500) }
			var held *os.File
			for _, n := range []string{"blank", "remove", "replace", "used"} {
				p := write(t, dir, n, secret(n))
				if n == "used" {
					held, _ = os.Open(p)
				}
			}
			need.Run(t, "sync", "-f", dir)
			if left := search(t, img, "SECRET OF"); left == 0 {
				t.Fatal("the secrets are not on the disk: the test shows nothing")
			}
			e := editor(t, dir)
			for _, err := range []error{e.Blank(at(t, e, "/blank")), e.Remove(e.Root(), "remove"), e.Replace(at(t, e, "/replace"), []byte("new")), e.Remove(e.Root(), "used")} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if b := make([]byte, 6); held == nil {
				t.Fatal("not held")
			} else if _, err := held.ReadAt(b, 0); err != nil || string(b) != "SECRET" {
				t.Errorf("a file in use was overwritten: %q, %v", b, err)
			}
			r, err := e.Commit()
			if err != nil || len(r.Left) != 1 || r.Zeroed == 0 {
				t.Errorf("%+v, %v", r, err)
			}
			held.Close()
			again, err := os.Open(write(t, dir, "later", secret("later")))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(e.Remove(e.Root(), "later"), again.Close()); err != nil {
				t.Fatal(err)
			}
			if r, err := e.Commit(); err != nil || len(r.Left) != 0 || r.Zeroed == 0 {
				t.Errorf("what was in use for a while: %+v, %v", r, err)
			}
			for n, want := range map[string]bool{"blank": false, "remove": false, "replace": false, "later": false, "used": true} {
				if got := search(t, img, "SECRET OF "+n) > 0; got != want {
					t.Errorf("bytes of %s on the disk: %v", n, got)
				}
			}
			// The kernel's own removal leaves the bytes; filling takes them, but for
			// what the file system keeps for itself.
			const unit = "REMOVED BY OTHERS "
			p := write(t, dir, "others", strings.Repeat(unit, 60<<20/len(unit)))
			need.Run(t, "sync", "-f", dir)
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			need.Run(t, "sync", "-f", dir)
			calls := 0
			n, err := e.Fill(context.Background(), 0, func(done, total int64) { calls++ })
			if err != nil || n < 100<<20 || calls < 100 {
				t.Errorf("%d bytes in %d calls, %v", n, calls, err)
			}
			if left := search(t, img, unit) * len(unit); left > 20<<20 {
				t.Errorf("%d bytes of 60 MiB after Fill", left)
			}
			if es, _ := os.ReadDir(dir); len(es) > 3 {
				t.Errorf("left behind: %v", es)
			}
			before := stat(t, img).Blocks
			if n, err := e.Trim(); err != nil || n < 100<<20 {
				t.Errorf("trim: %d, %v", n, err)
			}
			need.Run(t, "sync", "-f", dir)
			if after := stat(t, img).Blocks; after > before*4/5 {
				t.Errorf("the disk had %d blocks, and has %d after the trim", before, after)
			}
		})
	}
}

func TestFillIsInterrupted(t *testing.T) {
	dir, _ := mounted(t, 64<<20, "mke2fs", "-q", "-t", "ext4")
	e := editor(t, dir)
	ctx, cancel := context.WithCancel(context.Background())
	n, err := e.Fill(ctx, 1<<20, func(done, total int64) {
		if done > 4<<20 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || n > 8<<20 {
		t.Errorf("%d, %v", n, err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || int64(s.Bfree)*s.Bsize < 40<<20 {
		t.Errorf("the space was not given back: %d blocks (%v)", s.Bfree, err)
	}
}

func search(t *testing.T, img, what string) int {
	t.Helper()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte(what))
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a\134b`: `/a\b`, `/a\04`: `/a\04`, `\999`: `\999`, "": ""} {
		if got := unescape(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEditorNeedsADirectory(t *testing.T) {
	if _, err := NewEditor(filepath.Join(t.TempDir(), "none"), false); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
