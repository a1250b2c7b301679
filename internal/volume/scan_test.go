package volume

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"

	"assay/internal/need"
	"assay/internal/span"
)

const gptScript = `label: gpt
size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name="BIOS boot"
size=4MiB, type=U, name="EFI 系统"
size=8MiB, name="root"
size=2MiB, type=S
size=16MiB
size=1MiB
size=1MiB
`

var gptBytes []byte // of gptDisk, once made

// gptDisk makes a GPT disk with one of each.
func gptDisk(t *testing.T) string {
	p := sparse(t, 40*mib)
	if gptBytes != nil {
		patch(t, p, 0, gptBytes)
		return p
	}
	sfdisk(t, p, gptScript)
	at := int64(mib)
	for _, b := range [][]byte{
		noise(mib),
		mkfs(t, 4*mib, "mkfs.fat -n ESP IMG"),
		mkfs(t, 8*mib, "mke2fs -q -F -t ext4 -L root IMG"),
		mkfs(t, 2*mib, "mkswap -q -L swap IMG"),
		mkfs(t, 16*mib, "cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 IMG /dev/zero --keyfile-size 16"),
		make([]byte, mib),
		append(make([]byte, mib-1), 1),
	} {
		patch(t, p, at, b)
		at += int64(len(b))
	}
	var err error
	if gptBytes, err = os.ReadFile(p); err != nil {
		t.Fatal(err)
	}
	return p
}

const gptVolumes = "p1= p2=vfat p3=ext4 p4=swap p5=luks!encrypted p6=zero p7="

// againstTools compares partitions with partx and contents with blkid.
func againstTools(t *testing.T, p string, l *Layout) {
	t.Helper()
	out := need.Run(t, "partx", "--raw", "--noheadings", "-o", "NR,START,SECTORS,UUID,TYPE,NAME", p)
	n := 0
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 6)
		if f[4] == "0x5" || f[4] == "0xf" {
			continue
		}
		n++
		v := l.volume(t, "p"+f[0])
		start, _ := strconv.ParseInt(f[1], 10, 64)
		size, _ := strconv.ParseInt(f[2], 10, 64)
		typ := strings.Replace(f[4], "0x", "0x0", 1) // partx prints 0xc
		if !strings.EqualFold(v.Type, typ) && v.Type != f[4] || v.PartUUID != f[3] {
			t.Errorf("%s: type %q, uuid %q; partx says %q", v.Name, v.Type, v.PartUUID, line)
		}
		if v.Map[0].DiskOffset != start*512 || v.Size != size*512 {
			t.Errorf("%s: %+v; partx says %q", v.Name, v.Map, line)
		}
		blkid := need.Run(t, "sh", "-c", "blkid -p -o export -O "+strconv.FormatInt(start*512, 10)+" -S "+strconv.FormatInt(size*512, 10)+" "+p+" || test $? = 2")
		if v.UUID != "" && !strings.Contains(blkid, "UUID="+v.UUID+"\n") || v.Label != "" && !strings.Contains(blkid, "LABEL="+v.Label+"\n") {
			t.Errorf("%s: %q %q, blkid says %s", v.Name, v.UUID, v.Label, blkid)
		}
		if strings.Contains(blkid, "\nUUID=") && v.UUID == "" {
			t.Errorf("%s has no UUID, blkid says %s", v.Name, blkid)
		}
	}
	if n != len(l.Volumes) {
		t.Errorf("%d volumes, partx has %d", len(l.Volumes), n)
	}
}

func TestGPT(t *testing.T) {
	p := gptDisk(t)
	l := scan(t, p)
	wantVolumes(t, l, gptVolumes, "")
	againstTools(t, p, l)
	if l.Tables[0] != "gpt" || l.volume(t, "p2").PartName != "EFI 系统" {
		t.Errorf("table %q, name %q", l.Tables[0], l.volume(t, "p2").PartName)
	}
	used := span.Make([]span.Span{{Off: 0, Len: 34 * 512}, {Off: mib, Len: 33 * mib}, {Off: 40*mib - 33*512, Len: 33 * 512}})
	if got := used.Invert(40 * mib); got.Total() != l.Unused[0].Total() {
		t.Errorf("unused %v, want %v", l.Unused[0], got)
	}
}

