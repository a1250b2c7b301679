package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/need"
)

const mib = 1 << 20

// sparse makes an empty file of the given size.
func sparse(t testing.TB, size int64) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(p, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, size); err != nil {
		t.Fatal(err)
	}
	return p
}

// mount mounts an image and returns the directory and how to let go of it.
func mount(t testing.TB, img, options string) (dir string, done func()) {
	t.Helper()
	dir = t.TempDir()
	need.Mount(t, img, dir, options)
	mounted := true
	done = func() {
		if mounted {
			mounted = false
			need.Unmount(t, dir)
		}
	}
	t.Cleanup(done)
	return dir, done
}

// ext4 makes a file system that holds a directory's tree.
func ext4(t testing.TB, size int64, uuid, from string) string {
	t.Helper()
	p := sparse(t, size)
	args := []string{"-q", "-F", "-t", "ext4", "-U", uuid}
	if from != "" {
		args = append(args, "-d", from)
	}
	need.Run(t, "mke2fs", append(args, p)...)
	return p
}

// formatted makes a file system with mkfs and lets fill write into it.
func formatted(t testing.TB, size int64, fill func(dir string), mkfs string, args ...string) string {
	t.Helper()
	p := sparse(t, size)
	need.Run(t, mkfs, append(args, p)...)
	dir, done := mount(t, p, "")
	fill(dir)
	done()
	return p
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	need.Run(t, "cp", "-a", from+"/.", to)
}

