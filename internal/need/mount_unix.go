//go:build unix

package need

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Mount mounts an image through a loop device, with the options and arguments
// of mount(8). Tests of other packages mount at the same time: two that look
// for a free loop device can find the same one, or one that was read-only a
// moment ago and makes the mount so, so that it tries again.
func Mount(t testing.TB, img, dir, options string, more ...string) {
	t.Helper()
	args := append(more, "-o", strings.TrimSuffix("loop,"+options, ","), img, dir)
	for tries := 0; ; tries++ {
		out := again(t, "mount", args, "busy", "already mounted")
		if !strings.Contains(out, "read-only") || slices.Contains(strings.Split(options, ","), "ro") {
			return
		}
		Unmount(t, dir)
		if tries == 20 {
			t.Fatalf("mount %q: %s", args, out)
		}
	}
}

// Unmount undoes a Mount. A process that was just started holds the files of
// the one that started it, until it runs its own program; and a process that
// began with a name space of its own has everything mounted that was mounted
// then. Unmount returns when the image is nobody's any more.
func Unmount(t testing.TB, dir string) {
	t.Helper()
	loop, img := loopOf(t, dir)
	again(t, "umount", []string{dir}, "busy")
	for tries := 0; loop != "" && backing(loop) == img; tries++ {
		if tries == 2400 {
			t.Fatalf("%s is still mounted somewhere two minutes after umount", img)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// loopOf finds the loop device that is mounted at dir, and its file; there is
// none when something else is mounted there.
func loopOf(t testing.TB, dir string) (loop, img string) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 1 && strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(f[1]) == dir && strings.HasPrefix(f[0], "/dev/loop") {
			loop = strings.TrimPrefix(f[0], "/dev/")
			img = backing(loop)
		}
	}
	if img == "" {
		return "", ""
	}
	return loop, img
}

// backing is the file behind a loop device, "" if there is none.
func backing(loop string) string {
	b, _ := os.ReadFile("/sys/block/" + loop + "/loop/backing_file")
	return strings.TrimSpace(string(b))
}

// again runs a command until it does not fail in one of some ways, and returns
// what it said.
func again(t testing.TB, name string, args []string, ways ...string) string {
	t.Helper()
	tool := Tool(t, name)
	for tries := 0; ; tries++ {
		out, err := exec.Command(tool, args...).CombinedOutput()
		if err == nil {
			return string(out)
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
