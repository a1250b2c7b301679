package vhd

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/disk/disktest"
)

var be = binary.BigEndian

// tiny is a dynamic disk with blocks of 512 bytes, of which the first and the
// last of four are there.
func tiny() []byte {
	b := make([]byte, 9*512)
	f := b[:512]
	copy(f, "conectix")
	be.PutUint64(f[16:], 512)
	copy(f[28:], "win ")
	be.PutUint64(f[48:], 4*512)
	be.PutUint32(f[60:], typeDynamic)
	be.PutUint32(f[64:], checksum(f, 64))
	h := b[512 : 512+1024]
	copy(h, "cxsparse")
	be.PutUint64(h[16:], 3*512)
	be.PutUint32(h[28:], 4)
	be.PutUint32(h[32:], 512)
	be.PutUint32(h[36:], checksum(h, 36))
	for i, e := range []uint32{4, unused, unused, 6} {
		be.PutUint32(b[3*512+4*i:], e)
	}
	copy(b[5*512:], bytes.Repeat([]byte{'a'}, 512))
	copy(b[7*512:], bytes.Repeat([]byte{'b'}, 512))
	copy(b[8*512:], f)
	return b
}

func TestTiny(t *testing.T) {
	b := tiny()
	d, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4*512)
	if _, err := d.ReadAt(p, 0); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("a", 512) + strings.Repeat("\x00", 1024) + strings.Repeat("b", 512); string(p) != want {
		t.Fatalf("got %.40q…", p)
	}
	disktest.Covers(t, d, 1024)
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(b []byte) []byte
	}{
		{"differencing", "a differencing disk", func(b []byte) []byte { be.PutUint32(b[8*512+60:], 4); return b }},
		{"type 9", "disk type 9", func(b []byte) []byte { be.PutUint32(b[8*512+60:], 9); return b }},
		{"size", "at byte 48:", func(b []byte) []byte { b[48], b[8*512+48] = 0x80, 0x80; return b }},
		{"8 EiB", "is too small", func(b []byte) []byte { be.PutUint64(b[8*512+48:], 1<<63-1); return b }},
		{"block size 0", "at byte 544:", func(b []byte) []byte { be.PutUint32(b[544:], 0); return b }},
		{"header overflow", "offset out of range", func(b []byte) []byte { be.PutUint64(b[8*512+16:], 1<<63-100); return b }},
		{"block past the end", "ends after 0", func(b []byte) []byte { be.PutUint32(b[3*512:], 1<<31); return b }},
		{"fixed cut short", "only 4096 lie before the footer", func(b []byte) []byte {
			be.PutUint32(b[8*512+60:], typeFixed)
			be.PutUint64(b[8*512+48:], 1<<30)
			return b
		}},
	} {
		b := c.change(tiny())
		d, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			_, err = d.ReadAt(make([]byte, 100), 0)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestFooters finds the footer of old fixed disks, 511 bytes long, and the
// copy in front of a dynamic disk whose end is missing.
func TestFooters(t *testing.T) {
	b := tiny()
	fixed := append(bytes.Repeat([]byte{'x'}, 1024), b[:511]...)
	f := fixed[1024:]
	be.PutUint32(f[60:], typeFixed)
	be.PutUint64(f[48:], 1024)
	d, err := Open(bytes.NewReader(fixed), int64(len(fixed)))
	if err != nil || d.Size() != 1024 || d.Info().Variant != "fixed" {
		t.Fatalf("a footer of 511 bytes: %v", err)
	}
	if d, err = Open(bytes.NewReader(b), 8*512); err != nil || !strings.Contains(strings.Join(d.Info().Notes, "; "), "cut short") {
		t.Fatalf("without the footer: %v", err)
	}
	if _, err := Open(bytes.NewReader(fixed), 1024); err != binread.ErrNotMine {
		t.Fatalf("without any footer: %v", err)
	}
}

func TestHostile(t *testing.T) {
	disktest.Torment(t, Open, tiny(), [][2]int{{0, 512 + 64}, {3 * 512, 3*512 + 16}, {8 * 512, 9 * 512}}, 5000)
}

func FuzzOpen(f *testing.F) {
	f.Add(tiny())
	f.Add(append(make([]byte, 1024), tiny()[:512]...))
	f.Fuzz(func(t *testing.T, b []byte) { disktest.Poke(t, Open, b) })
}
