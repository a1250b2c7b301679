package volume

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// tinyMBR makes a disk with a primary and two logical partitions.
func tinyMBR() []byte {
	b := make([]byte, 8<<10)
	entry := func(record, k int, typ byte, start, size uint32) {
		e := b[record*512+0x1be+16*k:]
		e[4] = typ
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], size)
		copy(b[record*512+510:], "\x55\xaa")
	}
	entry(0, 0, 0x83, 1, 2)
	entry(0, 1, 0x05, 4, 12)
	entry(4, 0, 0x8e, 1, 2)
	entry(4, 1, 0x05, 4, 4)
	entry(8, 0, 0x82, 1, 3)
	return b
}

func FuzzScan(f *testing.F) {
	b := tinyMBR()
	f.Add(b, b[4096:])
	copy(b[5*512:], "LABELONE") // a label without a header
	f.Add(b, b)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		l, err := Scan([]Disk{{"a", bytes.NewReader(a), int64(len(a))}, {"b", bytes.NewReader(b), int64(len(b))}})
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range l.Unused {
			if len(u) > 0 && u[len(u)-1].End() > l.Disks[i].Size {
				t.Fatalf("unused %v of %d bytes", u, l.Disks[i].Size)
			}
		}
		consistentLinear(t, l)
	})
}

// consistentLinear is the part of consistent that hostile partition tables,
// whose entries may overlap, must keep as well.
func consistentLinear(t *testing.T, l *Layout) {
	names := map[string]bool{}
	for _, v := range l.Volumes {
		if names[v.Name] {
			t.Fatalf("volume %q is there twice", v.Name)
		}
		names[v.Name] = true
		at := int64(0)
		for _, g := range v.Map {
			if g.Offset != at || g.Len <= 0 || g.DiskOffset < 0 || g.DiskOffset > l.Disks[g.Disk].Size-g.Len {
				t.Fatalf("volume %q: bad segment %+v after byte %d", v.Name, g, at)
			}
			at += g.Len
		}
		buf := make([]byte, 600)
		_, _ = v.ReadAt(buf, 0)
		_, _ = v.ReadAt(buf, max(v.Size-300, 0))
	}
}
