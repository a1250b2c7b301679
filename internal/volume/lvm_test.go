package volume

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"assay/internal/need"
	"assay/internal/span"
)

// A lab runs LVM's own tools on files, through loop devices and without the
// kernel's device mapper.
type lab struct {
	t     *testing.T
	dir   string
	files []string
	devs  []string // a file or a partition of it
	loops map[string]string
}

// newLab makes files of the given sizes, each a disk.
func newLab(t *testing.T, sizes ...int64) *lab {
	t.Helper()
	need.Root(t)
	need.Tool(t, "losetup", "lvm")
	l := &lab{t: t, dir: t.TempDir(), loops: map[string]string{}}
	for _, n := range sizes {
		l.files = append(l.files, sparse(t, n))
	}
	return l
}

// attach gives a device for bytes of a file.
func (l *lab) attach(file string, off, size int64) string {
	l.t.Helper()
	dev := strings.TrimSpace(need.Run(l.t, "losetup", "-f", "--show", "-o", fmt.Sprint(off), "--sizelimit", fmt.Sprint(size), file))
	l.t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	l.devs = append(l.devs, dev)
	var filter string
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
	return dev
}

// lvm runs one of LVM's commands and returns what it printed.
func (l *lab) lvm(line string, more ...string) string {
	l.t.Helper()
	f := append(strings.Fields(line), more...)
	args := append([]string{f[0], "--driverloaded", "n"}, f[1:]...)
	cmd := exec.Command(need.Tool(l.t, "lvm"), args...)
	cmd.Env = append(os.Environ(), "LVM_SYSTEM_DIR="+l.dir, "LVM_SUPPRESS_FD_WARNINGS=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		l.t.Fatalf("lvm %q: %v\n%s%s", f, err, out.String(), errs.String())
	}
	return out.String()
}

// store writes content into a logical volume where lvs says that it is.
func (l *lab) store(lv string, content []byte) {
	l.t.Helper()
	pos := int64(0)
	starts := map[string]int64{}
	for line := range strings.Lines(l.lvm("lvs --noheadings --units b --nosuffix --segments -o stripes,stripe_size,seg_size,vg_extent_size,seg_pe_ranges", lv)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		stripes, _ := strconv.ParseInt(f[0], 10, 64)
		stripe, _ := strconv.ParseInt(f[1], 10, 64)
		size, _ := strconv.ParseInt(f[2], 10, 64)
		extent, _ := strconv.ParseInt(f[3], 10, 64)
		if stripes == 1 {
			stripe = size
		}
		for done, k := int64(0), int64(0); done < size && pos < int64(len(content)); k++ {
			var dev string
			var first, last int64
			dev, ranges, _ := strings.Cut(f[4+k%stripes], ":")
			if _, err := fmt.Sscanf(ranges, "%d-%d", &first, &last); err != nil {
				l.t.Fatalf("%q: %v", line, err)
			}
			n := min(stripe, int64(len(content))-pos)
			if starts[dev] == 0 {
				starts[dev], _ = strconv.ParseInt(strings.TrimSpace(l.lvm("pvs --noheadings --units b --nosuffix -o pe_start", dev)), 10, 64)
			}
			l.write(dev, starts[dev]+first*extent+k/stripes*stripe, content[pos:pos+n])
			pos, done = pos+n, done+n
		}
	}
}

func (l *lab) write(dev string, at int64, b []byte) {
	l.t.Helper()
	f, err := os.OpenFile(dev, os.O_WRONLY, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, at); err != nil {
		l.t.Fatal(err)
	}
}

// done detaches the devices, so that the files hold everything.
func (l *lab) done() {
	l.t.Helper()
	for _, d := range l.devs {
		need.Run(l.t, "blockdev", "--flushbufs", d)
		need.Run(l.t, "losetup", "-d", d)
	}
}

// group makes a volume group over three disks: a whole one, and a partition on
// each of the others.
func (l *lab) group(files ...string) {
	l.t.Helper()
	for i, f := range files {
		off, size := int64(0), int64(32*mib)
		if i > 0 {
			sfdisk(l.t, f, "label: gpt\nsize=1MiB\nsize=28MiB, type=V\n")
			off, size = 2*mib, 28*mib
		}
		l.attach(f, off, size)
	}
	for _, d := range l.devs {
		l.lvm("pvcreate --metadatasize 64k", d)
	}
	l.lvm("vgcreate -s 1m vg0", l.devs...)
}

