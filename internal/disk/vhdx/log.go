package vhdx

import (
	"encoding/binary"
	"fmt"
	"io"

	"assay/internal/binread"
)

const (
	page   = 4096
	maxLog = 64 << 20 // writers make logs of 1 MiB
	// maxSummed bounds the bytes whose checksums are verified: entries of a
	// hostile log may overlap.
	maxSummed = 1 << 30
	// maxZeros bounds the zero descriptors that are played.
	maxZeros = 4096
)

// logEntry is a valid entry of the log, 2.3.1.
type logEntry struct {
	at, len  int64 // in the log
	tail     int64 // in the log: where the sequence that ends here starts
	sequence uint64
	count    int64  // descriptors
	flushed  uint64 // the file had at least this size
}

// log is the circular log, 2.3.
type log struct {
	b      []byte
	guid   guid
	off    int64 // in the file, for errors
	summed int64 // bytes whose checksum was verified
	zeros  int   // zero descriptors played
}

// replay returns r as it is after the log was played: the writes of the
// active sequence lie over it in memory. note says what was done. A log that
// holds no valid sequence changes nothing, as with QEMU; 2.3.3 calls such a
// file corrupt, so the note says that.
func replay(r io.ReaderAt, size int64, h *header) (_ io.ReaderAt, note string, err error) {
	if h.logLen == 0 || h.logLen%mebi != 0 || h.logOff%mebi != 0 || h.logOff < mebi {
		return nil, "", binread.Errorf(format, h.logOff, "a log of %d bytes is not aligned to 1 MiB", h.logLen)
	}
	b, err := binread.At(r, format, h.logOff, h.logLen, maxLog)
	if err != nil {
		return nil, "", err
	}
	l := &log{b: b, guid: h.logGUID, off: h.logOff}
	active, err := l.activeSequence()
	if err != nil {
		return nil, "", err
	}
	if len(active) == 0 {
		return r, "the file was not closed and its log holds no valid entry: it may be damaged", nil
	}
	o := newOverlay(r)
	for _, e := range active {
		if e.flushed > uint64(size) {
			return nil, "", binread.Errorf(format, h.logOff+e.at+48, "the log needs a file of %d bytes, but it has %d: it was cut short", e.flushed, size)
		}
		if err := l.play(e, o); err != nil {
			return nil, "", err
		}
	}
	o.seal()
	return o, fmt.Sprintf("the file was not closed: %d log entries were played in memory", len(active)), nil
}

// activeSequence finds the valid sequence with the highest sequence numbers:
// entries that follow each other, where the last one's tail names the first.
// Each entry is parsed once, so the time is linear in the log's size.
func (l *log) activeSequence() ([]logEntry, error) {
	entries := map[int64]logEntry{}
	for at := int64(0); at < int64(len(l.b)); at += page {
		if e, ok := l.entry(at); ok {
			entries[at] = e
		}
		if l.summed > maxSummed {
			return nil, binread.Errorf(format, l.off+at, "the entries of the log overlap too much")
		}
	}
	var best []logEntry
	seen := map[int64]bool{} // entries that an earlier start already reached
	for at := int64(0); at < int64(len(l.b)); at += page {
		e, ok := entries[at]
		if !ok || seen[at] {
			continue
		}
		chain := []logEntry{e}
		for {
			seen[e.at] = true
			next, ok := entries[(e.at+e.len)%int64(len(l.b))]
			if !ok || next.sequence != e.sequence+1 {
				break
			}
			e = next
			chain = append(chain, e)
		}
		// The run may begin before the tail: entries already played.
		for i := range chain {
			if chain[i].at == e.tail && (best == nil || e.sequence > best[len(best)-1].sequence) {
				best = chain[i:]
				break
			}
		}
	}
	return best, nil
}

// bytes returns a copy of n bytes at the log position at, which wraps.
func (l *log) bytes(at, n int64) []byte {
	out := make([]byte, 0, n)
	at %= int64(len(l.b))
	k := min(n, int64(len(l.b))-at)
	out = append(out, l.b[at:at+k]...)
	return append(out, l.b[:n-k]...)
}

// entry parses and verifies the entry at the position at.
func (l *log) entry(at int64) (logEntry, bool) {
	b := binread.Buf{B: l.b[at : at+page]}
	if string(b.Bytes(0, 4)) != "loge" || guid(b.Bytes(32, 16)) != l.guid {
		return logEntry{}, false
	}
	e := logEntry{
		at: at, len: int64(b.LE32(8)), tail: int64(b.LE32(12)), sequence: b.LE64(16),
		count: int64(b.LE32(24)), flushed: b.LE64(48),
	}
	if e.len < page || e.len%page != 0 || e.len > int64(len(l.b)) || e.tail%page != 0 || e.sequence == 0 || 64+32*e.count > e.len {
		return logEntry{}, false
	}
	l.summed += e.len
	return e, sumOK(l.bytes(at, e.len))
}

// play applies an entry: descriptors after its 64-byte header, 2.3.1.2 and
// 2.3.1.3, then, from the next page on, a page of data for each data
// descriptor, 2.3.1.4.
func (l *log) play(e logEntry, o *overlay) error {
	b := l.bytes(e.at, e.len)
	data := (64 + 32*e.count + page - 1) &^ (page - 1)
	for i := range e.count {
		d := binread.Buf{B: b[64+32*i : 96+32*i]}
		fail := func(why string) error {
			return binread.Errorf(format, l.off+(e.at+64+32*i)%int64(len(l.b)), "log descriptor: %s", why)
		}
		off := int64(d.LE64(16))
		if d.LE64(24) != e.sequence || off < 0 || off%page != 0 {
			return fail("wrong sequence number or offset")
		}
		switch string(d.Bytes(0, 4)) {
		case "zero":
			n := int64(d.LE64(8))
			if n < 0 || n%page != 0 || n > 1<<62 || off > 1<<62 {
				return fail("a zero range out of bounds")
			}
			if l.zeros++; l.zeros > maxZeros {
				return fail("too many zero ranges")
			}
			o.zero(off, n)
		case "desc":
			if data > e.len-page {
				return fail("no data page left")
			}
			p := b[data : data+page : data+page]
			data += page
			hi, lo := binary.LittleEndian.Uint32(p[4:]), binary.LittleEndian.Uint32(p[page-4:])
			if string(p[:4]) != "data" || uint64(hi)<<32|uint64(lo) != e.sequence {
				return fail("its data page is torn")
			}
			// The page's first 8 and last 4 bytes lie in the descriptor.
			copy(p[:8], d.Bytes(8, 8))
			copy(p[page-4:], d.Bytes(4, 4))
			o.write(off, p)
		default:
			return fail("unknown signature")
		}
	}
	return nil
}