// move takes a directory's content to a new place and leaves it empty.
func move(t testing.TB, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	copyTree(t, from, to)
	es, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if err := os.RemoveAll(filepath.Join(from, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// A part is a partition: its line for sfdisk without start and size, and the
// image that it holds ("" for an extended one, which holds the next ones).
type part struct{ line, image string }

// disk lays partitions out on a disk of label "gpt" or "dos".
func disk(t testing.TB, label string, parts ...part) string {
	t.Helper()
	script, at := "label: "+label+"\n", int64(mib)
	total := int64(4 * mib)
	starts := make([]int64, len(parts))
	for i, p := range parts {
		if p.image == "" {
			script += fmt.Sprintf("start=%d, %s\n", at/512, p.line) // the rest of the disk
			at += mib
			continue
		}
		info, err := os.Stat(p.image)
		if err != nil {
			t.Fatal(err)
		}
		starts[i] = at
		script += fmt.Sprintf("start=%d, size=%d, %s\n", at/512, info.Size()/512, p.line)
		at += (info.Size()+mib-1)/mib*mib + mib
	}
	img := sparse(t, at+total)
	c := exec.Command(need.Tool(t, "sfdisk"), "-q", img)
	c.Stdin = strings.NewReader(script)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s\n%s", err, out, script)
	}
	for i, p := range parts {
		if p.image != "" {
			store(t, img, starts[i], p.image)
		}
	}
	return img
}

// store copies an image into a disk, holes excepted.
func store(t testing.TB, img string, at int64, from string) {
	t.Helper()
	need.Run(t, "dd", "if="+from, "of="+img, "bs=1M", fmt.Sprintf("seek=%d", at), "oflag=seek_bytes", "conv=notrunc,sparse", "status=none")
}

// untouched notes a file's digest and sets an access time that any read would
// change; the returned function checks that both are as they were.
func untouched(t testing.TB, files ...string) func() {
	t.Helper()
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	sums := make([]string, len(files))
	for i, f := range files {
		sums[i] = sum(t, f)
		if err := os.Chtimes(f, long, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		for i, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			if at := info.Sys().(*syscall.Stat_t).Atim; at.Sec != long.Unix() {
				t.Errorf("the access time of %s became %v", f, time.Unix(at.Unix()))
			}
			if sum(t, f) != sums[i] {
				t.Errorf("%s was changed", f)
			}
		}
	}
}

func sum(t testing.TB, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// lvm runs LVM's own tools on loop devices, without the kernel's device
// mapper.
type lvm struct {
	t    testing.TB
	dir  string
	devs []string
}

// attach gives a device for the bytes of a file from off on.
func (l *lvm) attach(file string, off int64) {
	l.t.Helper()
	dev := strings.TrimSpace(need.Run(l.t, "losetup", "-f", "--show", "-o", fmt.Sprint(off), file))
	l.t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	l.devs = append(l.devs, dev)
	filter := ""
	for _, d := range l.devs {
		filter += fmt.Sprintf("\"a|^%s$|\",", d)
	}
	conf := fmt.Sprintf(`devices { scan=["/dev"] use_devicesfile=0 global_filter=[%s"r|.*|"] obtain_device_list_from_udev=0 external_device_info_source="none" }
activation { udev_sync=0 udev_rules=0 monitoring=0 }
backup { backup=0 archive=0 }
global { locking_dir="%s/lock" use_lvmpolld=0 event_activation=0 }
`, filter, l.dir)
	if err := os.WriteFile(filepath.Join(l.dir, "lvm.conf"), []byte(conf), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lvm) run(line string, more ...string) string {
	l.t.Helper()
	f := append(strings.Fields(line), more...)
	c := exec.Command(need.Tool(l.t, "lvm"), append([]string{f[0], "--driverloaded", "n"}, f[1:]...)...)
	c.Env = append(os.Environ(), "LVM_SYSTEM_DIR="+l.dir, "LVM_SUPPRESS_FD_WARNINGS=1")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		l.t.Fatalf("lvm %q: %v\n%s%s", f, err, out.String(), errs.String())
	}
	return out.String()
}

// stripeSize is that of the logical volumes of stripe.
const stripeSize = 64 << 10

// stripe stores an image in a logical volume of one segment over all devices.
func (l *lvm) stripe(lv, image string) {
	l.t.Helper()
	b, err := os.ReadFile(image)
	if err != nil {
		l.t.Fatal(err)
	}
	l.each(lv, int64(len(b)), func(d *os.File, on, at, n int64) error {
		_, err := d.WriteAt(b[at:at+n], on)
		return err
	})
}

// unstripe reads what stripe stored.
func (l *lvm) unstripe(lv string, size int64) string {
	l.t.Helper()
	b := make([]byte, size)
	l.each(lv, size, func(d *os.File, on, at, n int64) error {
		_, err := d.ReadAt(b[at:at+n], on)
		return err
	})
	name := filepath.Join(l.t.TempDir(), "lv")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return name
}

// each calls f for every stripe of the first size bytes of a logical volume:
// where it begins on its device, as lvs and pvs say, and in the volume.
func (l *lvm) each(lv string, size int64, f func(d *os.File, on, at, n int64) error) {
	l.t.Helper()
	fields := strings.Fields(l.run("lvs --noheadings --units b --nosuffix --segments -o vg_extent_size,seg_pe_ranges", lv))
	var extent int64
	if _, err := fmt.Sscan(fields[0], &extent); err != nil || len(fields) != 1+len(l.devs) {
		l.t.Fatalf("lvs says %q", fields)
	}
	for k, place := range fields[1:] {
		dev, ranges, _ := strings.Cut(place, ":")
		var first, last, start int64
		if _, err := fmt.Sscanf(ranges, "%d-%d", &first, &last); err != nil {
			l.t.Fatal(err)
		}
		if _, err := fmt.Sscan(l.run("pvs --noheadings --units b --nosuffix -o pe_start", dev), &start); err != nil {
			l.t.Fatal(err)
		}
		d, err := os.OpenFile(dev, os.O_RDWR, 0)
		if err != nil {
			l.t.Fatal(err)
		}
		n := int64(len(l.devs))
		for i := int64(0); (i*n+int64(k))*stripeSize < size; i++ {
			at := (i*n + int64(k)) * stripeSize
			if err := f(d, start+first*extent+i*stripeSize, at, min(stripeSize, size-at)); err != nil {
				l.t.Fatal(err)
			}
		}
		d.Close()
	}
}

// done detaches the devices, so that the files hold everything.
func (l *lvm) done() {
	l.t.Helper()
	for _, d := range l.devs {
		need.Run(l.t, "blockdev", "--flushbufs", d)
		need.Run(l.t, "losetup", "-d", d)
	}
}
