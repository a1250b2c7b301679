package volume

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"assay/internal/disk"
	"assay/internal/disk/overlay"
	"assay/internal/need"
	"assay/internal/span"
)

// patches lays an overlay over each of the layout's disks.
func patches(t *testing.T, l *Layout, paths ...string) []Patch {
	t.Helper()
	var out []Patch
	for _, p := range paths {
		img, err := disk.Open(p, disk.Options{Format: "raw"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { img.Close() })
		out = append(out, overlay.New(img, overlay.Options{}))
	}
	if len(out) != len(l.Disks) {
		t.Fatalf("%d files for %d disks", len(out), len(l.Disks))
	}
	return out
}

// flush writes what a patch holds into a file.
func flush(t *testing.T, p Patch, size int64, path string) {
	t.Helper()
	b := make([]byte, size)
	if _, err := p.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scribble makes the same random changes to a patch and to a slice, and
// compares what can be read.
func scribble(t *testing.T, p Patch, want []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(len(want))))
	for range 200 {
		off := r.IntN(len(want))
		n := r.IntN(min(len(want)-off, 1<<(4+r.IntN(17))) + 1)
		if r.IntN(2) == 0 {
			if err := p.Zero(int64(off), int64(n)); err != nil {
				t.Fatal(err)
			}
			clear(want[off : off+n])
		} else {
			b := noise(n)
			if k, err := p.WriteAt(b, int64(off)); k != n || err != nil {
				t.Fatalf("WriteAt = %d, %v", k, err)
			}
			copy(want[off:], b)
		}
		off, n = r.IntN(len(want)+1), 1+r.IntN(200_000)
		got := make([]byte, n)
		k, err := p.ReadAt(got, int64(off))
		if k != min(n, len(want)-off) || (k < n) != (err == io.EOF) || !bytes.Equal(got[:k], want[off:off+k]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v, or other bytes", n, off, k, err)
		}
	}
	size := int64(len(want))
	for _, c := range [][2]int64{{-1, 1}, {size, 1}, {size - 1, 2}, {0, size + 1}, {1 << 62, 1 << 62}} {
		if err := p.Zero(c[0], c[1]); err == nil {
			t.Errorf("Zero(%d, %d) is allowed on %d bytes", c[0], c[1], size)
		}
		if c[1] < 1<<30 {
			if n, err := p.WriteAt(make([]byte, c[1]), c[0]); n != 0 || err == nil {
				t.Errorf("WriteAt(%d bytes, %d) = %d, %v", c[1], c[0], n, err)
			}
		}
	}
}

// TestPatchPartition changes one partition and nothing else.
func TestPatchPartition(t *testing.T) {
	need.Tool(t, "sgdisk")
	p := sparse(t, 0)
	patch(t, p, 0, noise(16*mib))
	sfdisk(t, p, "label: gpt\nsize=2MiB\nsize=5MiB\nsize=3MiB\n")
	before := contents(t, p)
	l := scan(t, p)
	disks := patches(t, l, p)
	v, err := l.Patch(l.volume(t, "p2"), disks)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(before)
	scribble(t, v, want[3*mib:8*mib])
	flush(t, disks[0], 16*mib, p)
	if got := contents(t, p); !bytes.Equal(got, want) {
		t.Error("other bytes were changed")
	}
	need.Run(t, "sgdisk", "-v", p)
}

