package hostfs

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"assay/internal/fsys"
	"assay/internal/need"
)

func TestFIFOAndDevicesDoNotHang(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, tr := open(t, dir, false)
	done := make(chan error, 1)
	go func() {
		_, err := tr.ReadFile("/pipe", 10)
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, fsys.ErrNotFile) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("hangs on a FIFO")
	}
	if m, err := tr.Lstat("/pipe"); err != nil || m.Kind != fsys.FIFO {
		t.Error(m, err)
	}
	if _, err := f.Open(99); err == nil {
		t.Error("a node that does not exist was opened")
	}
}

func TestAccessTimeStays(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "f", "hello")
	old := time.Now().Add(-72 * time.Hour)
	if err := os.Chtimes(p, old, old.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, tr := open(t, dir, false)
	before, _ := tr.Stat("/f")
	if _, err := tr.ReadFile("/f", 10); err != nil {
		t.Fatal(err)
	}
	if after, _ := tr.Stat("/f"); after.Atime != before.Atime {
		t.Errorf("access time moved from %v to %v", before.Atime, after.Atime)
	}
}

func TestLiveLeavesPseudoFileSystems(t *testing.T) {
	need.Root(t)
	_, tr := open(t, "/", true)
	for _, d := range []string{"/proc", "/sys"} {
		if es, err := tr.ReadDir(d); err != nil || len(es) != 0 {
			t.Errorf("%s has %d entries (%v): it must not be entered", d, len(es), err)
		}
	}
	if es, err := tr.ReadDir("/etc"); err != nil || len(es) < 10 {
		t.Errorf("/etc has %d entries (%v)", len(es), err)
	}
	if _, err := tr.Stat("/proc/self/environ"); err == nil {
		t.Error("/proc was entered")
	}
}
