package hostfs

import (
	"os"
	"path/filepath"
	"testing"

	"assay/internal/fsys"
)

func open(t *testing.T, dir string, live bool) (*FS, *fsys.Tree) {
	t.Helper()
	f, err := Open(dir, live)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tr, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "dir", FS: f, Root: f.Root()})
	if err != nil {
		t.Fatal(err)
	}
	return f, tr
}

func write(t *testing.T, dir, name, data string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(data), 0o640); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLinksStayInside(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, "secret", "of the host")
	write(t, dir, "etc/shadow", "of the guest")
	for name, target := range map[string]string{
		"abs": "/etc/shadow", "up": "../../../../etc/shadow", "out": outside, "outfile": outside + "/secret",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, tr := open(t, dir, false)
	for _, name := range []string{"/abs", "/up"} {
		if b, err := tr.ReadFile(name, 100); err != nil || string(b) != "of the guest" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	for _, name := range []string{"/out/secret", "/outfile"} {
		if b, err := tr.ReadFile(name, 100); err == nil {
			t.Errorf("%s leads out: %q", name, b)
		}
	}
}

// TestSwappedForALink replaces a directory by a link to the outside between
// the walk and the read, as an attacker on a live system would.
func TestSwappedForALink(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, "f", "of the host")
	write(t, dir, "d/f", "of the guest")
	_, tr := open(t, dir, false)
	p, _, err := tr.Lookup("/d/f", true)
	if err != nil {
		t.Fatal(err)
	}
	h, err := tr.OpenAt(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if n, err := h.ReadAt(b, 0); err == nil {
		t.Errorf("read %q of the host", b[:n])
	}
	if f, err := tr.OpenAt(p); err == nil {
		t.Errorf("opened %v", f)
	}
}

func TestMetaIsTheHosts(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "a/b", "hello")
	if err := os.Chmod(p, 0o604|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(p, filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
	_, tr := open(t, dir, false)
	m, err := tr.Stat("/a/b")
	if err != nil || m.Mode != 0o4604 || m.Size != 5 || m.Nlink != 2 || m.Kind != fsys.Regular || m.UID != uint32(os.Getuid()) {
		t.Errorf("%+v, %v", m, err)
	}
	h, err := tr.Stat("/hard")
	if err != nil || h.Inode != m.Inode {
		t.Errorf("a hard link has inode %d, want %d (%v)", h.Inode, m.Inode, err)
	}
}
