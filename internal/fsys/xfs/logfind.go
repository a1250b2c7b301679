package xfs

import (
	"encoding/binary"
	"hash/crc32"

	"assay/internal/binread"
)

const (
	sector      = 512        // BBSIZE: the unit of the log, whatever its sectors are
	recordMagic = 0xfeedbabe // of struct xlog_rec_header
	cycleData   = 32 << 10   // bytes whose first words one header block can keep
	maxRecord   = 256 << 10  // XLOG_MAX_RECORD_BSIZE
	maxInFlight = 8          // XLOG_MAX_ICLOGS: records that can be in flight, and torn, at once
	opUnmount   = 0x20       // XLOG_UNMOUNT_TRANS

	// Blocks that can be in flight: behind the head, holes are searched there.
	recordBlocks   = maxRecord / sector
	inFlightBlocks = maxInFlight * recordBlocks
)

// A ring is the internal log: n sectors that are written round and round.
// Each sector begins with the number of the round, its cycle.
type ring struct {
	dev interface {
		ReadAt(p []byte, off int64) (int, error)
	}
	off int64
	n   int64
}

// A recordHeader is struct xlog_rec_header.
type recordHeader struct {
	at       int64 // sector in the ring
	hdrs     int64 // header sectors
	length   int64 // bytes of data
	ops      uint32
	lsn      uint64
	tail     int64 // sector where the oldest record still needed begins
	sum      uint32
	littleOp bool // items are little-endian
	raw      []byte
}

// blocks is the length of the record in sectors.
func (h *recordHeader) blocks() int64 { return h.hdrs + (h.length+sector-1)/sector }

// The ends of the part of a ring that needs replay.
type logEnds struct {
	head, tail int64
	clean      bool
}

func (l *ring) bad(at int64, msg string, args ...any) error {
	return binread.Errorf(format, l.off+at*sector, "log: "+msg, args...)
}

// read returns n sectors from at on, around the end if need be.
func (l *ring) read(at, n int64) ([]byte, error) {
	if n > l.n {
		return nil, l.bad(at, "a record longer than the log")
	}
	b := make([]byte, n*sector)
	first := min(n, l.n-at)
	if err := binread.Full(l.dev, format, b[:first*sector], l.off+at*sector); err != nil {
		return nil, err
	}
	return b, binread.Full(l.dev, format, b[first*sector:], l.off)
}

func cycleOf(b []byte) uint32 {
	if c := be.Uint32(b); c != recordMagic {
		return c
	}
	return be.Uint32(b[4:])
}

func (l *ring) cycle(at int64) (uint32, error) {
	b, err := l.read(at, 1)
	if err != nil {
		return 0, err
	}
	return cycleOf(b), nil
}

