package gpt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/need"
)

const mib = 1 << 20

type sfTable struct {
	ID         string `json:"id"`
	Sector     int64  `json:"sectorsize"`
	Partitions []struct {
		Start int64  `json:"start"`
		Size  int64  `json:"size"`
		Type  string `json:"type"`
		UUID  string `json:"uuid"`
		Name  string `json:"name"`
	} `json:"partitions"`
}

// disk partitions a sparse file with sfdisk and returns its bytes and what
// sfdisk -J then says of it.
func disk(t *testing.T, size int64, sector, script string) ([]byte, sfTable) {
	t.Helper()
	p := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, size); err != nil {
		t.Fatal(err)
	}
	dev := p
	if sector != "512" { // sfdisk takes the block size from the device
		need.Root(t)
		dev = strings.TrimSpace(need.Run(t, "losetup", "-f", "--show", "-b", sector, p))
		defer need.Run(t, "losetup", "-d", dev)
	}
	cmd := exec.Command(need.Tool(t, "sfdisk"), "-q", dev)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	out := need.Run(t, "sfdisk", "-J", dev)
	var dump struct {
		Table sfTable `json:"partitiontable"`
	}
	if err := json.Unmarshal([]byte(out), &dump); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b, dump.Table
}

const script = `label: gpt
start=2048, size=256, type=21686148-6449-6E6F-744E-656564454649, name="BIOS boot"
size=512, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI 系统 🚀"
size=256, name="thirty-six characters is the longest"
`

func read(b []byte) (*Table, error) {
	return Read(bytes.NewReader(b), int64(len(b)), 0)
}

func compare(t *testing.T, got *Table, want sfTable) {
	t.Helper()
	if len(got.Partitions) != len(want.Partitions) || !strings.EqualFold(got.DiskUUID, want.ID) {
		t.Fatalf("got %+v, sfdisk says %+v", got, want)
	}
	for i, w := range want.Partitions {
		p := got.Partitions[i]
		if p.Start != w.Start*want.Sector || p.Len != w.Size*want.Sector || p.Type != w.Type ||
			p.UUID != strings.ToLower(w.UUID) || p.Name != w.Name {
			t.Errorf("got %+v, sfdisk says %+v", p, w)
		}
	}
}

func TestAgainstSfdisk(t *testing.T) {
	for _, sector := range []string{"512", "4096"} {
		t.Run(sector, func(t *testing.T) {
			b, want := disk(t, 16*mib, sector, script)
			got, err := read(b)
			if err != nil || len(got.Problems) > 0 || got.Backup {
				t.Fatalf("%+v, %v", got, err)
			}
			compare(t, got, want)
			if n := got.Areas.Total(); n != 2*(want.Sector+16<<10) {
				t.Errorf("the table takes %d bytes: %v", n, got.Areas)
			}
		})
	}
}

// TestBackup breaks the primary in several ways; the backup must give the same
// partitions, at the end, behind it (a rounded-up image), and where a grown
// image has left it.
func TestBackup(t *testing.T) {
	for _, sector := range []string{"512", "4096"} {
		b, want := disk(t, 16*mib, sector, script)
		lba := int(want.Sector)
		for name, damage := range map[string]func(b []byte){
			"header zero":   func(b []byte) { clear(b[lba : 2*lba]) },
			"header CRC":    func(b []byte) { b[lba+40] ^= 1 },
			"entries CRC":   func(b []byte) { b[2*lba+60] ^= 1 },
			"all zero":      func(b []byte) { clear(b[:1*mib]) },
			"entry pointer": func(b []byte) { binary.LittleEndian.PutUint64(b[lba+72:], 1<<60); reseal(b, lba) },
		} {
			for _, grow := range []int64{0, 488 << 10, 3 * mib, 8 * mib} {
				c := append(bytes.Clone(b), make([]byte, grow)...)
				damage(c)
				got, err := Read(bytes.NewReader(c), int64(len(c)), int64(len(b)/lba-1))
				if err != nil || !got.Backup || len(got.Problems) == 0 || got.Partial {
					t.Errorf("%s, %s, grown by %d: %+v, %v", sector, name, grow, got, err)
					continue
				}
				compare(t, got, want)
				if grow > maxTail {
					continue
				}
				if got, err = read(c); err != nil || !got.Backup { // without a hint
					t.Errorf("%s, %s, grown by %d, no hint: %+v, %v", sector, name, grow, got, err)
				}
			}
		}
	}
}