// TestPatchLVM writes logical volumes through patches, and the same content
// where LVM's own tools say that they are: the disks must be the same.
func TestPatchLVM(t *testing.T) {
	l := newLab(t, 32*mib, 32*mib, 32*mib)
	l.group(l.files...)
	l.lvm("lvcreate" + noActivation + "-n root -L 8m vg0")
	l.lvm("lvcreate" + noActivation + "-n stripe -i 3 -I 64k -L 12m vg0")
	l.lvm("lvextend -L +30m vg0/root")
	l.done()
	got := scan(t, l.files...)
	disks := patches(t, got, l.files...)
	volumes := map[string][]byte{"vg0/root": make([]byte, 38*mib), "vg0/stripe": make([]byte, 12*mib)}
	for name, want := range volumes {
		v, err := got.Patch(got.volume(t, name), disks)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.ReadAt(want, 0); err != nil {
			t.Fatal(err)
		}
		scribble(t, v, want)
	}
	for _, name := range []string{"d1", "d2p2"} {
		var refused *RefusedError
		if _, err := got.Patch(got.volume(t, name), disks); !errors.As(err, &refused) {
			t.Errorf("a physical volume can be written: %v", err)
		}
	}
	l2 := &lab{t: t, dir: l.dir, files: l.files}
	for i, f := range l2.files {
		off, size := int64(0), int64(32*mib)
		if i > 0 {
			off, size = 2*mib, 28*mib
		}
		l2.attach(f, off, size)
	}
	for name, content := range volumes {
		l2.store(name, content)
	}
	l2.done()
	for i, f := range l.files {
		b := make([]byte, 32*mib)
		if _, err := disks[i].ReadAt(b, 0); err != nil && err != io.EOF || !bytes.Equal(b, contents(t, f)) {
			t.Errorf("disk %d has other bytes (%v)", i, err)
		}
	}
}