// firstOf finds, by halving, the first sector in (lo, hi] of a cycle that hi
// has and lo has not (xlog_find_cycle_start).
func (l *ring) firstOf(lo, hi int64, cycle uint32) (int64, error) {
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		c, err := l.cycle(mid)
		if err != nil {
			return 0, err
		}
		if c == cycle {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, nil
}

// stray returns the first sector of [from, from+n) that has the given cycle,
// or -1: a write that was still in flight left it (xlog_find_verify_cycle).
func (l *ring) stray(from, n int64, cycle uint32) (int64, error) {
	const step = 1 << 11
	for at := from; at < from+n; at += step {
		b, err := l.read(at, min(step, from+n-at))
		if err != nil {
			return -1, err
		}
		for o := 0; o < len(b); o += sector {
			if cycleOf(b[o:]) == cycle {
				return at + int64(o/sector), nil
			}
		}
	}
	return -1, nil
}

// head finds the first sector that was not written in the newest round
// (xlog_find_head). blank is true when nothing was ever written.
func (l *ring) head() (head int64, blank bool, err error) {
	first, err := l.cycle(0)
	if err != nil || first == 0 {
		return 0, true, err
	}
	last, err := l.cycle(l.n - 1)
	if err != nil {
		return 0, false, err
	}
	head = l.n
	stop := last - 1
	if first != last {
		stop = last
		if head, err = l.firstOf(0, l.n-1, last); err != nil {
			return 0, false, err
		}
	}
	if last == 0 {
		head, err = l.trimHoles(head, 0, false)
	} else {
		head, err = l.trimHoles(head, stop, true)
	}
	if err != nil {
		return 0, false, err
	}
	head, err = l.trimRecord(head)
	return head % l.n, false, err
}

// trimHoles moves head back to the first sector among those that could have
// been in flight that still has an old cycle. wraps says that the sectors at
// the end of the log belong to those.
func (l *ring) trimHoles(head int64, stop uint32, wraps bool) (int64, error) {
	scan := min(l.n, inFlightBlocks)
	if head < scan && wraps {
		at, err := l.stray(l.n-(scan-head), scan-head, stop-1)
		if err != nil || at >= 0 {
			return at, err
		}
	}
	from := max(0, head-scan)
	at, err := l.stray(from, head-from, stop)
	if err != nil || at < 0 {
		return head, err
	}
	return at, nil
}

// trimRecord moves head back to the header of the record before it when that
// record does not end at head (xlog_find_verify_log_record).
func (l *ring) trimRecord(head int64) (int64, error) {
	h, err := l.recordBefore(head, l.n)
	if err != nil {
		return 0, err
	}
	if (h.at+h.blocks())%l.n != head%l.n {
		return h.at, nil
	}
	return head, nil
}

// recordBefore seeks backwards for a record header, over at most n sectors.
func (l *ring) recordBefore(head, n int64) (*recordHeader, error) {
	const step = 64
	for done := int64(0); done < n; {
		k := min(step, n-done)
		from := ((head-done-k)%l.n + l.n) % l.n
		b, err := l.read(from, k)
		if err != nil {
			return nil, err
		}
		for i := k - 1; i >= 0; i-- {
			if be.Uint32(b[i*sector:]) == recordMagic {
				return l.header((from + i) % l.n)
			}
		}
		done += k
	}
	return nil, l.bad(head%l.n, "no record before the head")
}

// header reads and checks the record header at a sector.
func (l *ring) header(at int64) (*recordHeader, error) {
	b, err := l.read(at, 1)
	if err != nil {
		return nil, err
	}
	if be.Uint32(b) != recordMagic {
		return nil, l.bad(at, "no record header")
	}
	h := &recordHeader{
		at: at, hdrs: 1, length: int64(be.Uint32(b[12:])), ops: be.Uint32(b[40:]),
		lsn: be.Uint64(b[16:]), tail: int64(uint32(be.Uint64(b[24:]))),
		sum: binary.LittleEndian.Uint32(b[32:]), littleOp: be.Uint32(b[300:]) == 1,
	}
	version, size := be.Uint32(b[8:]), int64(be.Uint32(b[320:]))
	if version == 2 && size > cycleData {
		h.hdrs = (size + cycleData - 1) / cycleData
	}
	switch {
	case version != 1 && version != 2:
		return nil, l.bad(at, "record of version %d", version)
	case h.length > maxRecord || size > maxRecord || h.length == 0:
		return nil, l.bad(at, "record of %d bytes, at most %d", h.length, size)
	case h.length > h.hdrs*cycleData && h.ops != 1: // old mkfs.xfs wrote its one record so
		return nil, l.bad(at, "record of %d bytes with %d headers", h.length, h.hdrs)
	case h.tail >= l.n || int64(uint32(h.lsn)) != at || h.blocks() > l.n:
		return nil, l.bad(at, "record of impossible place or tail")
	}
	h.raw, err = l.read(at, h.hdrs)
	return h, err
}

// data returns the record's data with its first words put back in place
// (xlog_unpack_data), and whether its checksum is right.
func (l *ring) data(h *recordHeader) (b []byte, good bool, err error) {
	b, err = l.read((h.at+h.hdrs)%l.n, h.blocks()-h.hdrs)
	if err != nil {
		return nil, false, err
	}
	good = h.sums(b[:h.length])
	for i := int64(0); i*sector < int64(len(b)) && i < h.hdrs*cycleData/sector; i++ {
		words := h.raw[44:] // h_cycle_data; xh_cycle_data in the further headers
		if i >= cycleData/sector {
			words = h.raw[i/(cycleData/sector)*sector+4:]
		}
		copy(b[i*sector:], words[i%(cycleData/sector)*4:][:4])
	}
	return b[:h.length], good, nil
}

// sums verifies h_crc over the header, the further headers and the data
// (xlog_cksum). The header is 328 bytes on most machines, 324 on 32-bit x86.
func (h *recordHeader) sums(data []byte) bool {
	return h.sum == h.compute(data, 328) || h.sum == h.compute(data, 324)
}

// compute is the checksum of a record whose header has n bytes.
func (h *recordHeader) compute(data []byte, n int) uint32 {
	c := crc32.Update(0, castagnoli, h.raw[:32])
	c = crc32.Update(c, castagnoli, zeros4)
	c = crc32.Update(c, castagnoli, h.raw[36:n])
	for i := 1; i < min((len(data)+cycleData-1)/cycleData, int(h.hdrs)); i++ {
		c = crc32.Update(c, castagnoli, h.raw[i*sector:i*sector+260])
	}
	return crc32.Update(c, castagnoli, data)
}

// find determines the head and the tail of the log and whether it ends with an
// unmount record (xlog_find_tail). Records at the head whose checksum is wrong
// were being written when the machine stopped; they are cut off.
func (l *ring) find() (logEnds, error) {
	head, blank, err := l.head()
	if err != nil || blank {
		return logEnds{clean: blank}, err
	}
	last, err := l.recordBefore(head, l.n)
	if err != nil {
		return logEnds{}, err
	}
	clean, err := l.unmounted(last, head)
	if err != nil || clean {
		return logEnds{head: head, clean: clean}, err
	}
	if head, last, err = l.trimTorn(head, last); err != nil {
		return logEnds{}, err
	}
	clean, err = l.unmounted(last, head)
	return logEnds{head: head, tail: last.tail, clean: clean}, err
}

// unmounted reports whether a record that ends at head is a lone unmount
// record.
func (l *ring) unmounted(h *recordHeader, head int64) (bool, error) {
	if (h.at+h.blocks())%l.n != head || h.ops != 1 {
		return false, nil
	}
	b, err := l.read((h.at+h.hdrs)%l.n, 1)
	return err == nil && b[9]&opUnmount != 0, err
}

// trimTorn checks the checksums of the records that could have been in flight
// and moves head before the first bad one (xlog_verify_head).
func (l *ring) trimTorn(head int64, last *recordHeader) (int64, *recordHeader, error) {
	recs := []*recordHeader{last}
	dirty := l.distance(last.tail, head)
	for len(recs) < maxInFlight {
		h := recs[len(recs)-1]
		left := dirty - l.distance(h.at, head)
		if left <= 0 {
			break
		}
		prev, err := l.recordBefore(h.at, left)
		if err != nil {
			break // what lies before is not a record: replay will say so
		}
		recs = append(recs, prev)
	}
	for i := len(recs) - 1; i >= 0; i-- {
		h := recs[i]
		end := head
		if i > 0 {
			end = recs[i-1].at
		}
		_, good, err := l.data(h)
		if err != nil {
			return 0, nil, err
		}
		if h.sum == 0 || good && (h.at+h.blocks())%l.n == end%l.n {
			continue
		}
		before, err := l.recordBefore(h.at, l.n)
		return h.at, before, err
	}
	return head, last, nil
}

// distance is the number of sectors from one place of the ring to another.
func (l *ring) distance(from, to int64) int64 { return ((to-from)%l.n + l.n) % l.n }
