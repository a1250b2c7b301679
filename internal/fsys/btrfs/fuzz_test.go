package btrfs

import (
	"bytes"
	"testing"

	"assay/internal/binread"
)

// FuzzOpen overwrites metadata: each four bytes of the input are a block, an
// offset in it and a value. Checksums are mended.
func FuzzOpen(f *testing.F) {
	base := small(f, "-m", "single")
	nodes, _ := metadata(f, base)
	f.Add([]byte{0, 100, 0, 0})
	f.Add([]byte{1, 101, 0, 255, 2, 0, 1, 1})
	f.Add([]byte{9, 96, 0, 0, 10, 130, 15, 7})
	f.Fuzz(func(t *testing.T, in []byte) {
		p := base.clone()
		for ; len(in) >= 4; in = in[4:] {
			off := nodes[int(in[0])%len(nodes)]
			p.set(off+(int64(in[1])|int64(in[2])<<8)%pageSize, in[3])
			mend(p.pages[off])
		}
		if err := exercise(p, p.size); err != nil && !known(err) {
			t.Errorf("an error of no known type: %v", err)
		}
	})
}

// FuzzUnpack feeds the decompressors. More than asked for must never come back.
func FuzzUnpack(f *testing.F) {
	f.Add(uint8(compressLZO), lzoFrame(), 4096)
	f.Add(uint8(compressZlib), []byte{0x78, 0x9c, 0x4b, 0x04, 0, 0, 0x62, 0, 0x62}, 1)
	f.Add(uint8(compressZstd), []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0, 'a', 0, 0, 0}, 1)
	var c codecs
	f.Fuzz(func(t *testing.T, kind uint8, in []byte, size int) {
		size &= maxPacked - 1
		b, err := c.unpack(kind, in, size, 4096)
		if err == nil && len(b) > size {
			t.Errorf("%d bytes, %d were asked for", len(b), size)
		}
	})
}

// lzoFrame is one segment: four literals, a copy of the last one eight times
// that feeds itself, and the end marker.
func lzoFrame() []byte {
	seg := []byte{17 + 4, 'a', 'b', 'c', 'd', 7 << 5, 0, 17, 0, 0}
	out := []byte{byte(8 + len(seg)), 0, 0, 0, byte(len(seg)), 0, 0, 0}
	return append(out, seg...)
}

// FuzzItems feeds the parsers of single items.
func FuzzItems(f *testing.F) {
	f.Add(uint8(dirItemKey), uint64(1), appendDirItem(nil, dirItem{name: "name", data: []byte("data")}))
	f.Add(uint8(inodeExtrefKey), uint64(1), appendRef(nil, inodeExtrefKey, ref{1, 2, "name"}))
	f.Add(uint8(inodeRefKey), uint64(1), appendRef(nil, inodeRefKey, ref{1, 2, "name"}))
	f.Add(uint8(extentDataKey), uint64(4096), make([]byte, extentSize))
	f.Add(uint8(inodeItemKey), uint64(0), make([]byte, inodeSize))
	f.Add(uint8(rootItemKey), uint64(0), make([]byte, 439))
	f.Add(uint8(chunkItemKey), uint64(1<<20), make([]byte, 112))
	f.Fuzz(func(t *testing.T, typ uint8, offset uint64, data []byte) {
		x := &FS{sb: &super{sectorsize: 4096, nodesize: 16384, devid: 1}}
		it := item{key: key{256, typ, offset}, data: bytes.Clone(data)}
		switch typ {
		case dirItemKey:
			var again []byte
			err := eachDirItem(it, func(d dirItem) error { again = appendDirItem(again, d); return nil })
			if err == nil && len(again) != len(data) {
				t.Errorf("written again %d bytes, were %d", len(again), len(data))
			}
		case inodeRefKey, inodeExtrefKey:
			list, err := refs(it)
			var again []byte
			for _, r := range list {
				again = appendRef(again, typ, r)
			}
			if err == nil && !bytes.Equal(again, data) {
				t.Errorf("written again %x, was %x", again, data)
			}
		case extentDataKey:
			if e, err := x.parseExtent(it); err == nil && (e.start < 0 || e.length < 0 || e.end() < e.start) {
				t.Errorf("extent %+v", e)
			}
		case inodeItemKey:
			x.parseInode(&subvol{}, it)
		case rootItemKey:
			x.parseRoot(it)
		case chunkItemKey:
			c, n, err := x.parseChunk(offset, data, 0)
			if err == nil && (n > len(data) || len(c.copies) == 0) {
				t.Errorf("chunk %+v of %d bytes", c, n)
			}
		}
	})
}

func TestLZO(t *testing.T) {
	got, err := unpackLZO(lzoFrame(), 14, 4096)
	if err != nil || string(got) != "abcddddddddd\x00\x00" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := unpackLZO(lzoFrame(), 11, 4096); err == nil {
		t.Errorf("more bytes than asked for: %q", got)
	}
	for cut := range len(lzoFrame()) {
		b := bytes.Clone(lzoFrame()[:cut])
		if cut == 4 { // a frame without segments is whole
			continue
		}
		if cut > 0 {
			b[0] = byte(cut)
		}
		if _, err := unpackLZO(b, 14, 4096); err == nil {
			t.Errorf("cut to %d bytes it is accepted", cut)
		}
	}
}

// TestSummers checks XXH64 against values of its reference implementation; the
// other checksums are not ours.
func TestSummers(t *testing.T) {
	if _, err := newSummer(4); err == nil || err == binread.ErrNotMine {
		t.Errorf("an unknown checksum: %v", err)
	}
	for in, want := range map[string]uint64{
		"":  0xef46db3751d8e999,
		"a": 0xd24ec4f1a98c6e5b,
		"Nobody inspects the spammish repetition": 0xfbcea83c8a378bf1,
	} {
		if got := xxhash64([]byte(in)); got != want {
			t.Errorf("xxhash64(%q) = %#x, want %#x", in, got, want)
		}
	}
}
