//go:build linux

package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestUnmountWaits: an image that another name space still has mounted is not
// free yet.
func TestUnmountWaits(t *testing.T) {
	Root(t)
	Tool(t, "mke2fs", "unshare", "sleep")
	img, dir := filepath.Join(t.TempDir(), "img"), filepath.Join(t.TempDir(), "with a space")
	if err := os.WriteFile(img, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	Run(t, "mke2fs", "-q", "-F", img)
	Mount(t, img, dir, "")
	loop, file := loopOf(t, dir)
	if loop == "" || file != img {
		t.Fatalf("%q, %q", loop, file)
	}
	holder := exec.Command("unshare", "--mount", "sh", "-c", "echo; exec sleep 600")
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1)) // it is in its name space
	const held = 500 * time.Millisecond
	time.AfterFunc(held, func() { _ = holder.Process.Kill() })
	start := time.Now()
	Unmount(t, dir)
	if d := time.Since(start); d < held {
		t.Errorf("returned after %v, with the image still mounted", d)
	}
	_ = holder.Wait()
	if backing(loop) == img {
		t.Error("the loop device still has the image")
	}
}
