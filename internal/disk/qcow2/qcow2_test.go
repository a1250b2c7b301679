package qcow2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"assay/internal/binread"
	"assay/internal/disk/disktest"
	"assay/internal/disk/image"
	"assay/internal/need"
)

var be = binary.BigEndian

// Places in the image that tiny makes, whose clusters are of 512 bytes (16 KiB
// with extended entries) and counted in clusters here.
const (
	atL1 = iota + 1
	atRefTable
	atRefBlock
	atL2
	atData
	atCompressed
	atSnapshots
	tinyClusters
)

// tiny is the smallest image with everything in it: a cluster of data, a
// compressed one, a zero one, an unallocated one, and a snapshot.
func tiny(t testing.TB, zstandard, extended bool) []byte {
	cs, bits := 512, uint32(9)
	if extended {
		cs, bits = 16<<10, 14
	}
	b := make([]byte, tinyClusters*cs)
	at := func(cluster int) []byte { return b[cluster*cs:] }
	copy(b, "QFI\xfb")
	be.PutUint32(b[4:], 3)
	be.PutUint32(b[20:], bits)
	be.PutUint64(b[24:], uint64(4*cs-100))
	be.PutUint32(b[36:], 1)
	be.PutUint64(b[40:], uint64(atL1*cs))
	be.PutUint64(b[48:], uint64(atRefTable*cs))
	be.PutUint32(b[56:], 1)
	be.PutUint32(b[60:], 1)
	be.PutUint64(b[64:], uint64(atSnapshots*cs))
	be.PutUint32(b[96:], 4)
	be.PutUint32(b[100:], 112)
	content := bytes.Repeat([]byte("secret "), cs)[:cs]
	var comp bytes.Buffer
	if zstandard {
		be.PutUint64(b[72:], incompatCompression)
		b[104] = 1
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		comp.Write(z.EncodeAll(content, nil))
	} else {
		z, err := flate.NewWriter(&comp, 6)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(content)
		z.Close()
	}
	entry := 8
	if extended {
		be.PutUint64(b[72:], be.Uint64(b[72:])|incompatExtendedL2)
		entry = 16
		be.PutUint64(at(atL2)[8:], 0x0000_0000_ffff_ffff)         // all data
		be.PutUint64(at(atL2)[2*entry+8:], 0xffff_fff0_0000_0000) // all but 4 zero
	}
	be.PutUint64(at(atL1), 1<<63|uint64(atL2*cs))
	be.PutUint64(at(atRefTable), uint64(atRefBlock*cs))
	be.PutUint64(at(atL2), 1<<63|uint64(atData*cs))
	be.PutUint64(at(atL2)[entry:], flagCompressed|uint64(atCompressed*cs))
	if !extended {
		be.PutUint64(at(atL2)[2*entry:], flagZero)
	}
	copy(at(atData), content)
	copy(at(atCompressed), comp.Bytes())
	s := at(atSnapshots)
	be.PutUint64(s, uint64(atL1*cs))
	be.PutUint32(s[8:], 1)
	be.PutUint16(s[12:], 1)
	be.PutUint16(s[14:], 4)
	be.PutUint32(s[36:], 16)
	copy(s[56:], "1snap")
	return b
}

func openAny(r io.ReaderAt, size int64) (image.Image, error) {
	im, err := Open(r, size, Options{})
	if err != nil {
		return nil, err
	}
	return im, nil
}

func TestTiny(t *testing.T) {
	for _, c := range []struct{ z, x bool }{{}, {z: true}, {x: true}, {z: true, x: true}} {
		b := tiny(t, c.z, c.x)
		im, err := Open(bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		cs := int(im.h.clusterSize())
		want := make([]byte, 4*cs-100)
		content := bytes.Repeat([]byte("secret "), cs)[:cs]
		copy(want, content)
		copy(want[cs:], content)
		path := filepath.Join(t.TempDir(), "want")
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		disktest.Same(t, im, path)
		disktest.Covers(t, im, int64(2*cs))
		if s := im.Info().Snapshots; len(s) != 1 || s[0] != "snap" {
			t.Fatalf("snapshots %q", s)
		}
		if im.Info().Notes != nil {
			t.Fatalf("notes %q", im.Info().Notes)
		}
	}
}

// patch is a change of the tiny image.
type patch struct {
	at    int
	value uint64
	width int
}

// TestRefusals names for every broken or unread field the error and the place.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		p    patch
		want string // at Open, or else when reading
	}{
		{"AES", patch{32, 1, 4}, "AES encryption"},
		{"LUKS", patch{32, 2, 4}, "LUKS encryption"},
		{"encryption 3", patch{32, 3, 4}, "encryption method 3"},
		{"external data", patch{72, 4, 8}, "an external data file"},
		{"unknown feature", patch{72, 1 << 40, 8}, "incompatible feature 0x10000000000"},
		{"version 4", patch{4, 4, 4}, "version 4"},
		{"cluster bits 8", patch{20, 8, 4}, "at byte 20:"},
		{"cluster bits 22", patch{20, 22, 4}, "at byte 20:"},
		{"8 EiB", patch{24, 1<<63 - 1, 8}, "at byte 36: an L1 table of 1 entries is too small"},
		{"over 8 EiB", patch{24, 1 << 63, 8}, "at byte 24:"},
		{"L1 far away", patch{40, 1 << 40, 8}, "at byte 1099511627776: ends after 0 of 8 bytes"},
		{"L1 overflow", patch{40, 1<<63 - 512, 8}, "qcow2: at byte 9223372036854775296"},
		{"L1 not aligned", patch{40, 513, 8}, "at byte 40:"},
		{"backing file", patch{8, 200, 8}, "which was not allowed"},
		{"backing outside", patch{8, 5000, 8}, "at byte 8:"},
		{"refcount order", patch{96, 7, 4}, "at byte 96:"},
		{"zstd without bit", patch{104, 1, 1}, "compression type 1"},
		{"L2 not aligned", patch{atL1 * 512, 1<<63 | 0x200 + 0x100, 8}, "reading"},
		{"L2 is the header", patch{atL1 * 512, 1 << 63, 8}, "reading zeros"},
		{"L2 far away", patch{atL1 * 512, 1<<63 | 1<<50, 8}, "at byte 1125899906842624: ends after"},
		{"data far away", patch{atL2 * 512, 1<<63 | 1<<50, 8}, "at byte 1125899906842624: ends after"},
		{"compressed past the end", patch{atL2 * 512, flagCompressed | 1<<40, 8}, "past the file's end"},
		{"compressed garbage", patch{atL2 * 512, flagCompressed | atRefTable*512, 8}, "compressed cluster is broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := tiny(t, false, false)
			if c.name == "backing file" {
				be.PutUint32(b[16:], 5)
				copy(b[200:], "/etc/")
			}
			switch c.p.width {
			case 1:
				b[c.p.at] = byte(c.p.value)
			case 4:
				be.PutUint32(b[c.p.at:], uint32(c.p.value))
			case 8:
				be.PutUint64(b[c.p.at:], c.p.value)
			}
			im, err := Open(bytes.NewReader(b), int64(len(b)), Options{})
			if err == nil {
				_, err = im.ReadAt(make([]byte, 100), 0)
			}
			switch {
			case strings.HasPrefix(c.want, "reading"):
				if err != nil {
					t.Fatalf("got %v", err)
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Fatalf("got %v, want %q", err, c.want)
			}
			var u *binread.UnsupportedError
			if enc := strings.HasSuffix(c.want, "S encryption"); errors.As(err, &u) && u.Encrypted != enc {
				t.Fatalf("Encrypted is %v", u.Encrypted)
			}
		})
	}
}

