package vmdk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"

	"assay/internal/binread"
	"assay/internal/disk/disktest"
	"assay/internal/disk/image"
)

var le = binary.LittleEndian

// tiny is a sparse disk with grains of one sector and tables of two entries:
// grains there, unset, there, there, and two without a table. Compressed it
// is as streamOptimized has it, with the header that counts in the footer.
func tiny(t testing.TB, compressed bool) []byte {
	b := make([]byte, 10*sector)
	copy(b, "KDMV")
	le.PutUint32(b[4:], 1)
	le.PutUint32(b[8:], flagNewline)
	for at, v := range map[int]uint64{12: 6, 20: 1, 28: 1, 36: 1, 56: 2} {
		le.PutUint64(b[at:], v)
	}
	le.PutUint32(b[44:], 2)
	copy(b[73:], "\n \r\n")
	copy(b[sector:], "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\nRW 6 SPARSE \"x.vmdk\"\n")
	le.PutUint32(b[2*sector:], 3)
	le.PutUint32(b[2*sector+4:], 4)
	for at, v := range map[int]uint32{3 * sector: 5, 4 * sector: 6, 4*sector + 4: 7} {
		le.PutUint32(b[at:], v)
	}
	for i, grain := range map[int]int{5: 0, 6: 2, 7: 3} {
		data := bytes.Repeat([]byte{byte('a' + grain)}, sector)
		if compressed {
			var z bytes.Buffer
			w := zlib.NewWriter(&z)
			w.Write(data)
			w.Close()
			le.PutUint64(b[i*sector:], uint64(grain))
			le.PutUint32(b[i*sector+8:], uint32(z.Len()))
			copy(b[i*sector+12:], z.Bytes())
		} else {
			copy(b[i*sector:], data)
		}
	}
	if compressed {
		le.PutUint32(b[8:], flagNewline|flagCompressed|1<<17)
		le.PutUint16(b[77:], 1)
		copy(b[8*sector:], b[:sector])
		le.PutUint64(b[56:], atEnd)
	}
	return b
}

func openAlone(r io.ReaderAt, size int64) (image.Image, error) { return Open(r, size, Options{}) }

func TestTiny(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		b := tiny(t, compressed)
		d, err := openAlone(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 6*sector)
		if _, err := d.ReadAt(p, 0); err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, c := range "a\x00cd\x00\x00" {
			want += strings.Repeat(string(c), sector)
		}
		if string(p) != want {
			t.Fatalf("compressed %v: got %q", compressed, p)
		}
		disktest.Covers(t, d, 3*sector)
	}
}

