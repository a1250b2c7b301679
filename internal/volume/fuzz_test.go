package volume

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"assay/internal/span"
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
		scrubs(t, l)
	})
}

// scrubs checks that what may be zeroed is in no volume that could be opened
// and no partition table, and that a volume that may be written shares no byte
// with another.
func scrubs(t *testing.T, l *Layout) {
	disks := make([]Patch, len(l.Disks))
	taken := make([][]span.Span, len(l.Disks))
	for _, v := range l.Volumes {
		_, err := l.Patch(v, disks)
		for _, g := range v.Map {
			x := span.Span{Off: g.DiskOffset, Len: g.Len}
			if err == nil && len(span.Make(taken[g.Disk]).Intersect(span.Set{x})) > 0 {
				t.Fatalf("volume %q may be written and shares %v", v.Name, x)
			}
			if v.Content != "lvm2" {
				taken[g.Disk] = append(taken[g.Disk], x)
			}
		}
	}
	for i := range l.Disks {
		set, _ := l.Scrubbable(i)
		if both := set.Intersect(span.Make(taken[i])); len(both) > 0 {
			t.Fatalf("%v of disk %d may go, but a volume has it", both, i)
		}
		if l.Tables[i] != "" && len(set) > 0 && set[0].Off < 512 {
			t.Fatalf("the boot record of disk %d may go", i)
		}
		if n := len(set); n > 0 && set[n-1].End() > l.Disks[i].Size {
			t.Fatalf("%v of a disk of %d bytes may go", set, l.Disks[i].Size)
		}
	}
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

// withText makes a physical volume of 64 KiB that holds a metadata text, with
// all sums right.
func withText(text []byte) []byte {
	const area = 4096
	b := make([]byte, 64<<10)
	le := binary.LittleEndian
	sum := func(b []byte) uint32 {
		start := uint32(0xf597a6cf)
		return ^crc32.Update(^start, crc32.IEEETable, b)
	}
	text = text[:min(len(text), 32<<10)]
	l, h := b[512:1024], b[area:area+512]
	copy(l, "LABELONE\x01")
	le.PutUint32(l[20:], 32)
	copy(l[24:], "LVM2 001")
	copy(l[32:], "BBBBBBaaaabbbbccccddddeeeeffffff")
	le.PutUint64(l[72:], 40<<10)
	le.PutUint64(l[104:], area)
	le.PutUint64(l[112:], 36<<10)
	le.PutUint32(l[16:], sum(l[20:]))
	copy(h[4:], " LVM2 x[5A%r0N*>\x01")
	le.PutUint64(h[40:], 512)
	le.PutUint64(h[48:], uint64(len(text)))
	le.PutUint32(h[56:], sum(text))
	le.PutUint32(h, sum(h[4:]))
	copy(b[area+512:], text)
	return b
}

const sampleText = `vg {
id = "AAAAAA-aaaa-bbbb-cccc-dddd-eeee-ffffff"
seqno = 1
extent_size = 2
physical_volumes { pv0 { id = "BBBBBB-aaaa-bbbb-cccc-dddd-eeee-ffffff" pe_start = 80 pe_count = 20 } }
logical_volumes {
a { status = ["VISIBLE"] segment1 { start_extent = 0 extent_count = 4 type = "striped" stripe_count = 2 stripe_size = 1 stripes = ["pv0", 0, "pv0", 5] }
segment2 { start_extent = 4 extent_count = 2 type = "striped" stripe_count = 1 stripes = ["pv0", 9] } }
b { status = ["VISIBLE"] segment1 { start_extent = 0 extent_count = 3 type = "striped" stripe_count = 1 stripes = ["pv0", 12] } }
s { segment1 { start_extent = 0 extent_count = 3 type = "snapshot" origin = "a" cow_store = "b" } }
}
}
`

// FuzzGroup gives a volume group's text to the whole scan.
func FuzzGroup(f *testing.F) {
	f.Add([]byte(sampleText))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := withText(text)
		l, err := Scan([]Disk{{"a", bytes.NewReader(b), int64(len(b))}})
		if err != nil {
			t.Fatal(err)
		}
		consistentLinear(t, l)
		scrubs(t, l)
	})
}

// TestHostileText: metadata with right sums and impossible numbers.
func TestHostileText(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"", "", "disk=lvm2 vg/a=zero vg/b=!unsupported"},
		{"pe_count = 20", "pe_count = 10", "disk=lvm2 vg/a=!corrupt vg/b=!unsupported"},
		{"pe_start = 80", "pe_start = 120", "disk=lvm2 vg/a=!corrupt vg/b=!unsupported"},
		{`"pv0", 9`, `"b", 9`, "disk=lvm2 vg/a=!unsupported vg/b=!unsupported"},
		{`"pv0", 9`, `"pv0", 17592186044416`, "disk=lvm2 vg/a=!corrupt vg/b=!unsupported"},
		{"b { status", "a { status", "disk=lvm2 vg/a=zero vg/a~2=zero"},
		{"extent_size = 2", "extent_size = 1099511627776", "disk=lvm2 vg/a=!corrupt vg/b=!unsupported"},
		{"stripe_size = 1", "stripe_size = 1099511627776", "disk=lvm2!corrupt"},
		{"stripe_size = 1", "stripe_size = 8", "disk=lvm2!corrupt"},
		{"id = \"BBBBBB", "id = \"CCCCCC", "disk=lvm2!missing-device vg/a=!missing-device vg/b=!unsupported"},
		{"seqno = 1", "seqno = 1 seqno", "disk=lvm2!corrupt"},
	} {
		b := withText([]byte(strings.Replace(sampleText, c.old, c.new, 1)))
		l, err := Scan([]Disk{{"a", bytes.NewReader(b), int64(len(b))}})
		if err != nil {
			t.Fatal(err)
		}
		consistentLinear(t, l)
		between := span.Set{{Off: 42 << 10, Len: 3 << 10}} // extents 2 to 4
		if c.old == "" && l.Unused[0].Intersect(between).Total() != 3<<10 {
			t.Errorf("unused %v", l.Unused[0])
		}
		if got := l.names(); got != c.want {
			t.Errorf("%q: got %s, want %s; %s", c.new, got, c.want, l.problems())
		}
	}
}

// FuzzSwap gives anything to those who look for a swap space.
func FuzzSwap(f *testing.F) {
	b := make([]byte, 8192)
	copy(b[4096-20:], "SWAPSPACE2S1SUSPEND\x00")
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		size := int64(len(b))
		keep, err := SwapSpan(bytes.NewReader(b), size)
		if err == nil && (keep < 4096 || keep > size) {
			t.Fatalf("%d of %d bytes", keep, size)
		}
	})
}