const noActivation = " -an -Zn -Wn "

func TestLVM(t *testing.T) {
	l := newLab(t, 32*mib, 32*mib, 32*mib)
	l.group(l.files...)
	l.lvm("lvcreate" + noActivation + "-n root -L 8m vg0")
	l.lvm("lvcreate" + noActivation + "-n stripe -i 3 -I 64k -L 12m vg0")
	l.lvm("lvextend -L +30m vg0/root")
	l.lvm("lvcreate" + noActivation + "-n swap -L 4m vg0 " + l.devs[2])
	l.lvm("lvcreate" + noActivation + "-n nested -L 4m vg0 " + l.devs[2])
	root := mkfs(t, 38*mib, "mke2fs -q -F -t ext4 -L root IMG")
	stripe := noise(12 * mib)
	copy(stripe, mkfs(t, 12*mib, "mke2fs -q -F -t ext2 IMG")[:8192])
	l.store("vg0/root", root)
	l.store("vg0/stripe", stripe)
	l.store("vg0/swap", mkfs(t, 4*mib, "mkswap -q IMG"))
	free := l.unused()
	head := make([]byte, 2048)
	if f, err := os.Open(l.devs[0]); err != nil {
		t.Fatal(err)
	} else if _, err = f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	l.store("vg0/nested", head)
	l.done()

	got := scan(t, l.files...)
	wantVolumes(t, got, "d1=lvm2 d2p1=zero d2p2=lvm2 d3p1=zero d3p2=lvm2 vg0/root=ext4 vg0/stripe=ext2 vg0/swap=swap vg0/nested=lvm2!unsupported", "")
	for name, want := range map[string][]byte{"vg0/root": root, "vg0/stripe": stripe} {
		v := got.volume(t, name)
		b := make([]byte, v.Size)
		if _, err := v.ReadAt(b, 0); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s reads other bytes (%v)", name, err)
		}
		if n, err := v.ReadAt(b[:100], v.Size-50); n != 50 || err == nil {
			t.Errorf("%s: read of 100 bytes at the end gives %d, %v", name, n, err)
		}
	}
	if n := len(got.volume(t, "vg0/stripe").Map); n != 12*mib/(64<<10) {
		t.Errorf("%d segments", n)
	}
	for i, base := range []int64{0, 2 * mib, 2 * mib} {
		for _, f := range free[l.devs[i]] {
			f.Off += base
			if inside := got.Unused[i].Intersect(span.Set{f}); inside.Total() != f.Len {
				t.Errorf("disk %d: %v is free for pvs, unused is %v", i, f, got.Unused[i])
			}
		}
	}
	if n, want := got.Unused[0].Total(), free[l.devs[0]].Total(); n < want || n > want+mib {
		t.Errorf("disk 0: %d bytes are unused, pvs has %d in free extents", n, want)
	}

	missing := scan(t, l.files[0], l.files[2])
	wantVolumes(t, missing, "d1=lvm2 d2p1=zero d2p2=lvm2 vg0/root=!missing-device vg0/stripe=!missing-device vg0/swap=swap vg0/nested=lvm2!unsupported", "missing-device vg0: the physical volume pv1")
	if v := missing.volume(t, "vg0/root"); v.Size != 38*mib {
		t.Errorf("a volume with a missing part has %d bytes", v.Size)
	}
	wantVolumes(t, scan(t, l.files[0], l.files[0], l.files[1], l.files[2]),
		"d1=lvm2 d2=lvm2!unsupported d3p1=zero d3p2=lvm2 d4p1=zero d4p2=lvm2 vg0/root=ext4 vg0/stripe=ext2 vg0/swap=swap vg0/nested=lvm2!unsupported", "")
}

