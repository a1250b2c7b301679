package regf

import (
	"cmp"
	"math/bits"
	"slices"

	"assay/internal/binread"
)

// Layout of the logs. The old format, up to Windows 8 and Server 2012, is a
// bitmap of dirty sectors and those sectors; the new one is a list of entries.
const (
	typeNewLog = 6

	dirtSig   = "DIRT"
	entrySig  = "HvLE"
	entryHead = 40
	atEntSize = 4
	atEntSeq  = 12
	atEntBins = 16 // length of all hive bins after the entry
	atEntN    = 20 // pages
	atEntSum1 = 24 // Marvin32 of all behind the head
	atEntSum2 = 32 // Marvin32 of the head before this field
)

// An entry is one complete write of the new log format.
type entry struct {
	seq   uint32
	bins  uint32
	pages []page
}

type page struct {
	off  uint32
	data []byte
}

// recover completes an unfinished write from the logs.
func (h *Hive) recover(logs [][]byte) error {
	sound := soundBase(h.b)
	if sound && le.Uint32(h.b[atSeq1:]) == le.Uint32(h.b[atSeq2:]) {
		return nil
	}
	h.state = Dirty
	var fresh, old [][]byte
	for _, l := range logs {
		switch {
		case !soundBase(l):
		case le.Uint32(l[atType:]) == typeNewLog:
			fresh = append(fresh, l)
		default:
			old = append(old, l)
		}
	}
	if done, err := h.recoverNew(fresh, sound); done || err != nil {
		return err
	}
	for _, l := range old {
		if done, err := h.recoverOld(l, sound); done || err != nil {
			return err
		}
	}
	return nil
}

// recoverNew applies the entries of new logs that are not in the hive yet:
// those with a sequence number of at least that of the hive's last completed
// write. Windows writes a log, then the other, so their entries are one
// sequence. Where a part of it is missing only the entries behind the hole may
// be applied: those before it were followed by writes that reached the hive.
func (h *Hive) recoverNew(logs [][]byte, sound bool) (bool, error) {
	var all []entry
	var base []byte
	for _, l := range logs {
		es := entries(l)
		if len(es) > 0 && (base == nil || es[0].seq < all[0].seq) {
			base = l
		}
		all = append(all, es...)
		slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	}
	if sound {
		all = slices.DeleteFunc(all, func(e entry) bool { return e.seq < le.Uint32(h.b[atSeq2:]) })
	}
	for i := len(all) - 1; i > 0; i-- {
		if all[i].seq-all[i-1].seq > 1 {
			all = all[i:]
			break
		}
	}
	if len(all) == 0 {
		return false, nil
	}
	if !sound {
		h.restoreBase(base)
	}
	for _, e := range all {
		if err := h.grow(e.bins); err != nil {
			return false, err
		}
		for _, p := range e.pages {
			copy(h.b[baseLen+int64(p.off):], p.data)
		}
	}
	h.state = Replayed
	h.seal(all[len(all)-1].seq)
	return true, nil
}

// entries reads a new log up to the first entry that is not whole.
func entries(l []byte) (out []entry) {
	for at := sectorLen; ; {
		e, n := readEntry(l[at:])
		if n == 0 || len(out) > 0 && e.seq != out[len(out)-1].seq+1 {
			return out
		}
		out = append(out, e)
		at += n
	}
}

// readEntry reads the entry at the begin of b and returns its length, 0 when
// there is none.
func readEntry(b []byte) (entry, int) {
	if len(b) < entryHead || string(b[:4]) != entrySig {
		return entry{}, 0
	}
	n := int64(le.Uint32(b[atEntSize:]))
	if n < entryHead || n%sectorLen != 0 || n > int64(len(b)) {
		return entry{}, 0
	}
	b = b[:n]
	if marvin(b[:atEntSum2]) != le.Uint64(b[atEntSum2:]) || marvin(b[entryHead:]) != le.Uint64(b[atEntSum1:]) {
		return entry{}, 0
	}
	e := entry{seq: le.Uint32(b[atEntSeq:]), bins: le.Uint32(b[atEntBins:])}
	count := int64(le.Uint32(b[atEntN:]))
	if e.bins%binAlign != 0 || e.bins > MaxSize || count > (n-entryHead)/8 {
		return entry{}, 0
	}
	data := entryHead + 8*count
	for i := range count {
		ref := b[entryHead+8*i:]
		off, size := le.Uint32(ref), int64(le.Uint32(ref[4:]))
		if size > n-data || int64(off)+size > int64(e.bins) {
			return entry{}, 0
		}
		e.pages = append(e.pages, page{off, b[data : data+size]})
		data += size
	}
	return e, int(n)
}

// recoverOld applies an old log that was completed and belongs to this write
// of the hive: both name the same time. The first bin has a copy of the hive's,
// for a base block that is destroyed.
func (h *Hive) recoverOld(l []byte, sound bool) (bool, error) {
	written := le.Uint64(l[atWritten:])
	same := le.Uint64(h.b[atWritten:]) == written || !sound && le.Uint64(h.b[baseLen+atBinTime:]) == written
	size := le.Uint32(l[atSize:])
	vector := int64(size/sectorLen+7) / 8
	at := (sectorLen + int64(len(dirtSig)) + vector + sectorLen - 1) &^ (sectorLen - 1)
	if le.Uint32(l[atSeq1:]) != le.Uint32(l[atSeq2:]) || !same ||
		size%binAlign != 0 || int64(len(l)) < at || string(l[sectorLen:sectorLen+4]) != dirtSig {
		return false, nil
	}
	bitmap := l[sectorLen+4 : sectorLen+4+vector]
	dirty := int64(0)
	for _, b := range bitmap {
		dirty += int64(bits.OnesCount8(b))
	}
	if int64(len(l)) < at+dirty*sectorLen {
		return false, nil
	}
	if err := h.grow(size); err != nil {
		return false, err
	}
	for i := range size / sectorLen {
		if bitmap[i/8]>>(i%8)&1 == 1 {
			copy(h.b[baseLen+int64(i)*sectorLen:], l[at:at+sectorLen])
			at += sectorLen
		}
	}
	h.restoreBase(l)
	h.state = Replayed
	h.seal(le.Uint32(l[atSeq1:]))
	return true, nil
}

// restoreBase takes the copy of the base block that a log holds.
func (h *Hive) restoreBase(l []byte) {
	copy(h.b[:sectorLen], l[:sectorLen])
	le.PutUint32(h.b[atType:], 0)
}

// grow makes the hive at least as long as size bytes of bins need.
func (h *Hive) grow(size uint32) error {
	if size > MaxSize-baseLen {
		return binread.Unsupported(format, "a log that makes the hive %d bytes long", size)
	}
	if need := baseLen + int(size); need > len(h.b) {
		h.b = append(h.b, make([]byte, need-len(h.b))...)
	}
	le.PutUint32(h.b[atSize:], size)
	return nil
}

// seal marks the write with sequence number seq as completed.
func (h *Hive) seal(seq uint32) {
	le.PutUint32(h.b[atSeq1:], seq)
	le.PutUint32(h.b[atSeq2:], seq)
	le.PutUint32(h.b[atChecksum:], checksum(h.b))
}
