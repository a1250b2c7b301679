package fat

import (
	"bytes"
	"encoding/binary"
	"testing"

	"assay/internal/fsys"
)

// tiny makes a file system small enough for a fuzzer: one file, one folder.
func tiny(bits int) []byte {
	le := binary.LittleEndian
	b := make([]byte, 16<<10)
	copy(b, "\xeb\x3c\x90mkfs.fat")
	le.PutUint16(b[11:], 512)
	b[13], b[14], b[16], b[21] = 1, 1, 2, 0xf8
	le.PutUint16(b[19:], 32)
	b[510], b[511] = 0x55, 0xaa
	data := 512 * 4
	if bits == 32 {
		b[36], b[44] = 1, 2
		data = 512 * 3
	} else {
		b[17], b[22] = 16, 1
	}
	root := 512 * 3
	copy(b[root:], "LABEL      \x08")
	copy(b[root+32:], "\x41a\x00b\x00\x00\x00\xff\xff\xff\xff\x0f\x00")
	copy(b[root+64:], "AB         \x20")
	b[root+32+13] = checksum(b[root+64 : root+75])
	b[root+64+26], b[root+64+29] = 3, 2
	copy(b[root+96:], "D          \x10")
	b[root+96+26] = 5
	copy(b[data+512*(5-2):], ".          \x10")
	if bits == 32 {
		for i, v := range []uint32{0x0ffffff8, 0x0fffffff, 0x0fffffff, 4, 0x0fffffff, 0x0fffffff} {
			le.PutUint32(b[512+4*i:], v)
			le.PutUint32(b[1024+4*i:], v)
		}
		return b
	}
	copy(b[512:], "\xf8\xff\xff\x00\x40\x00\xff\xff\xff") // 3 -> 4, 4 and 5 end
	copy(b[1024:], b[512:521])
	return b
}

func FuzzFS(f *testing.F) {
	f.Add(tiny(12))
	f.Add(tiny(32))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if set, err := fs.Free(); err == nil && set.Total() > fs.g.size {
			t.Fatal("more is free than there is")
		}
		todo, seen := []fsys.Node{fs.Root()}, 0
		for len(todo) > 0 && seen < 2000 {
			dir := todo[0]
			todo = todo[1:]
			_ = fs.ReadDir(dir, func(e fsys.Entry) error {
				if seen++; !validName(e.Name) {
					t.Fatalf("name %q", e.Name)
				}
				if _, err := fs.Stat(e.Node); err != nil {
					t.Fatal(err)
				}
				_, _ = fs.Extents(e.Node)
				if e.Kind == fsys.Directory {
					todo = append(todo, e.Node)
				} else if h, err := fs.Open(e.Node); err == nil {
					_, _ = h.ReadAt(make([]byte, 1000), max(h.Size()-900, 0))
				}
				if seen > 2000 {
					return fsys.ErrStop
				}
				return nil
			})
		}
	})
}

// TestTiny makes sure that the fuzzer's seeds are whole.
func TestTiny(t *testing.T) {
	for _, bits := range []int{12, 32} {
		f, nodes := reopen(t, tiny(bits))
		if f.g.bits != bits || len(nodes) != 2 || nodes["ab"] == 0 || nodes["D"] == 0 || f.Describe().Label != "LABEL" {
			t.Errorf("%d: %+v, %v", bits, f.g, nodes)
		}
		if set, err := f.Free(); err != nil || set.Total() == 0 {
			t.Errorf("%d: %v, %v", bits, set, err)
		}
	}
}

var (
	_ fsys.FS        = (*FS)(nil)
	_ fsys.Extenter  = (*FS)(nil)
	_ fsys.FreeSpace = (*FS)(nil)
)