// reseal makes the header's own CRC right again.
func reseal(b []byte, at int) {
	h := b[at : at+92]
	clear(h[16:20])
	binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h))
}

// TestBothBroken: with wrong sums everywhere the entries are still read, and
// it is said.
func TestBothBroken(t *testing.T) {
	b, want := disk(t, 16*mib, "512", script)
	b[512+16] ^= 1
	clear(b[len(b)-512:])
	got, err := read(b)
	if err != nil || len(got.Problems) == 0 || got.Backup || !got.Partial {
		t.Fatalf("%+v, %v", got, err)
	}
	compare(t, got, want)
	var fe *binread.FormatError
	if !errors.As(got.Problems[0], &fe) || fe.Offset != 512+16 {
		t.Errorf("problem %v names no offset", got.Problems[0])
	}
}

func TestSgdiskVerifiesWhatWeTrust(t *testing.T) {
	p := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, 16*mib); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "sgdisk", "-S", "1024", "-n", "5:4096:8191", "-c", "5:five", "-n", "700:0:+1M", "-h", "5", p)
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(b)
	if err != nil || len(got.Partitions) != 2 || got.Partitions[0].Number != 5 || got.Partitions[1].Number != 700 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.Partitions[0].Name != "five" || got.Partitions[0].Start != 4096*512 || got.Partitions[0].Len != 4096*512 {
		t.Errorf("%+v", got.Partitions[0])
	}
}

func TestLyingEntries(t *testing.T) {
	b, _ := disk(t, 16*mib, "512", script)
	le := binary.LittleEndian
	le.PutUint64(b[1024+32:], 1<<60)
	le.PutUint64(b[1024+128+40:], 1)                  // ends before it starts
	le.PutUint64(b[1024+256+40:], 0xffffffffffffffff) // last+1 overflows
	le.PutUint32(b[512+88:], crc32.ChecksumIEEE(b[1024:1024+16<<10]))
	reseal(b, 512)
	got, err := read(b)
	if err != nil || len(got.Partitions) != 0 || len(got.Problems) != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNotMine(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 1024, 8192, mib} {
		if got, err := read(make([]byte, n)); !errors.Is(err, binread.ErrNotMine) {
			t.Errorf("%d bytes: %+v, %v", n, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	b := make([]byte, 8192)
	h := b[512:]
	le := binary.LittleEndian
	copy(h, "EFI PART\x00\x00\x01\x00\x5c")
	le.PutUint64(h[24:], 1)
	le.PutUint64(h[32:], 15)
	le.PutUint64(h[72:], 2)
	le.PutUint32(h[80:], 4)
	le.PutUint32(h[84:], 128)
	e := b[1024:]
	e[0], e[32], e[40], e[56] = 1, 4, 8, 'a'
	le.PutUint32(h[88:], crc32.ChecksumIEEE(b[1024:1024+512]))
	reseal(b, 512)
	f.Add(b, int64(15))
	f.Fuzz(func(t *testing.T, b []byte, last int64) {
		got, err := Read(bytes.NewReader(b), int64(len(b)), last)
		if err != nil {
			return
		}
		for _, p := range got.Partitions {
			if p.Start < 0 || p.Len <= 0 || p.Start+p.Len < p.Start {
				t.Fatalf("%+v", p)
			}
		}
	})
}