func TestBrokenGPT(t *testing.T) {
	good := gptDisk(t)
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damage        func(b []byte) []byte
		want, problem string
	}{
		"primary":      {func(b []byte) []byte { clear(b[512:1024]); return b }, gptVolumes, "primary header is missing"},
		"entries":      {func(b []byte) []byte { b[1024+40] ^= 1; return b }, gptVolumes, "at byte 1024"},
		"rounded up":   {func(b []byte) []byte { clear(b[512:1024]); return append(b, make([]byte, 500000)...) }, gptVolumes, "primary header is missing"},
		"no MBR":       {func(b []byte) []byte { clear(b[:512]); return b }, gptVolumes, "no protective MBR"},
		"no header":    {func(b []byte) []byte { clear(b[512:1024]); clear(b[len(b)-512:]); return b }, "disk=", "announces a GPT"},
		"backup gone":  {func(b []byte) []byte { clear(b[len(b)-33*512:]); return b }, gptVolumes, ""},
		"truncated":    {func(b []byte) []byte { return b[:20*mib] }, "p1= p2=vfat p3=ext4 p4=swap p5=luks!encrypted p6=!corrupt p7=!corrupt", "p5: its entry at byte 1536 gives it 16777216 bytes"},
		"array beyond": {func(b []byte) []byte { return b[:1024] }, "disk=", "ends after 0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := sparse(t, 0)
			patch(t, p, 0, c.damage(bytes.Clone(b)))
			l := scan(t, p)
			wantVolumes(t, l, c.want, c.problem)
			if hidden := c.want == "disk="; hidden != (len(l.Unused[0]) == 0) {
				t.Errorf("unused %v", l.Unused[0])
			}
		})
	}
}

func TestHybridMBR(t *testing.T) {
	p := gptDisk(t)
	need.Run(t, "sgdisk", "-h", "2:3", p)
	wantVolumes(t, scan(t, p), gptVolumes, "")
	e := make([]byte, 12) // size and type of the last entry: outside of all partitions
	binary.LittleEndian.PutUint32(e[4:], 36*mib/512)
	binary.LittleEndian.PutUint32(e[8:], 100)
	e[0] = 0x83
	patch(t, p, 0x1be+48+4, e)
	wantVolumes(t, scan(t, p), gptVolumes, "hybrid MBR")
}

func TestMBR(t *testing.T) {
	p := sparse(t, 32*mib)
	sfdisk(t, p, "label: dos\nlabel-id: 0x00ab12cd\nsize=4MiB, type=c\nsize=8MiB, type=83, bootable\ntype=5\nsize=2MiB, type=82\nsize=4MiB, type=83\n")
	patch(t, p, 1*mib, mkfs(t, 4*mib, "mkfs.fat -n BOOT IMG"))
	patch(t, p, 5*mib, mkfs(t, 8*mib, "mke2fs -q -F -t ext3 IMG"))
	patch(t, p, 14*mib, mkfs(t, 2*mib, "mkswap -q IMG"))
	patch(t, p, 17*mib, mkfs(t, 4*mib, "mke2fs -q -F -t ext2 -L logical IMG"))
	l := scan(t, p)
	wantVolumes(t, l, "p1=vfat p2=ext3 p5=swap p6=ext2", "")
	againstTools(t, p, l)
	if l.Tables[0] != "mbr" || l.volume(t, "p6").PartUUID != "00ab12cd-06" {
		t.Errorf("%q %+v", l.Tables[0], l.volume(t, "p6"))
	}
	broken, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	broken[13*mib+510] = 0 // the first extended boot record: all logical partitions are lost
	q := sparse(t, 0)
	patch(t, q, 0, broken)
	lost := scan(t, q)
	wantVolumes(t, lost, "p1=vfat p2=ext3", "has no signature")
	if len(lost.Unused[0]) > 0 {
		t.Errorf("bytes of lost partitions are unused: %v", lost.Unused[0])
	}
	var e [8]byte // the second partition now begins inside the first and ends beyond the disk
	binary.LittleEndian.PutUint32(e[:], 4*mib/512)
	binary.LittleEndian.PutUint32(e[4:], 1<<31)
	patch(t, p, 0x1be+16+8, e[:])
	l = scan(t, p)
	for _, want := range []string{"p2: overlaps with p1 at byte 4194304", "p2: its entry at byte 462", "p5: overlaps with p2"} {
		if !strings.Contains(l.problems(), want) {
			t.Errorf("no %q in %s", want, l.problems())
		}
	}
	if v := l.volume(t, "p2"); v.Size != 28*mib {
		t.Errorf("p2 has %d bytes", v.Size)
	}
}

