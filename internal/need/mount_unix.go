//go:build unix

package need

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Mount mounts an image through a loop device, with the options and arguments
// of mount(8). Tests of other packages mount at the same time: two that look
// for a free loop device can find the same one, so that it tries again.
func Mount(t testing.TB, img, dir, options string, more ...string) {
	t.Helper()
	args := append(more, "-o", strings.TrimSuffix("loop,"+options, ","), img, dir)
	again(t, "mount", args, "busy", "already mounted")
}

// Unmount undoes a Mount. A process that was just started holds the files of
// the one that started it, until it runs its own program.
func Unmount(t testing.TB, dir string) {
	t.Helper()
	again(t, "umount", []string{dir}, "busy")
}

// again runs a command until it does not fail in one of some ways.
func again(t testing.TB, name string, args []string, ways ...string) {
	t.Helper()
	tool := Tool(t, name)
	for tries := 0; ; tries++ {
		out, err := exec.Command(tool, args...).CombinedOutput()
		if err == nil {
			return
		}
		passing := false
		for _, w := range ways {
			passing = passing || strings.Contains(string(out), w)
		}
		if !passing || tries == 200 {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Unlocked waits until the process behind a mount in user space has written
// everything, which is after umount returned: it holds a lock (fcntl, not
// flock) on the image until then.
func Unlocked(t testing.TB, img string) {
	t.Helper()
	f, err := os.OpenFile(img, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2400 {
		l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
		if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &l); err != nil {
			t.Fatal(err)
		}
		if l.Type == unix.F_UNLCK {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s is locked two minutes after umount", img)
}