// TestPatchRefuses: volumes that must not be written.
func TestPatchRefuses(t *testing.T) {
	refused := func(name string, b []byte, volume, why string) {
		t.Helper()
		l, err := Scan([]Disk{{name, bytes.NewReader(b), int64(len(b))}})
		if err != nil {
			t.Fatal(err)
		}
		var re *RefusedError
		_, err = l.Patch(l.volume(t, volume), []Patch{nil})
		if (why == "") != (err == nil) || why != "" && (!errors.As(err, &re) || !strings.Contains(re.Reason, why)) {
			t.Errorf("%s, %s: got %v, want %q", name, volume, err, why)
		}
	}
	text := func(old, new string) []byte { return withText([]byte(strings.Replace(sampleText, old, new, 1))) }
	refused("origin", text("", ""), "vg/a", "snapshot vg/b shares")
	refused("snapshot", text("", ""), "vg/b", "snapshot of vg/a")
	plain := strings.Replace(sampleText, `"snapshot"`, `"error"`, 1)
	text = func(old, new string) []byte { return withText([]byte(strings.Replace(plain, old, new, 1))) }
	refused("alone", text("", ""), "vg/a", "")
	refused("alone", text("", ""), "vg/b", "")
	refused("mirror", text(`type = "striped" stripe_count = 1 stripes = ["pv0", 12]`, `type = "mirror" mirrors = ["pv0", 12, "pv0", 17]`), "vg/b", "mirror")
	refused("external origin", text("s { segment1", "t { segment1 { start_extent = 0 extent_count = 1 type = \"thin\" thin_pool = \"p\" external_origin = \"a\" } }\ns { segment1"), "vg/a", "snapshot vg/t shares")
	refused("itself", text(`"pv0", 9`, `"pv0", 0`), "vg/a", "shares bytes with vg/a")
	refused("another", text(`"pv0", 9`, `"pv0", 13`), "vg/b", "shares bytes with vg/a")
	refused("physical volume", text("", ""), "disk", "physical volume of LVM")

	b := tinyMBR()
	b[0x1be+12] = 5 // the first partition reaches into the second
	refused("overlap", b, "p1", "shares bytes with p5")
	refused("overlap", b, "p5", "shares bytes with p1")
	l, err := Scan([]Disk{{"a", bytes.NewReader(b), int64(len(b))}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Patch(l.Volumes[0], nil); err == nil {
		t.Error("no patches for one disk")
	}
}

// clean zeroes what may go of all disks.
func clean(t *testing.T, l *Layout, disks []Patch) (sets []span.Set, notes string) {
	t.Helper()
	for i, d := range disks {
		set, why := l.Scrubbable(i)
		for _, s := range set {
			if err := d.Zero(s.Off, s.Len); err != nil {
				t.Fatal(err)
			}
		}
		sets, notes = append(sets, set), notes+strings.Join(why, "\n")
	}
	return sets, notes
}

// TestScrubTables fills disks with noise before they are partitioned, zeroes
// what may go, and asks the partitioning tools whether all is well.
func TestScrubTables(t *testing.T) {
	need.Tool(t, "sgdisk", "sfdisk")
	const size = 16 * mib
	bootCode := func(b []byte) { clear(b[:440]) }
	for _, c := range []struct {
		name, script string
		edit         func(b []byte)
		keep         [][2]int64 // besides the partitions
		note         string
	}{
		{"mbr", "label: dos\nsize=2MiB, type=83\nstart=6MiB, size=3MiB, type=83\n", nil, [][2]int64{{0, mib}}, "boot loader may lie before"},
		{"logical", "label: dos\nsize=2MiB, type=83\nstart=4MiB, size=10MiB, type=5\nstart=5MiB, size=2MiB, type=83\nstart=9MiB, size=2MiB, type=83\n", nil,
			[][2]int64{{0, mib}, {4 * mib, 512}}, "boot loader may lie before"},
		{"gpt", "label: gpt\nsize=2MiB\nstart=6MiB, size=3MiB\n", bootCode, [][2]int64{{0, gptHead}, {size - gptTail, gptTail}}, "the place of the partition table"},
		{"gpt with code", "label: gpt\nsize=2MiB\nstart=6MiB, size=3MiB\n", nil, [][2]int64{{0, mib}, {size - gptTail, gptTail}}, "no BIOS boot partition"},
		{"gpt for GRUB", "label: gpt\nsize=2MiB, type=" + biosBoot + "\nstart=6MiB, size=3MiB\n", nil, [][2]int64{{0, gptHead}, {size - gptTail, gptTail}}, "the place of the partition table"},
		{"gpt of a board", "label: gpt\nsize=2MiB\nstart=6MiB, size=3MiB\n", func(b []byte) { bootCode(b); copy(b[131076:], "eGON.BT0") },
			[][2]int64{{0, mib}, {size - gptTail, gptTail}}, "of a board"},
		{"dynamic", "label: dos\nsize=2MiB, type=42\n", nil, [][2]int64{{0, mib}, {size - mib, mib}}, "Logical Disk Manager"},
		{"private header", "label: dos\nsize=2MiB, type=83\n", func(b []byte) { copy(b[size-512:], "PRIVHEAD") }, [][2]int64{{0, mib}, {size - mib, mib}}, "Logical Disk Manager"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := sparse(t, 0)
			patch(t, p, 0, noise(size))
			sfdisk(t, p, c.script)
			b := contents(t, p)
			if c.edit != nil {
				c.edit(b)
				patch(t, p, 0, b)
			}
			l := scan(t, p)
			disks := patches(t, l, p)
			_, notes := clean(t, l, disks)
			want := make([]byte, size)
			for _, k := range c.keep {
				copy(want[k[0]:k[0]+k[1]], b[k[0]:])
			}
			for _, v := range l.Volumes {
				for _, g := range v.Map {
					copy(want[g.DiskOffset:g.DiskOffset+g.Len], b[g.DiskOffset:])
				}
			}
			if c.name == "logical" { // the second boot record
				at := l.volume(t, "p6").Map[0].DiskOffset
				for at -= 512; b[at+510] != 0x55 || b[at+511] != 0xaa || b[at+0x1be] != 0; at -= 512 {
				}
				copy(want[at:at+512], b[at:])
			}
			flush(t, disks[0], size, p)
			got := contents(t, p)
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("byte %d is %d, want %d", i, got[i], want[i])
				}
			}
			if !strings.Contains(notes, c.note) {
				t.Errorf("notes are %q", notes)
			}
			need.Run(t, "sfdisk", "--verify", p)
			if strings.HasPrefix(c.name, "gpt") {
				if out := need.Run(t, "sgdisk", "-v", p); !strings.Contains(out, "No problems found") {
					t.Error(out)
				}
			}
			if after := scan(t, p); after.names() != l.names() {
				t.Errorf("got %s, want %s", after.names(), l.names())
			}
			if set, _ := scan(t, p).Scrubbable(0); len(set) == 0 {
				t.Error("a second time nothing may go")
			}
		})
	}
}

// TestScrubDamaged: where a table is damaged nothing goes, and it is said.
func TestScrubDamaged(t *testing.T) {
	p := sparse(t, 0)
	patch(t, p, 0, noise(16*mib))
	sfdisk(t, p, "label: gpt\nsize=2MiB\nsize=3MiB\n")
	patch(t, p, 1024+7, []byte{1})
	patch(t, p, 16*mib-33*512+7, []byte{1})
	set, notes := scan(t, p).Scrubbable(0)
	if len(set) > 0 || len(notes) != 1 || !strings.Contains(notes[0], "could not be found") {
		t.Errorf("%v, %q", set, notes)
	}
}