func TestWholeDisks(t *testing.T) {
	ext := sparse(t, 0)
	patch(t, ext, 0, mkfs(t, 8*mib, "mke2fs -q -F -t ext4 IMG"))
	fat := sparse(t, 0)
	patch(t, fat, 0, mkfs(t, 64*mib, "mkfs.fat -F 32 IMG"))
	wantVolumes(t, scan(t, ext), "disk=ext4", "")
	empty := sparse(t, 8*mib)
	random := sparse(t, 0)
	patch(t, random, 0, noise(mib))
	nothing := sparse(t, 0)
	table := sparse(t, 8*mib)
	sfdisk(t, table, "label: dos\n")
	wantVolumes(t, scan(t, ext, fat, empty, random, nothing, table, gptDisk(t)),
		"d1=ext4 d2=vfat d3=zero d4= d5= "+
			"d7p1= d7p2=vfat d7p3=ext4 d7p4=swap d7p5=luks!encrypted d7p6=zero d7p7=", "")
}

// TestStaleSignature: a table wins over a file system that was there before,
// and it is said.
func TestStaleSignature(t *testing.T) {
	p := gptDisk(t)
	patch(t, p, 64<<10, mkfs(t, 128*mib, "mkfs.btrfs -q IMG")[64<<10:68<<10])
	wantVolumes(t, scan(t, p), gptVolumes, "bears the signature of btrfs")
}

// TestArrayOrItsPartition: an md superblock of version 0.90 at the end belongs
// to the last partition when there is one, and to the disk when there is not.
func TestArrayOrItsPartition(t *testing.T) {
	sb := make([]byte, 4096)
	binary.LittleEndian.PutUint32(sb, 0xa92b4efc)
	binary.LittleEndian.PutUint32(sb[8:], 90)
	binary.LittleEndian.PutUint32(sb[28:], 1)
	p := sparse(t, 16*mib)
	sfdisk(t, p, "label: dos\nsize=4MiB, type=83\ntype=fd\n")
	patch(t, p, 1*mib, mkfs(t, 4*mib, "mke2fs -q -F -t ext4 IMG"))
	patch(t, p, 16*mib-64<<10, sb)
	wantVolumes(t, scan(t, p), "p1=ext4 p2=md!unsupported", "")
	q := sparse(t, 16*mib)
	sfdisk(t, q, "label: dos\nsize=4MiB, type=83\n")
	patch(t, q, 1*mib, mkfs(t, 4*mib, "mke2fs -q -F -t ext4 IMG"))
	patch(t, q, 16*mib-64<<10, sb)
	wantVolumes(t, scan(t, q), "disk=md!unsupported", "")
}

func TestHibernation(t *testing.T) {
	p := sparse(t, 0)
	patch(t, p, 0, mkfs(t, 4*mib, "mkswap -q IMG"))
	patch(t, p, 4086, []byte("S1SUSPEND\x00"))
	l := scan(t, p)
	wantVolumes(t, l, "disk=swap!unsupported", "")
	if v := l.volume(t, "disk"); !strings.Contains(v.Problem.Detail, "hibernation") || v.UUID == "" {
		t.Errorf("%+v %+v", v, v.Problem)
	}
}

// known is a disk that knows where it has data, as images do.
type known struct {
	*bytes.Reader
	data span.Set
	read int64
}

func (k *known) Data() (span.Set, error) { return k.data, nil }
func (k *known) ReadAt(b []byte, off int64) (int, error) {
	k.read += int64(len(b))
	return k.Reader.ReadAt(b, off)
}

func TestZeroUsesWhatIsKnown(t *testing.T) {
	b := make([]byte, 100*mib)
	b[70*mib+5] = 1
	k := &known{Reader: bytes.NewReader(b), data: span.Set{{Off: 70 * mib, Len: 4096}}}
	l, err := Scan([]Disk{{"x", k, int64(len(b))}})
	if err != nil || l.Volumes[0].Content != "" {
		t.Errorf("%+v, %v: the one byte is missed", l, err)
	}
	k.data = nil
	k.read = 0
	if l, err = Scan([]Disk{{"x", k, int64(len(b))}}); err != nil || l.Volumes[0].Content != "zero" || k.read > 6*mib {
		t.Errorf("%+v, %v after reading %d bytes", l, err, k.read)
	}
}

func TestRefusesNonsense(t *testing.T) {
	for _, d := range [][]Disk{{{"x", nil, 1}}, {{"x", bytes.NewReader(nil), -1}}, make([]Disk, maxDisks+1)} {
		if l, err := Scan(d); err == nil {
			t.Errorf("%+v gives %+v", d, l)
		}
	}
	if l, err := Scan(nil); err != nil || len(l.Volumes) != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}