// TestSelfReference lets tables point at themselves and at each other: reading
// them as data is harmless, and Data ends.
func TestSelfReference(t *testing.T) {
	b := tiny(t, false, false)
	be.PutUint64(b[24:], 2<<20) // 64 L2 tables
	be.PutUint32(b[36:], 64)
	for i := range 64 {
		be.PutUint64(b[atL1*512+8*i:], 1<<63|atL1*512)
	}
	im, err := Open(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := im.ReadAt(make([]byte, 2<<20), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := im.Data(); err == nil || !strings.Contains(err.Error(), "share the L2 table") {
		t.Fatalf("Data: %v", err)
	}
	if _, err := im.Unreferenced(); err == nil {
		t.Fatal("Unreferenced takes it")
	}
}

// TestBomb makes a compressed cluster that would grow without end.
func TestBomb(t *testing.T) {
	for _, z := range []bool{false, true} {
		b := tiny(t, z, false)
		var comp bytes.Buffer
		if z {
			// A frame without content size: blocks of 128 KiB of one byte.
			comp.WriteString("\x28\xb5\x2f\xfd\x00\x58")
			for range 100 {
				comp.Write([]byte{0x02, 0, 0x10, 'x'})
			}
		} else {
			w, _ := flate.NewWriter(&comp, 9)
			w.Write(make([]byte, 64<<20))
			w.Close()
		}
		b = append(b[:atCompressed*512], comp.Bytes()...)
		be.PutUint32(b[60:], 0)
		be.PutUint64(b[atL2*512:], flagCompressed|1<<61|atCompressed*512)
		disktest.Poke(t, openAny, b)
	}
}

func TestHostile(t *testing.T) {
	for _, c := range []struct{ z, x bool }{{}, {z: true}, {x: true}} {
		b := tiny(t, c.z, c.x)
		cs := len(b) / tinyClusters
		disktest.Torment(t, openAny, b, [][2]int{
			{0, 112}, {atL1 * cs, atL1*cs + 16}, {atL2 * cs, atL2*cs + 64}, {atCompressed * cs, atCompressed*cs + 64}, {atSnapshots * cs, atSnapshots*cs + 64}, {atRefTable * cs, atRefTable*cs + 8},
		}, 3000)
	}
}

func TestNotMine(t *testing.T) {
	for _, s := range []string{"", "QFI", "QFI\xfa....................", strings.Repeat("x", 4096)} {
		if _, err := Open(strings.NewReader(s), int64(len(s)), Options{}); err != binread.ErrNotMine {
			t.Errorf("%.8q: %v", s, err)
		}
	}
}

// TestConcurrent reads from many goroutines; run with -race.
func TestConcurrent(t *testing.T) {
	need.Tool(t, "qemu-img")
	raw := disktest.Pattern(t, 6<<20, 5)
	path := filepath.Join(t.TempDir(), "disk")
	need.Run(t, "qemu-img", "convert", "-c", "-O", "qcow2", "-o", "cluster_size=4k,compression_type=zstd", raw, path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Open(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			p := make([]byte, 30_001)
			for i := range 300 {
				off := (g*7919 + i*104729) % (len(want) - len(p))
				if _, err := im.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, want[off:off+len(p)]) {
					t.Errorf("ReadAt(%d): %v, or other bytes", off, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	for _, c := range []struct{ z, x bool }{{}, {z: true}, {x: true}} {
		f.Add(tiny(f, c.z, c.x))
	}
	f.Fuzz(func(t *testing.T, b []byte) { disktest.Poke(t, openAny, b) })
}
