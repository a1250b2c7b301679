package lvm

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"assay/internal/binread"
	"assay/internal/span"
)

const (
	format     = "lvm2"
	sector     = 512
	labelScan  = 4          // sectors in which a label may lie
	mdaHeader  = 512        // bytes before the circular buffer of a metadata area
	crcInitial = 0xf597a6cf // INITIAL_CRC
	maxAreas   = 16         // data or metadata areas of one physical volume
	maxText    = 16 << 20   // bytes of one metadata text; a group with 1000 volumes has about 1 MiB
	ignoredMDA = 1          // RAW_LOCN_IGNORED
	labelID    = "LABELONE"
	labelType  = "LVM2 001"
	mdaMagic   = " LVM2 x[5A%r0N*>"
)

// A PV is one physical volume as its own header describes it.
type PV struct {
	UUID  string   // in LVM's form, 6-4-4-4-4-4-6
	Size  int64    // bytes the header claims
	Areas span.Set // label and metadata areas
	// Live is the part of Areas that LVM reads: all but old metadata texts.
	Live span.Set
	Boot span.Set // areas that the header sets aside for a boot loader
	// VG is the group of the newest valid text on this physical volume; nil
	// for one that belongs to none, keeps no metadata itself, or is broken.
	VG *VG
	// Orphan says that a metadata area is there and names no group.
	Orphan   bool
	Problems []error // broken labels, areas and texts, with offsets
}

// sum is the checksum that LVM uses: CRC-32 with its own start value and
// without the final inversion.
func sum(b []byte) uint32 {
	const start uint32 = crcInitial
	return ^crc32.Update(^start, crc32.IEEETable, b)
}

// ReadPV reads the physical volume in r, of size bytes. It returns ErrNotMine
// when there is no label. budget is the number of metadata bytes that may
// still be parsed; ReadPV takes off what it used.
func ReadPV(r io.ReaderAt, size int64, budget *int64) (*PV, error) {
	head := make([]byte, min(size, labelScan*sector))
	if err := binread.Full(r, format, head, 0); err != nil {
		return nil, err
	}
	for at := 0; at+sector <= len(head); at += sector {
		b := head[at : at+sector]
		if string(b[:8]) != labelID || string(b[24:32]) != labelType {
			continue
		}
		if binary.LittleEndian.Uint64(b[8:]) != uint64(at/sector) {
			continue // a copy of another device's label
		}
		return readHeader(r, size, b, int64(at), budget)
	}
	return nil, binread.ErrNotMine
}

// readHeader reads the label's sector: label_header, pv_header and the two
// lists of areas that follow it.
func readHeader(r io.ReaderAt, size int64, b []byte, at int64, budget *int64) (*PV, error) {
	buf := binread.Buf{B: b}
	if want, got := buf.LE32(16), sum(b[20:]); want != got {
		return nil, binread.Errorf(format, at+16, "the label has checksum %08x and says %08x", got, want)
	}
	pos := int(buf.LE32(20))
	if pos < 32 || pos > sector-48 {
		return nil, binread.Errorf(format, at+20, "the physical volume header is at byte %d of the label", pos)
	}
	pv := &PV{UUID: FormatUUID(string(buf.Bytes(pos, 32))), Size: int64(buf.LE64(pos + 32))}
	pos += 40
	_, pos = list(&buf, pos) // data areas: where extents begin is taken from the text, as LVM does
	meta, pos := list(&buf, pos)
	if buf.Over() {
		return nil, binread.Errorf(format, at+int64(pos), "the list of areas does not end")
	}
	// pv_header_extension: version, flags, list of boot loader areas.
	if buf.LE32(pos) > 0 && !buf.Over() {
		boot, _ := list(&buf, pos+8)
		pv.Boot = span.Make(slices.DeleteFunc(boot, func(x span.Span) bool { return x.Off < 0 || x.Len < 0 || x.Off > size-x.Len }))
	}
	areas := []span.Span{{Off: 0, Len: labelScan * sector}}
	live := slices.Clone(areas)
	for _, m := range meta {
		if m.Off < 0 || m.Len < mdaHeader || m.Off > size-mdaHeader {
			pv.problem(at, "a metadata area of %d bytes lies at byte %d of %d", m.Len, m.Off, size)
			continue
		}
		m.Len = min(m.Len, size-m.Off)
		areas = append(areas, m)
		live = append(live, pv.readArea(r, m, budget)...)
	}
	pv.Areas, pv.Live = span.Make(areas), span.Make(live)
	return pv, nil
}

func (pv *PV) problem(off int64, msg string, args ...any) {
	pv.Problems = append(pv.Problems, binread.Errorf(format, off, msg, args...))
}