func TestRefusals(t *testing.T) {
	put := func(at int, v uint64) func([]byte) { return func(b []byte) { le.PutUint64(b[at:], v) } }
	text := func(s string) func([]byte) { return func(b []byte) { copy(b[sector:2*sector], s+"\x00") } }
	for _, c := range []struct {
		name       string
		compressed bool
		change     func(b []byte)
		want       string
	}{
		{"ESX", false, func(b []byte) { copy(b, "COWD") }, "the ESX sparse format"},
		{"version 9", false, func(b []byte) { b[4] = 9 }, "version 9"},
		{"parent", false, text("parentCID=12345678\n"), "a disk with a parent"},
		{"capacity", false, put(12, 1<<60), "at byte 12:"},
		{"8 EiB", false, put(12, 1<<53), "over the bound"},
		{"grain 0", false, put(20, 0), "at byte 20:"},
		{"grain 3", false, put(20, 3), "at byte 20:"},
		{"huge grain", false, put(20, 1<<40), "at byte 20:"},
		{"tables of 0", false, func(b []byte) { le.PutUint32(b[44:], 0) }, "at byte 44:"},
		{"text mode", false, func(b []byte) { b[75] = '\n' }, "as text"},
		{"directory far away", false, put(56, 1<<50), "ends after 0"},
		{"table far away", false, func(b []byte) { le.PutUint32(b[2*sector:], 1<<31) }, "ends after 0"},
		{"grain far away", false, func(b []byte) { le.PutUint32(b[3*sector:], 1<<31) }, "ends after 0"},
		{"no footer", true, func(b []byte) { b[8*sector] = 0 }, "no footer"},
		{"algorithm", true, func(b []byte) { b[8*sector+77] = 2 }, "compression algorithm 2"},
		{"wrong marker", true, func(b []byte) { b[5*sector] = 9 }, "the grain marker is of sector 9"},
		{"length", true, func(b []byte) { b[5*sector+11] = 0xff }, "compressed data for a grain"},
		{"garbage", true, func(b []byte) { b[5*sector+14] ^= 0xff }, "broken"},
	} {
		b := tiny(t, c.compressed)
		c.change(b)
		d, err := openAlone(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			_, err = d.ReadAt(make([]byte, 100), 0)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := openAlone(strings.NewReader(strings.Repeat("x", 600)), 600); err != binread.ErrNotMine {
		t.Errorf("no VMDK: %v", err)
	}
}

// TestNames hands out files by name only where the name is plain.
func TestNames(t *testing.T) {
	flat := strings.NewReader(strings.Repeat("f", 2*sector))
	opts := Options{Extent: func(name string) (io.ReaderAt, int64, error) {
		if name != "ok-flat.vmdk" {
			t.Errorf("asked for %q", name)
			return nil, 0, errors.New("no")
		}
		return flat, flat.Size(), nil
	}}
	for _, c := range []struct{ line, want string }{
		{`RW 1 FLAT "ok-flat.vmdk" 1`, ""},
		{`RW 2 VMFS "ok-flat.vmdk"`, ""},
		{"RW 1 ZERO", ""},
		{`RW 1 FLAT "../../etc/shadow" 0`, "not a plain file name"},
		{`RW 1 FLAT "/etc/shadow" 0`, "not a plain file name"},
		{`RW 1 FLAT "C:\secret" 0`, "not a plain file name"},
		{`RW 1 FLAT ".." 0`, "not a plain file name"},
		{`RW 1 FLAT "" 0`, "not a plain file name"},
		{`RW 1 SPARSE "ok-flat.vmdk"`, "is no sparse extent"},
		{`RW 1 SESPARSE "x"`, `type "SESPARSE"`},
		{`NOACCESS 1 ZERO`, "without access"},
		{`RW -1 FLAT "x" 0`, "no number of sectors"},
		{`RW 9999999999999999999 FLAT "x" 0`, "no number of sectors"},
		{`RW 1 FLAT "x`, "extent line"},
		{"", "names no extent"},
	} {
		text := "# Disk DescriptorFile\nversion=1\n" + c.line + "\n"
		d, err := Open(strings.NewReader(text), int64(len(text)), opts)
		if c.want == "" {
			if err != nil || d.Size() == 0 {
				t.Errorf("%s: %v", c.line, err)
			} else if _, err := d.ReadAt(make([]byte, d.Size()), 0); err != nil {
				t.Errorf("%s: %v", c.line, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.line, err, c.want)
		}
	}
	text := "# Disk DescriptorFile\nRW 1 FLAT \"ok-flat.vmdk\" 0\n"
	if _, err := Open(strings.NewReader(text), int64(len(text)), Options{}); err == nil || !strings.Contains(err.Error(), "not handed in") {
		t.Errorf("without an opener: %v", err)
	}
}

// TestBomb gives a grain that would grow without end.
func TestBomb(t *testing.T) {
	b := tiny(t, true)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(make([]byte, 1<<20))
	w.Close()
	le.PutUint32(b[5*sector+8:], uint32(z.Len()))
	b = append(b[:5*sector+12], append(z.Bytes(), b[7*sector:]...)...)
	d, err := openAlone(bytes.NewReader(b), int64(len(b)))
	if err == nil {
		_, err = d.ReadAt(make([]byte, 100), 0)
	}
	if err == nil || !strings.Contains(err.Error(), "more than a grain") {
		t.Fatalf("got %v", err)
	}
}

func TestHostile(t *testing.T) {
	hot := [][2]int{{0, 80}, {sector, sector + 128}, {2 * sector, 2*sector + 12}, {3 * sector, 3*sector + 8}, {5 * sector, 5*sector + 40}, {8 * sector, 8*sector + 80}}
	disktest.Torment(t, openAlone, tiny(t, false), hot, 3000)
	disktest.Torment(t, openAlone, tiny(t, true), hot, 3000)
}

func FuzzOpen(f *testing.F) {
	f.Add(tiny(f, false))
	f.Add(tiny(f, true))
	f.Add([]byte("# Disk DescriptorFile\nversion=1\ncreateType=\"twoGbMaxExtentFlat\"\nRW 4 FLAT \"a\" 0\nRW 2 ZERO\nRW 1 SPARSE \"b\"\n"))
	flat := make([]byte, 4096)
	open := func(r io.ReaderAt, size int64) (image.Image, error) {
		return Open(r, size, Options{Extent: func(string) (io.ReaderAt, int64, error) {
			return bytes.NewReader(flat), 4096, nil
		}})
	}
	f.Fuzz(func(t *testing.T, b []byte) { disktest.Poke(t, open, b) })
}
