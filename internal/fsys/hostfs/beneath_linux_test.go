package hostfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestBeneathStaysBeneath(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "root")
	for name, data := range map[string]string{"outside": "no", "root/a/b": "yes"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"up": "..", "abs": dir, "in": "a", "file": "a/b"} {
		if err := os.Symlink(to, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(inside, false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for p, ok := range map[string]bool{"a/b": true, "a": true, "up/outside": false, "../outside": false, "abs/outside": false, "in/b": false, "file": false, "/etc/passwd": false} {
		h, err := f.beneath(p, unix.O_RDONLY|unix.O_NOFOLLOW)
		if (err == nil) != ok {
			t.Errorf("%s: %v", p, err)
		}
		if err == nil {
			h.Close()
		}
	}
	if info, err := f.lstat("file"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("a link is %v, %v", info, err)
	}
}
