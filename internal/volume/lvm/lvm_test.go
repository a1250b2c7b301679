package lvm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/span"
)

const sample = `# made by hand after vgcfgbackup(8)
vg0 {
id = "AAAAAA-aaaa-bbbb-cccc-dddd-eeee-ffffff"
seqno = 7
format = "lvm2" # a comment with } in it
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = 2048
physical_volumes {
pv0 {
id = "BBBBBB-aaaa-bbbb-cccc-dddd-eeee-ffffff"
device = "/dev/disk \"one\" \\"
status = ["ALLOCATABLE"]
pe_start = 2048
pe_count = 100
}
}
logical_volumes {
root {
id = "CCCCCC-aaaa-bbbb-cccc-dddd-eeee-ffffff"
status = ["READ", "WRITE", "VISIBLE"]
segment_count = 2
segment1 {
start_extent = 0
extent_count = 4
type = "striped"
stripe_count = 2
stripe_size = 128
stripes = [
"pv0", 0, "pv0", 10
]
}
segment2 {
start_extent = 4
extent_count = 1
type = "striped"
stripe_count = 1
stripes = ["pv0", 20]
}
}
}
}
contents = "Text Format Volume Group"
version = 1
`

func TestParse(t *testing.T) {
	vg, err := Parse([]byte(sample + "\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if vg.Name != "vg0" || vg.Seqno != 7 || vg.ExtentSize != 1<<20 || len(vg.PVs) != 1 || len(vg.LVs) != 1 {
		t.Fatalf("%+v", vg)
	}
	if pv := vg.PVs[0]; pv.Device != `/dev/disk "one" \` || pv.Start != 1<<20 || pv.Extents != 100 {
		t.Errorf("%+v", pv)
	}
	lv := vg.LVs[0]
	if !lv.Visible || len(lv.Segments) != 2 || lv.Segments[0].Stripe != 64<<10 || lv.Segments[0].Areas[1] != (Area{"pv0", 10}) {
		t.Errorf("%+v", lv)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"root {", "root/x {"},
		{"vg0 {", ".. {"},
		{"start_extent = 4", "start_extent = 5"},
		{"extent_count = 4", "extent_count = 17592186044417"},
		{"extent_count = 4", "extent_count = 3"},
		{"extent_count = 4", "extent_count = -4"},
		{"stripe_count = 2", "stripe_count = 0"},
		{"stripe_count = 2", "stripe_count = 3"},
		{"stripe_size = 128", "stripe_size = 0"},
		{"extent_size = 2048", "extent_size = 0"},
		{"extent_size = 2048", "extent_size = 9223372036854775807"},
		{"pe_count = 100", "pe_count = 9223372036854775807"},
		{"seqno = 7", `seqno = "7"`},
		{`"pv0", 20]`, `"pv0", 20`},
		{`"READ", "WRITE", "VISIBLE"`, `"READ" "WRITE"`},
		{`"Text Format Volume Group"`, `"Text`},
		{"physical_volumes {", "volumes {"},
		{"version = 1", "}"},
		{"version = 1", "version"},
		{"version = 1", strings.Repeat("a {", 1000)},
		{"version = 1", strings.Repeat("a=1\n", maxNodes)},
	} {
		text := strings.Replace(sample, c[0], c[1], 1)
		vg, err := Parse([]byte(text))
		var fe *binread.FormatError
		if !errors.As(err, &fe) {
			t.Errorf("%.40q for %q: %+v, %v", c[1], c[0], vg, err)
		}
	}
}

// device makes the start of a physical volume that holds text, which begins
// at byte off of its metadata area of 4096 bytes.
func device(text string, off int) []byte {
	b := make([]byte, 16<<10)
	le := binary.LittleEndian
	l := b[512:1024]
	copy(l, labelID)
	le.PutUint64(l[8:], 1)
	le.PutUint32(l[20:], 32)
	copy(l[24:], labelType)
	copy(l[32:], "BBBBBBaaaabbbbccccddddeeeeffffff")
	le.PutUint64(l[64:], uint64(len(b)))
	le.PutUint64(l[72:], 8192)
	le.PutUint64(l[104:], 4096)
	le.PutUint64(l[112:], 4096)
	le.PutUint32(l[16:], sum(l[20:]))
	h := b[4096:]
	copy(h[4:], mdaMagic)
	le.PutUint32(h[20:], 1)
	le.PutUint64(h[24:], 4096)
	le.PutUint64(h[32:], 4096)
	le.PutUint64(h[40:], uint64(off))
	le.PutUint64(h[48:], uint64(len(text)))
	le.PutUint32(h[56:], sum([]byte(text)))
	le.PutUint32(h, sum(h[4:512]))
	for i := range len(text) {
		at := off + i
		if at >= 4096 {
			at = at - 4096 + 512
		}
		h[at] = text[i]
	}
	return b
}

