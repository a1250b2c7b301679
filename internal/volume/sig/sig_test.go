package sig

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
)

// image makes a sparse file of the given size.
func image(t *testing.T, size int64) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return p
}

// patch writes bytes into a file.
func patch(t *testing.T, p string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func probeFile(t *testing.T, p string) Content {
	t.Helper()
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Probe(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// blkidNames translates blkid's names to ours where they differ.
var blkidNames = map[string]string{
	"crypto_LUKS": "luks", "LVM2_member": "lvm2", "linux_raid_member": "md", "swsuspend": "swap",
	"BitLocker": "bitlocker", "zfs_member": "zfs", "ddf_raid_member": "ddf", "isw_raid_member": "isw",
	"DM_snapshot_cow": "snapshot-cow", "DM_verity_hash": "verity", "VMFS_volume_member": "vmfs", "ReFS": "refs",
}

// blkid asks libblkid what a file holds.
func blkid(t *testing.T, p string) Content {
	t.Helper()
	out, err := exec.Command(need.Tool(t, "blkid"), "-p", "-o", "export", p).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 2 {
		return Content{} // nothing found
	}
	if err != nil {
		t.Fatalf("blkid: %v\n%s", err, out)
	}
	var c Content
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		v = strings.ReplaceAll(v, "\\", "")
		switch k {
		case "TYPE":
			if c.Name = v; blkidNames[v] != "" {
				c.Name = blkidNames[v]
			}
		case "UUID":
			c.UUID = v
		case "LABEL":
			c.Label = v
		}
	}
	return c
}

func same(a, b Content) bool { return a.Name == b.Name && a.UUID == b.UUID && a.Label == b.Label }

// TestAgainstBlkid makes every format there is a tool for.
func TestAgainstBlkid(t *testing.T) {
	need.Tool(t, "blkid")
	const mib = 1 << 20
	for _, c := range []struct {
		want string
		size int64
		argv string // "IMG" is the file
	}{
		{"ext2", 8 * mib, "mke2fs -q -F -t ext2 -L two IMG"},
		{"ext3", 16 * mib, "mke2fs -q -F -t ext3 -L three IMG"},
		{"ext4", 16 * mib, "mke2fs -q -F -t ext4 -L sixteen_chars_lb IMG"},
		{"ext4", 16 * mib, "mke2fs -q -F -t ext4 -b 1024 -O ^has_journal -L nojournal IMG"},
		{"jbd", 8 * mib, "mke2fs -q -F -O journal_dev IMG"},
		{"xfs", 320 * mib, "mkfs.xfs -q -L xfslabel IMG"},
		{"xfs", 320 * mib, "mkfs.xfs -q -m crc=0 IMG"},
		{"btrfs", 128 * mib, "mkfs.btrfs -q -L butter IMG"},
		{"vfat", 2 * mib, "mkfs.fat -F 12 -n TWELVE IMG"},
		{"vfat", 16 * mib, "mkfs.fat -F 16 -n SIXTEEN -i 0012ABCD IMG"},
		{"vfat", 64 * mib, "mkfs.fat -F 32 -n THIRTYTWO IMG"},
		{"vfat", 64 * mib, "mkfs.fat -F 32 IMG"},
		{"vfat", 64 * mib, "mkfs.fat -F 32 -S 4096 -n BIGSECTOR IMG"},
		{"ntfs", 16 * mib, "mkntfs -Q -F -q -L Windows IMG"},
		{"ntfs", 16 * mib, "mkntfs -Q -F -q -c 65536 -L x IMG"},
		{"swap", 4 * mib, "mkswap -q -L paging IMG"},
		{"swap", 4 * mib, "mkswap -q -p 65536 IMG"},
		{"luks", 16 * mib, "cryptsetup luksFormat -q --type luks1 --pbkdf-force-iterations 1000 IMG /dev/zero --keyfile-size 16"},
		{"luks", 32 * mib, "cryptsetup luksFormat -q --type luks2 --label secret --pbkdf pbkdf2 --pbkdf-force-iterations 1000 IMG /dev/zero --keyfile-size 16"},
	} {
		t.Run(c.argv, func(t *testing.T) {
			p := image(t, c.size)
			argv := strings.Fields(strings.ReplaceAll(c.argv, "IMG", p))
			need.Run(t, argv[0], argv[1:]...)
			got, want := probeFile(t, p), blkid(t, p)
			if got.Name != c.want || !same(got, want) {
				t.Errorf("got %+v, blkid says %+v", got, want)
			}
			if got.Encrypted != (c.want == "luks") {
				t.Errorf("encrypted is %v", got.Encrypted)
			}
		})
	}
}

// TestCrafted writes what no tool here can make by the specification, and
// lets blkid judge the result.
func TestCrafted(t *testing.T) {
	need.Tool(t, "blkid")
	le := binary.LittleEndian
	const size = 8 << 20
	id := []byte("0123456789abcdef")
	for _, c := range []struct {
		want   string
		refuse string
		write  func(b []byte)
	}{
		{"bitlocker", "BitLocker", func(b []byte) {
			copy(b, "\xeb\x58\x90-FVE-FS-")
			le.PutUint64(b[176:], 0x100000)
			copy(b[0x100000:], "-FVE-FS-\x00\x00\x02\x00")
		}},
		{"bitlocker", "BitLocker To Go", func(b []byte) {
			copy(b, "\xeb\x58\x90MSWIN4.1")
			copy(b[424:], "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01")
			le.PutUint64(b[440:], 0x100000)
			copy(b[0x100000:], "-FVE-FS-\x00\x00\x02\x00")
		}},
		{"md", "metadata 1.0", func(b []byte) { superblock1(b, size-8192, id) }},
		{"md", "metadata 1.1", func(b []byte) { superblock1(b, 0, id) }},
		{"md", "metadata 1.2", func(b []byte) { superblock1(b, 4096, id) }},
		{"md", "metadata 0.90", func(b []byte) { superblock0(b, size-65536, id) }},
		{"ddf", "DDF", func(b []byte) {
			copy(b[size-512:], "\xde\x11\xde\x11")
			copy(b[size-512+8:], id)
		}},
		{"squashfs", "", func(b []byte) {
			copy(b, "hsqs")
			le.PutUint16(b[28:], 4) // major version
		}},
		{"iso9660", "", func(b []byte) {
			copy(b[32768:], "\x01CD001\x01")
			copy(b[32768+40:], "CDLABEL                         ")
			copy(b[34816:], "\xffCD001\x01")
		}},
		{"f2fs", "", func(b []byte) {
			copy(b[1024:], "\x10\x20\xf5\xf2\x01\x00")
			copy(b[1024+108:], id)
		}},
		{"refs", "", func(b []byte) { copy(b, "\x00\x00\x00ReFS\x00") }},
		{"zfs", "ZFS", func(b []byte) {
			for i := range 8 {
				copy(b[128<<10+i<<10:], "\x0c\xb1\xba\x00\x00\x00\x00\x00")
			}
		}},
		{"ufs", "", func(b []byte) { copy(b[65536+1372:], "\x19\x01\x54\x19") }},
		{"exfat", "", exfatImage},
		{"swap", "hibernation", func(b []byte) {
			copy(b[1036:], id)
			le.PutUint32(b[1024:], 1)
			le.PutUint32(b[1028:], 100)
			copy(b[4086:], "S1SUSPEND\x00")
		}},
		{"vdo", "VDO", func(b []byte) {
			copy(b, "dmvdo001\x05\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x5d\x01")
		}},
		{"snapshot-cow", "snapshot", func(b []byte) { copy(b, "SnAp\x01\x00\x00\x00\x01\x00\x00\x00") }},
	} {
		t.Run(c.want+" "+c.refuse, func(t *testing.T) {
			b := make([]byte, size)
			c.write(b)
			p := image(t, size)
			if c.want == "zfs" {
				p = image(t, 64<<20) // blkid wants no less
			}
			patch(t, p, 0, b)
			got := probeFile(t, p)
			if got.Name != c.want || !strings.Contains(got.Refuse, c.refuse) || (c.refuse == "") != (got.Refuse == "") {
				t.Errorf("got %+v", got)
			}
			want := blkid(t, p)
			if want.Name != got.Name || c.want == "md" && !same(got, want) {
				t.Errorf("got %+v, blkid says %+v", got, want)
			}
		})
	}
}

func superblock1(b []byte, at int, id []byte) {
	le := binary.LittleEndian
	s := b[at:]
	le.PutUint32(s, mdMagic)
	le.PutUint32(s[4:], 1)
	copy(s[16:], id)
	copy(s[32:], "host:root")
	le.PutUint32(s[72:], 1)
	le.PutUint64(s[80:], 4096)
	le.PutUint32(s[92:], 2)
	le.PutUint64(s[144:], uint64(at/512))
	le.PutUint32(s[220:], 3) // an odd number of roles
	le.PutUint16(s[258:], 1)
	le.PutUint16(s[260:], 0xfffe)
	sum := uint64(0)
	for i := 0; i < 260; i += 4 {
		sum += uint64(le.Uint32(s[i:]))
	}
	sum += uint64(le.Uint16(s[260:]))
	le.PutUint32(s[216:], uint32(sum)+uint32(sum>>32))
}

func superblock0(b []byte, at int, id []byte) {
	le := binary.LittleEndian
	s := b[at:]
	le.PutUint32(s, mdMagic)
	le.PutUint32(s[8:], 90)
	copy(s[20:], id[:4])
	copy(s[52:], id[4:])
	le.PutUint32(s[28:], 1)
	le.PutUint32(s[32:], uint32(at/1024))
	le.PutUint32(s[40:], 2)
	le.PutUint32(s[44:], 7)
}

func exfatImage(b []byte) {
	le := binary.LittleEndian
	copy(b, "\xeb\x76\x90EXFAT   ")
	le.PutUint64(b[72:], uint64(len(b)/512))
	le.PutUint32(b[80:], 24)  // FAT at sector 24
	le.PutUint32(b[84:], 8)   // its length
	le.PutUint32(b[88:], 128) // cluster heap
	le.PutUint32(b[92:], 500) // clusters
	le.PutUint32(b[96:], 2)   // root directory
	le.PutUint32(b[100:], 0x1234abcd)
	le.PutUint16(b[104:], 0x100)
	b[108], b[109], b[110] = 9, 3, 1
	b[510], b[511] = 0x55, 0xaa
	dir := b[128*512:]
	dir[0], dir[1] = 0x83, 3
	copy(dir[2:], "a\x00b\x00c\x00")
}

func TestLabelsAreUTF8(t *testing.T) {
	p := image(t, 16<<20)
	need.Run(t, "mkntfs", "-Q", "-F", "-q", "-L", "Fenêtres 窗口", p)
	if c := probeFile(t, p); c.Label != "Fenêtres 窗口" {
		t.Errorf("got %+v", c)
	}
}

func TestExfatLabel(t *testing.T) {
	b := make([]byte, 1<<20)
	exfatImage(b)
	c, err := Probe(bytes.NewReader(b), int64(len(b)))
	if err != nil || c.Label != "abc" || c.UUID != "1234-ABCD" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestMirrorIsNamedFirst: a member of a mirror with its superblock at the end
// shows the file system inside; it must not be taken for it.
func TestMirrorIsNamedFirst(t *testing.T) {
	const size = 16 << 20
	for name, write := range map[string]func(b []byte){
		"1.0":  func(b []byte) { superblock1(b, size-8192, make([]byte, 16)) },
		"0.90": func(b []byte) { superblock0(b, size-65536, make([]byte, 16)) },
	} {
		t.Run(name, func(t *testing.T) {
			p := image(t, size)
			need.Run(t, "mke2fs", "-q", "-F", "-t", "ext4", p, "8192k")
			b := make([]byte, size)
			write(b)
			patch(t, p, size-65536, b[size-65536:])
			if got := probeFile(t, p); got.Name != "md" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestMdadmReadsOurs lets mdadm judge the superblocks that TestCrafted writes.
func TestMdadmReadsOurs(t *testing.T) {
	const size = 8 << 20
	id := []byte("0123456789abcdef")
	for name, at := range map[string]int{"1.0": size - 8192, "1.1": 0, "1.2": 4096} {
		b := make([]byte, size)
		superblock1(b, at, id)
		p := image(t, size)
		patch(t, p, 0, b)
		out := need.Run(t, "mdadm", "--examine", p)
		if !strings.Contains(out, "Version : "+name) && !strings.Contains(out, "Version : 1") || !strings.Contains(out, "- correct") {
			t.Errorf("mdadm on %s:\n%s", name, out)
		}
		b[at+40] ^= 1 // the name: the sum is wrong now
		if c, err := Probe(bytes.NewReader(b), size); err != nil || c.Name == "md" {
			t.Errorf("%s: a broken superblock is %+v, %v", name, c, err)
		}
	}
}

type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("I/O error") }

func TestReadErrorIsNotUnknown(t *testing.T) {
	if c, err := Probe(failing{}, 1<<20); err == nil {
		t.Errorf("got %+v", c)
	}
	if c, err := Probe(bytes.NewReader(nil), 0); err != nil || c.Name != "" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func FuzzProbe(f *testing.F) {
	for _, write := range []func(b []byte){
		func(b []byte) { superblock1(b, 4096, make([]byte, 16)) },
		exfatImage,
		func(b []byte) { copy(b[1080:], "\x53\xef"); b[1024+32], b[1024+40] = 1, 1 },
		func(b []byte) { copy(b, "\xeb\x52\x90NTFS    \x00\x02\x08"); b[64] = 0xf6; b[48] = 1 },
		func(b []byte) {
			copy(b, "\xeb\x58\x90mkfs.fat\x00\x02\x01\x20\x00\x02")
			b[21], b[36], b[44], b[510], b[511] = 0xf8, 1, 2, 0x55, 0xaa
		},
		func(b []byte) { copy(b[512:], "LABELONE\x01"); copy(b[512+24:], "LVM2 001") },
	} {
		b := make([]byte, 70<<10)
		write(b)
		f.Add(b, int64(len(b)))
	}
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		_, err := Probe(bytes.NewReader(b), size)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		_, _, _ = ArrayAtEnd(bytes.NewReader(b), size)
	})
}