// unused asks pvs for the free extents of each device, as bytes on it.
func (l *lab) unused() map[string]span.Set {
	out := map[string][]span.Span{}
	for line := range strings.Lines(l.lvm("pvs --noheadings --units b --nosuffix --segments -o pv_name,pe_start,vg_extent_size,pvseg_start,pvseg_size,segtype")) {
		f := strings.Fields(line)
		if len(f) < 6 || f[5] != "free" {
			continue
		}
		var n [4]int64
		for i := range n {
			n[i], _ = strconv.ParseInt(f[1+i], 10, 64)
		}
		out[f[0]] = append(out[f[0]], span.Span{Off: n[0] + n[2]*n[1], Len: n[3] * n[1]})
	}
	sets := map[string]span.Set{}
	for d, s := range out {
		sets[d] = span.Make(s)
	}
	return sets
}

// TestRing makes the metadata text wrap round its circular buffer many times:
// after every change the newest text must be read.
func TestRing(t *testing.T) {
	l := newLab(t, 32*mib)
	l.attach(l.files[0], 0, 32*mib)
	l.lvm("pvcreate --metadatasize 32k --dataalignment 4k", l.devs[0])
	l.lvm("vgcreate -s 1m vg0", l.devs[0])
	area := strings.Fields(l.lvm("pvs --noheadings --units b --nosuffix -o pv_mda_size", l.devs[0]))[0]
	size, _ := strconv.Atoi(area)
	l.lvm("lvcreate" + noActivation + "-n a -L 1m vg0")
	if size > 64<<10 {
		t.Fatalf("the metadata area has %d bytes", size)
	}
	for k := range 8 { // make the text large
		l.lvm(fmt.Sprintf("lvcreate"+noActivation+"-n v%d -L 1m vg0", k))
	}
	for i := range 2 * size / 4096 { // each text has more than 4096 bytes
		name := fmt.Sprintf("renamed%d", i)
		l.lvm("lvrename vg0 " + map[bool]string{true: "a", false: fmt.Sprintf("renamed%d", i-1)}[i == 0] + " " + name)
		need.Run(t, "blockdev", "--flushbufs", l.devs[0])
		got := scan(t, l.files[0])
		if v := got.volume(t, "vg0/"+name); len(got.Volumes) != 10 || v.Content != "zero" || len(got.Problems) > 0 {
			t.Fatalf("round %d: %s; %s", i, got.names(), got.problems())
		}
	}
}