func TestReadPV(t *testing.T) {
	for _, off := range []int{512, 3000, 4095} {
		b := device(sample, off)
		budget := int64(1 << 20)
		pv, err := ReadPV(bytes.NewReader(b), int64(len(b)), &budget)
		if err != nil || pv.VG == nil || len(pv.Problems) > 0 || pv.UUID != "BBBBBB-aaaa-bbbb-cccc-dddd-eeee-ffffff" {
			t.Fatalf("text at %d: %+v, %v", off, pv, err)
		}
		// What is live holds the label, the header and the text, wherever it wraps,
		// and little else.
		for at := range b {
			inText := at >= 4096 && at < 8192 && (at-4096 >= off || at-4096 < 512) || at < 2048 ||
				at >= 4096+512 && at < 4096+512+len(sample)-(4096-off)
			if inText && off+len(sample) <= 4096 && at-4096 >= off+len(sample) {
				inText = false
			}
			live := pv.Live.Intersect(span.Set{{Off: int64(at), Len: 1}}).Total() == 1
			if inText && !live {
				t.Fatalf("text at %d: byte %d is not live: %v", off, at, pv.Live)
			}
		}
		if n := pv.Live.Total(); n > 2048+512+int64(len(sample))+2*512 {
			t.Errorf("text at %d: %d bytes are live", off, n)
		}
		budget = 100
		if pv, err = ReadPV(bytes.NewReader(b), int64(len(b)), &budget); err != nil || pv.VG != nil || len(pv.Problems) != 1 {
			t.Errorf("over the budget: %+v, %v", pv, err)
		}
	}
	budget := int64(1 << 20)
	if pv, err := ReadPV(bytes.NewReader(make([]byte, 4096)), 4096, &budget); !errors.Is(err, binread.ErrNotMine) {
		t.Errorf("%+v, %v", pv, err)
	}
	if pv, err := ReadPV(bytes.NewReader(nil), 0, &budget); !errors.Is(err, binread.ErrNotMine) {
		t.Errorf("%+v, %v", pv, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("a { b = [1, \"x\\\"\", -2.5] # c\n}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		vg, err := Parse(b)
		if err != nil {
			return
		}
		for _, lv := range vg.LVs {
			total := int64(0)
			for _, s := range lv.Segments {
				if total += s.Count * vg.ExtentSize; s.Count < 0 || total < 0 {
					t.Fatalf("%+v", lv)
				}
			}
		}
	})
}

// TestBoot reads the extension of the header that sets space aside for a boot
// loader (lvm2 lib/format_text/layout.h, struct pv_header_extension).
func TestBoot(t *testing.T) {
	b := device(sample, 512)
	l := b[512:1024]
	le := binary.LittleEndian
	le.PutUint32(l[136:], 2) // version
	le.PutUint64(l[144:], 12288)
	le.PutUint64(l[152:], 1024)
	le.PutUint32(l[16:], sum(l[20:]))
	budget := int64(1 << 20)
	pv, err := ReadPV(bytes.NewReader(b), int64(len(b)), &budget)
	if err != nil || len(pv.Boot) != 1 || pv.Boot[0] != (span.Span{Off: 12288, Len: 1024}) {
		t.Errorf("%+v, %v", pv, err)
	}
}

func FuzzReadPV(f *testing.F) {
	f.Add(device(sample, 512))
	f.Add(device(sample, 4000))
	f.Fuzz(func(t *testing.T, b []byte) {
		budget := int64(1 << 20)
		pv, err := ReadPV(bytes.NewReader(b), int64(len(b)), &budget)
		if err == nil && pv == nil {
			t.Fatal("neither")
		}
	})
}