// list reads disk_locn pairs (offset, size) up to the one that is zero.
func list(b *binread.Buf, pos int) ([]span.Span, int) {
	var out []span.Span
	for !b.Over() && len(out) < maxAreas {
		off, n := b.LE64(pos), b.LE64(pos+8)
		pos += 16
		if off == 0 {
			break
		}
		out = append(out, span.Span{Off: int64(off), Len: int64(n)})
	}
	return out, pos
}

// readArea reads one metadata area and keeps its group if it is newer than
// what is known. It returns the parts of the area that are in use: all of it
// when there is any doubt.
func (pv *PV) readArea(r io.ReaderAt, m span.Span, budget *int64) []span.Span {
	all := []span.Span{m}
	h, err := binread.At(r, format, m.Off, mdaHeader, mdaHeader)
	if err != nil {
		pv.Problems = append(pv.Problems, err)
		return all
	}
	b := binread.Buf{B: h}
	if string(h[4:20]) != mdaMagic {
		pv.problem(m.Off+4, "a metadata area has no signature")
		return all
	}
	if want, got := b.LE32(0), sum(h[4:]); want != got {
		pv.problem(m.Off, "the metadata area's header has checksum %08x and says %08x", got, want)
		return all
	}
	if v := b.LE32(20); v != 1 {
		pv.problem(m.Off+20, "metadata area version %d is not known", v)
		return all
	}
	// raw_locn[0] is the committed text; [1] is one being written, which LVM
	// ignores as well.
	off, n, want, flags := int64(b.LE64(40)), int64(b.LE64(48)), b.LE32(56), b.LE32(60)
	if flags&ignoredMDA != 0 {
		return all
	}
	if off == 0 {
		pv.Orphan = true
		return all
	}
	text, err := ring(r, m, off, n, budget)
	if err != nil {
		pv.Problems = append(pv.Problems, err)
		return all
	}
	if got := sum(text); got != want {
		pv.problem(m.Off+off, "the metadata text has checksum %08x, its header says %08x", got, want)
		return all
	}
	vg, err := Parse(text)
	if err != nil {
		pv.problem(m.Off+off, "metadata text: %v", err)
		return all
	}
	if pv.VG == nil || vg.Seqno > pv.VG.Seqno {
		pv.VG = vg
	}
	return inUse(m, &b)
}

// inUse returns the header of an area and the texts that it names, raw_locn[0]
// and the one being written, in whole sectors. These lie in the ring that
// follows the header and may wrap round its end.
func inUse(m span.Span, h *binread.Buf) []span.Span {
	out := []span.Span{{Off: m.Off, Len: mdaHeader}}
	for at := 40; at+24 <= mdaHeader; at += 24 {
		off, n := int64(h.LE64(at)), int64(h.LE64(at+8))
		if off == 0 {
			break
		}
		if off < mdaHeader || off >= m.Len || n < 0 || n > m.Len-mdaHeader {
			return []span.Span{m}
		}
		from, to := off&^(sector-1), (off+n+sector-1)&^(sector-1)
		out = append(out, span.Span{Off: m.Off + from, Len: min(to, m.Len) - from})
		if to > m.Len {
			out = append(out, span.Span{Off: m.Off + mdaHeader, Len: to - m.Len})
		}
	}
	return out
}

// ring reads a text from the circular buffer that follows the area's header.
func ring(r io.ReaderAt, m span.Span, off, n int64, budget *int64) ([]byte, error) {
	if off < mdaHeader || off >= m.Len || n <= 0 || n > m.Len-mdaHeader {
		return nil, binread.Errorf(format, m.Off+40, "a metadata text of %d bytes at byte %d is outside its area of %d bytes", n, off, m.Len)
	}
	if n > maxText || n > *budget {
		return nil, binread.Unsupported(format, "a metadata text of %d bytes at byte %d (over the limit)", n, m.Off+off)
	}
	*budget -= n
	first := min(n, m.Len-off)
	text, err := binread.At(r, format, m.Off+off, first, maxText)
	if err != nil || first == n {
		return text, err
	}
	rest, err := binread.At(r, format, m.Off+mdaHeader, n-first, maxText)
	return append(text, rest...), err
}

// FormatUUID puts the hyphens into the 32 characters of an LVM identifier.
func FormatUUID(s string) string {
	if len(s) != 32 {
		return s
	}
	return s[:6] + "-" + s[6:10] + "-" + s[10:14] + "-" + s[14:18] + "-" + s[18:22] + "-" + s[22:26] + "-" + s[26:]
}
