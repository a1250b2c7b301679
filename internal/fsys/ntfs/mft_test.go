//go:build linux

package ntfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// encodeRuns is the inverse of decodeRuns.
func encodeRuns(runs []run) (out []byte) {
	last := int64(0)
	for _, r := range runs {
		n, lcn := number8(r.n), number8(r.lcn-last)
		out = append(append(append(out, byte(len(lcn)<<4|len(n))), n...), lcn...)
		last = r.lcn
	}
	return append(out, 0)
}

// number8 is v in as few bytes as keep its sign.
func number8(v int64) (out []byte) {
	for n := v; ; n >>= 8 {
		out = append(out, byte(n))
		if n>>7 == 0 || n>>7 == -1 {
			return out
		}
	}
}

// mappedAttr is a piece of the MFT's data attribute.
func mappedAttr(head []byte, runs []run, id uint16) []byte {
	pairs := encodeRuns(runs)
	b := append(bytes.Clone(head[:0x40]), pairs...)
	b = append(b, make([]byte, (8-len(b)%8)%8)...)
	le.PutUint32(b[4:], uint32(len(b)))
	le.PutUint16(b[14:], id)
	le.PutUint64(b[0x10:], uint64(runs[0].vcn))
	le.PutUint64(b[0x18:], uint64(runs[len(runs)-1].end()-1))
	le.PutUint16(b[0x20:], 0x40)
	if runs[0].vcn > 0 {
		clear(b[0x28:0x40])
	}
	return b
}

// setAttrs fills a record with attributes.
func setAttrs(r *record, attrs ...[]byte) {
	b := r.b[:r.first()]
	clear(r.b[r.first():])
	for _, a := range attrs {
		b = append(b, a...)
	}
	le.PutUint32(r.b[len(b):], typeEnd)
	le.PutUint32(r.b[0x18:], uint32(len(b)+8))
}

func listEntry(typ uint32, lowest int64, ref uint64, id uint16) []byte {
	b := make([]byte, 0x20)
	le.PutUint32(b, typ)
	le.PutUint16(b[4:], 0x20)
	b[7] = 0x1A
	le.PutUint64(b[8:], uint64(lowest))
	le.PutUint64(b[16:], ref)
	le.PutUint16(b[24:], id)
	return b
}

// splitMFT gives the MFT an attribute list: 80 clusters stay in record 0, the
// next 20 go to record 21, the rest to record 20.
func (m memory) splitMFT(t *testing.T) {
	t.Helper()
	x := m.open(t)
	r := x.mft.runs[0]
	if len(x.mft.runs) > 1 || r.n < 200 {
		t.Fatalf("the MFT has the runs %v", x.mft.runs)
	}
	parts := [][]run{{{0, r.lcn, 80}}, {{80, r.lcn + 80, 20}}, {{100, r.lcn + 100, r.n - 100}}}
	list := make([]byte, 0x18)
	le.PutUint32(list, typeList)
	le.PutUint16(list[14:], 100)
	le.PutUint16(list[0x14:], 0x18)
	const root = 1 << 48
	refs := []uint64{root, 21 | 21<<48, 20 | 20<<48}
	var head []byte
	m.changeRecord(t, 0, func(r *record) {
		var attrs [][]byte
		err := r.each(func(a *attr) error {
			raw := bytes.Clone(r.b[a.off : a.off+a.len])
			if a.is(typeData, "") {
				head = raw
				raw = mappedAttr(head, parts[0], 101)
				for i, p := range parts {
					list = append(list, listEntry(typeData, p[0].vcn, refs[i], uint16(101+i))...)
				}
			} else {
				list = append(list, listEntry(a.typ, 0, root, le.Uint16(raw[14:]))...)
			}
			attrs = append(attrs, raw)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		le.PutUint32(list[4:], uint32(len(list)))
		le.PutUint32(list[0x10:], uint32(len(list)-0x18))
		attrs = append(attrs[:1], append([][]byte{list}, attrs[1:]...)...)
		setAttrs(r, attrs...)
		le.PutUint16(r.b[0x28:], 200) // the next attribute's number
	})
	for i := 1; i < 3; i++ {
		no := number(refs[i])
		r, err := x.record(no)
		if err != nil {
			t.Fatal(err)
		}
		le.PutUint16(r.b[0x10:], sequence(refs[i]))
		le.PutUint16(r.b[0x16:], recordInUse)
		le.PutUint64(r.b[0x20:], root)
		setAttrs(r, mappedAttr(head, parts[i], uint16(101+i)))
		copy(m[r.at:], protect(r.b))
		bits, err := x.systemStream(recordMFT, typeBitmap, "")
		if err != nil {
			t.Fatal(err)
		}
		m[bits.runs[0].lcn*x.cluster+int64(no/8)] |= 1 << (no % 8)
	}
}

// TestFragmentedMFT reads and edits a volume whose MFT is mapped by several
// records.
func TestFragmentedMFT(t *testing.T) {
	img := mkntfs(t, 8<<20, "-c", "512")
	dir, umount := mount(t, img, "rw")
	fragment(t, dir+"/gaps", 2000, 512)
	d := mkdir(t, dir+"/d")
	for i := range 800 { // files between pieces of the MFT, which outgrows its zone
		write(t, fmt.Sprintf("%s/%04d", d, i), secret(20+i%3*1500))
	}
	umount()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	m := memory(b)
	m.splitMFT(t)
	write(t, img, m)
	x := openImage(t, img)
	if p := x.Describe().Problems; len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
	judge(t, img)
	dir, umount = mount(t, img, "ro")
	compare(t, x, dir)
	want := hashes(t, dir)
	umount()

	e, done := edit(t, img)
	for i := 0; i < 800; i += 7 {
		name := fmt.Sprintf("d/%04d", i)
		if err := e.Blank(find(t, e, name)); err != nil {
			t.Fatal(err)
		}
		want[filepath.FromSlash(name)] = sum(nil)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	done()
	judge(t, img)
	dir, _ = mount(t, img, "ro")
	same(t, want, hashes(t, dir))
	compare(t, openImage(t, img), dir)
}
