package vdi

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/disk/disktest"
)

var le = binary.LittleEndian

// tiny is a dynamic disk with blocks of 512 bytes and, in front of each, 512
// extra ones: the blocks are there, free, zero and there.
func tiny() []byte {
	b := make([]byte, 6*512)
	for at, v := range map[int]uint32{
		0x40: signature, 0x44: 0x00010001, 0x48: 0x190, 0x4c: typeDynamic, 0x154: 512, 0x158: 1024, 0x168: 512,
		0x170: 4*512 - 100, 0x178: 512, 0x17c: 512, 0x180: 4, 512: 1, 516: 0xffffffff, 520: 0xfffffffe, 524: 0,
	} {
		le.PutUint32(b[at:], v)
	}
	copy(b[3*512:], bytes.Repeat([]byte{'b'}, 512))
	copy(b[5*512:], bytes.Repeat([]byte{'a'}, 512))
	return b
}

func TestTiny(t *testing.T) {
	b := tiny()
	d, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4*512-100)
	if _, err := d.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("a", 512) + strings.Repeat("\x00", 1024) + strings.Repeat("b", 412); string(p) != want {
		t.Fatalf("got %q", p)
	}
	disktest.Covers(t, d, 924)
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		at    int
		value uint64
		want  string
	}{
		{"undo", 0x4c, typeUndo, "a differencing disk"},
		{"difference", 0x4c, typeDiff, "a differencing disk"},
		{"type 7", 0x4c, 7, "image type 7"},
		{"version 0.9", 0x44, 9, "version 0.9"},
		{"8 EiB", 0x170, 1<<63 - 1, "at byte 384:"},
		{"over 8 EiB", 0x170, 1 << 63, "at byte 368:"},
		{"block size", 0x178, 513, "at byte 376:"},
		{"extra", 0x17c, 1 << 31, "at byte 376:"},
		{"map far away", 0x154, 1 << 31, "at byte 2147483648: ends after"},
		{"block far away", 512, 0xffff_fffd, "ends after 0"},
	} {
		b := tiny()
		if c.at == 0x170 {
			le.PutUint64(b[c.at:], c.value)
		} else {
			le.PutUint32(b[c.at:], uint32(c.value))
		}
		d, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			_, err = d.ReadAt(make([]byte, 100), 0)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Open(strings.NewReader(strings.Repeat("x", 600)), 600); err != binread.ErrNotMine {
		t.Errorf("no VDI: %v", err)
	}
}

func TestHostile(t *testing.T) {
	disktest.Torment(t, Open, tiny(), [][2]int{{0x40, 0x190}, {512, 528}}, 5000)
}

func FuzzOpen(f *testing.F) {
	f.Add(tiny())
	f.Fuzz(func(t *testing.T, b []byte) { disktest.Poke(t, Open, b) })
}