// TestKinds restores metadata with every kind of volume that assay cannot
// read. LVM's own vgcfgrestore parses and writes it.
func TestKinds(t *testing.T) {
	l := newLab(t, 32*mib)
	dev := l.attach(l.files[0], 0, 32*mib)
	l.lvm("pvcreate", dev)
	l.lvm("vgcreate -s 1m vg0", dev)
	l.lvm("lvcreate" + noActivation + "-n root -L 2m vg0")
	text := filepath.Join(l.dir, "text")
	l.lvm("vgcfgbackup -f", text, "vg0")
	b, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	id := 0
	lv := func(name, visible, segment string) string {
		id++
		return fmt.Sprintf("\n%s {\nid = \"%06d-aaaa-bbbb-cccc-dddd-eeee-ffffff\"\nstatus = [\"READ\", \"WRITE\"%s]\nsegment_count = 1\nsegment1 {\nstart_extent = 0\n%s\n}\n}\n", name, id, visible, segment)
	}
	const visible = `, "VISIBLE"`
	linear := func(at int) string {
		return fmt.Sprintf("extent_count = 1\ntype = \"striped\"\nstripe_count = 1\nstripes = [\"pv0\", %d]", at)
	}
	more := lv("snap", visible, linear(3)) +
		lv("snapshot0", "", "extent_count = 2\ntype = \"snapshot\"\nchunk_size = 8\norigin = \"root\"\ncow_store = \"snap\"") +
		lv("r1", visible, "extent_count = 1\ntype = \"raid1\"\ndevice_count = 2\nregion_size = 1024\nraids = [\"r1_rmeta_0\", \"r1_rimage_0\", \"r1_rmeta_1\", \"r1_rimage_1\"]") +
		lv("r1_rmeta_0", "", linear(4)) + lv("r1_rimage_0", "", linear(5)) + lv("r1_rmeta_1", "", linear(6)) + lv("r1_rimage_1", "", linear(7)) +
		lv("m1", visible, "extent_count = 1\ntype = \"mirror\"\nmirror_count = 2\nregion_size = 1024\nmirrors = [\"m1_mimage_0\", 0, \"m1_mimage_1\", 0]") +
		lv("m1_mimage_0", "", linear(8)) + lv("m1_mimage_1", "", linear(9)) +
		lv("pool", visible, "extent_count = 2\ntype = \"thin-pool\"\nmetadata = \"pool_tmeta\"\npool = \"pool_tdata\"\ntransaction_id = 1\nchunk_size = 128\ndiscards = \"passdown\"\nzero_new_blocks = 1") +
		lv("pool_tmeta", "", linear(10)) + lv("pool_tdata", "", strings.Replace(linear(11), "count = 1", "count = 2", 1)) +
		lv("thin", visible, "extent_count = 50\ntype = \"thin\"\nthin_pool = \"pool\"\ntransaction_id = 0\ndevice_id = 1") +
		lv("err", visible, "extent_count = 1\ntype = \"error\"")
	i := bytes.LastIndex(b, []byte("\n\t}\n")) // end of logical_volumes
	out := string(b[:i]) + more + string(b[i:])
	if err := os.WriteFile(text, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	l.lvm("vgcfgrestore -y --force -f", text, "vg0")
	want := map[string]bool{}
	for line := range strings.Lines(l.lvm("lvs --noheadings -o lv_full_name vg0")) {
		want[strings.TrimSpace(line)] = true
	}
	free := l.unused()[dev]
	l.done()
	got := scan(t, l.files[0])
	wantVolumes(t, got, "disk=lvm2 vg0/root=zero vg0/snap=!unsupported vg0/r1=!unsupported vg0/m1=!unsupported vg0/pool=!unsupported vg0/thin=!unsupported vg0/err=!unsupported", "")
	for _, v := range got.Volumes[1:] {
		if !want[v.Name] {
			t.Errorf("lvs does not list %s but %v", v.Name, want)
		}
		delete(want, v.Name)
	}
	if len(want) > 0 {
		t.Errorf("only lvs lists %v", want)
	}
	if both := got.Unused[0].Intersect(free); both.Total() != free.Total() || got.Unused[0].Total() > free.Total()+mib {
		t.Errorf("unused %v, pvs has free %v", got.Unused[0], free)
	}
	if v := got.volume(t, "vg0/thin"); v.Size != 50*mib {
		t.Errorf("thin has %d bytes", v.Size)
	} else if _, err := v.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("a thin volume can be read")
	}
}

func TestBrokenPV(t *testing.T) {
	l := newLab(t, 16*mib)
	l.attach(l.files[0], 0, 16*mib)
	l.lvm("pvcreate", l.devs[0])
	need.Run(t, "blockdev", "--flushbufs", l.devs[0])
	wantVolumes(t, scan(t, l.files[0]), "disk=lvm2", "")
	l.write(l.devs[0], 8*mib, []byte("left"))
	need.Run(t, "blockdev", "--flushbufs", l.devs[0])
	wantVolumes(t, scan(t, l.files[0]), "disk=lvm2!unknown-volume", "")
	l.lvm("vgcreate -s 1m vg0", l.devs[0])
	l.lvm("lvcreate" + noActivation + "-n root -L 2m vg0")
	l.done()
	b, err := os.ReadFile(l.files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at            int
		want, problem string
	}{
		"label":  {512 + 32, "disk=lvm2!corrupt", ""},
		"header": {4096 + 40, "disk=lvm2!corrupt", "at byte 4096"},
		"text":   {bytes.LastIndex(b[:mib], []byte("vg0 {")), "disk=lvm2!corrupt", "the metadata text has checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := bytes.Clone(b)
			c2[c.at] ^= 1
			p := sparse(t, 0)
			patch(t, p, 0, c2)
			l := scan(t, p)
			wantVolumes(t, l, c.want, c.problem)
			if len(l.Unused[0]) > 0 {
				t.Errorf("bytes %v of a broken physical volume are unused", l.Unused[0])
			}
		})
	}
	p := sparse(t, 0)
	patch(t, p, 0, b[:2*mib]) // a truncated image
	wantVolumes(t, scan(t, p), "disk=lvm2 vg0/root=!corrupt", "")
}