// TestScrubLVM: after all that may go is gone, LVM's tools find the group as
// it was, can change it, and find no trace of what it was before.
func TestScrubLVM(t *testing.T) {
	l := newLab(t, 32*mib, 32*mib, 32*mib)
	for _, f := range l.files {
		patch(t, f, 0, noise(32*mib))
	}
	patch(t, l.files[0], 0, make([]byte, 8192)) // or else pvcreate asks
	l.group(l.files...)
	l.lvm("lvcreate" + noActivation + "-n oldsecret -L 8m vg0")
	l.lvm("lvcreate" + noActivation + "-n stripe -i 3 -I 64k -L 12m vg0")
	l.lvm("lvcreate" + noActivation + "-n gone -L 6m vg0")
	l.lvm("lvrename vg0 oldsecret root")
	l.lvm("lvremove -y vg0/gone")
	l.lvm("lvcreate" + noActivation + "-n last -L 1m vg0") // the live text names the last command
	report := func(l *lab) string {
		return l.lvm("vgs --noheadings -o vg_name,vg_uuid,vg_seqno,vg_free_count,vg_extent_count vg0") +
			l.lvm("lvs --noheadings -o lv_name,lv_uuid,lv_size,seg_type vg0")
	}
	before := report(l)
	free := l.unused()
	devs := l.devs
	l.done()
	if !bytes.Contains(contents(t, l.files[0]), []byte("oldsecret")) {
		t.Fatal("no old text to remove")
	}
	half := scan(t, l.files[0], l.files[2])
	set, why := half.Scrubbable(0)
	if len(set) > 0 || len(why) != 1 || !strings.Contains(why[0], "vg0 is not complete") {
		t.Errorf("of an incomplete group: %v, %q", set, why)
	}
	got := scan(t, l.files...)
	disks := patches(t, got, l.files...)
	content := map[string][]byte{}
	for _, name := range []string{"vg0/root", "vg0/stripe"} {
		v := got.volume(t, name)
		content[name] = make([]byte, v.Size)
		if _, err := v.ReadAt(content[name], 0); err != nil {
			t.Fatal(err)
		}
	}
	sets, notes := clean(t, got, disks)
	for i, base := range []int64{0, 2 * mib, 2 * mib} {
		for _, f := range free[devs[i]] {
			f.Off += base
			if inside := sets[i].Intersect(span.Set{f}); inside.Total() != f.Len {
				t.Errorf("disk %d: free extents %v stay", i, f)
			}
		}
	}
	if strings.Contains(notes, "group") {
		t.Errorf("notes are %q", notes)
	}
	for i, f := range l.files {
		flush(t, disks[i], 32*mib, f)
		b := contents(t, f)
		if bytes.Contains(b, []byte("oldsecret")) || bytes.Contains(b, []byte("gone")) {
			k := max(bytes.Index(b, []byte("oldsecret")), bytes.Index(b, []byte("gone")))
			t.Errorf("disk %d still names removed volumes: %q at %d", i, b[max(k-300, 0):k+100], k)
		}
	}
	l2 := &lab{t: t, dir: l.dir, files: l.files}
	for i, f := range l2.files {
		off, size := int64(0), int64(32*mib)
		if i > 0 {
			off, size = 2*mib, 28*mib
		}
		dev := l2.attach(f, off, size)
		l2.lvm("pvck", dev)
	}
	l2.lvm("vgck vg0")
	// Devices may have other names now, so only what does not name them.
	if after := report(l2); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	for k := range 12 { // the ring goes on
		l2.lvm("lvcreate" + noActivation + "-n more" + string(rune('a'+k)) + " -L 1m vg0")
	}
	l2.lvm("vgck vg0")
	l2.done()
	again := scan(t, l.files...)
	for name, want := range content {
		b := make([]byte, len(want))
		if _, err := again.volume(t, name).ReadAt(b, 0); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s has other bytes (%v)", name, err)
		}
	}
}
