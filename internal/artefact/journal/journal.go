package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"assay/internal/binread"
)

const format = "journal"

// Compression says how a payload is packed (the flags of its object).
type Compression uint8

const (
	XZ   Compression = 1 // an .xz file
	LZ4  Compression = 2 // a block; its length unpacked stands before it and is not passed on
	Zstd Compression = 4 // a frame
)

// A Decompress unpacks src to at most limit bytes. size is their number where
// the journal says it, or -1.
type Decompress func(c Compression, src []byte, size, limit int64) ([]byte, error)

// Bounds on one payload. systemd itself writes none over 768 MiB, and cuts
// what it takes from the network or a socket far below these.
const (
	maxPacked  = 1 << 20
	maxPayload = 2 << 20
)

// Incompatible flags of the header (at 12).
const (
	flagCompact = 1 << 4
	flagsKnown  = 1<<5 - 1 // XZ, LZ4, keyed hash, zstd, compact
)

const (
	headerMin    = 208 // of systemd 187, the first to write what is read here
	objectHeader = 16
	typeData     = 1
	typeLast     = 7 // a tag
)

// ErrLimit marks what is said of a payload over the bounds.
var ErrLimit = errors.New("over the limit")

// A File is an open journal.
type File struct {
	r       io.ReaderAt
	size    int64
	start   int64
	compact bool
	buf     []byte // window over the file
	at      int64  // where buf begins
	unpack  Decompress
}

// Open reads the header. A journal that was not closed properly, or that its
// daemon still writes, is read as far as it goes.
func Open(r io.ReaderAt, size int64, unpack Decompress) (*File, error) {
	h, err := binread.At(r, format, 0, headerMin, 0)
	if err != nil || string(h[:8]) != "LPKSHHRH" {
		if err != nil && size >= headerMin {
			return nil, err
		}
		return nil, binread.ErrNotMine
	}
	if flags := binary.LittleEndian.Uint32(h[12:]); flags&^flagsKnown != 0 {
		return nil, binread.Unsupported(format, "incompatible flags %#x", flags)
	}
	start := binary.LittleEndian.Uint64(h[88:]) // header_size
	if start < headerMin || start > uint64(size) || start%8 != 0 {
		return nil, binread.Errorf(format, 88, "a header of %d bytes", start)
	}
	return &File{r: r, size: size, start: int64(start), compact: h[12]&flagCompact != 0, unpack: unpack}, nil
}

// Data calls yield with the place and the payload of each data object, in the
// order of the file. The payload is valid during the call. An error of yield
// ends it. What is broken or over a bound is told to bad, and the reading goes
// on after it: bad may be called many times.
func (f *File) Data(yield func(off int64, payload []byte) error, bad func(error)) error {
	lost := int64(-1) // where the bytes began that are no object
	for off := f.start; off <= f.size-objectHeader; {
		h, err := f.peek(off, objectHeader)
		if err != nil {
			return err
		}
		kind, flags := h[0], h[1]
		size := int64(binary.LittleEndian.Uint64(h[8:]) & (1<<63 - 1))
		if blank(h) {
			next, err := f.zeros(off)
			if err != nil {
				return err
			}
			off = next
			continue
		}
		if !sane(h) || size > f.size-off {
			if lost < 0 {
				lost = off
			}
			off += 8
			continue
		}
		if lost >= 0 {
			bad(binread.Errorf(format, lost, "%d bytes are no object", off-lost))
			lost = -1
		}
		if kind == typeData {
			p, err := f.data(off, size, Compression(flags&7))
			if err != nil {
				bad(err)
			} else if err := yield(off, p); err != nil {
				return err
			}
		}
		next := off + (size+7)&^7
		if !f.follows(next) { // the length is a lie, or the next object is broken
			next = off + objectHeader
		}
		off = next
	}
	if lost >= 0 {
		bad(binread.Errorf(format, lost, "%d bytes are no object", f.size-lost))
	}
	return nil
}

// follows reports whether an object can begin at off: its header, zeros, or
// the end of the file.
func (f *File) follows(off int64) bool {
	if off > f.size-objectHeader {
		return true
	}
	h, err := f.peek(off, objectHeader)
	return err == nil && (sane(h) || blank(h))
}

// blank reports whether 16 bytes are zero.
func blank(h []byte) bool {
	return binary.LittleEndian.Uint64(h) == 0 && binary.LittleEndian.Uint64(h[8:]) == 0
}

// sane reports whether 16 bytes can be the header of an object: type, flags,
// 6 zeros, size.
func sane(h []byte) bool {
	size := binary.LittleEndian.Uint64(h[8:])
	least := uint64(objectHeader)
	if h[0] == typeData {
		least = 64
	}
	return h[0] >= 1 && h[0] <= typeLast && h[1] < 8 && h[1]&(h[1]-1) == 0 && (h[1] == 0 || h[0] == typeData) &&
		h[2]|h[3]|h[4]|h[5]|h[6]|h[7] == 0 && size >= least && size < 1<<62
}

// data reads the payload of a data object.
func (f *File) data(off, size int64, c Compression) ([]byte, error) {
	head := int64(64)
	if f.compact {
		head = 72
	}
	if size < head {
		return nil, binread.Errorf(format, off, "a data object of %d bytes", size)
	}
	size -= head
	limit := int64(maxPayload)
	if c != 0 {
		limit = maxPacked
	}
	if size > limit {
		return nil, fmt.Errorf("%s: at byte %d: a field of %d bytes: %w", format, off, size, ErrLimit)
	}
	p, err := f.peek(off+head, int(size))
	if err != nil || c == 0 {
		return p, err
	}
	plain := int64(-1)
	if c == LZ4 {
		if size < 8 {
			return nil, binread.Errorf(format, off, "a broken field")
		}
		n := binary.LittleEndian.Uint64(p)
		if n > maxPayload {
			return nil, fmt.Errorf("%s: at byte %d: a field of %d bytes: %w", format, off, n, ErrLimit)
		}
		plain, p = int64(n), p[8:]
	}
	if p, err = f.unpack(c, p, plain, maxPayload); err != nil {
		return nil, fmt.Errorf("%s: at byte %d: a field: %w", format, off, err)
	}
	return p, nil
}

const window = 128 << 10

// peek returns n bytes at off, valid until the next call.
func (f *File) peek(off int64, n int) ([]byte, error) {
	if off >= f.at && off-f.at <= int64(len(f.buf)-n) {
		return f.buf[off-f.at:][:n], nil
	}
	want := min(max(int64(n), window), f.size-off)
	if want < int64(n) {
		return nil, binread.Errorf(format, off, "ends early")
	}
	if int64(cap(f.buf)) < want || int64(cap(f.buf)) > maxPayload/2 && want <= window {
		f.buf = make([]byte, want)
	}
	f.buf, f.at = f.buf[:want], off
	if err := binread.Full(f.r, format, f.buf, off); err != nil {
		f.buf = f.buf[:0]
		return nil, err
	}
	return f.buf[:n], nil
}

// zeros returns the place of the next bytes that are not zero, on a boundary
// of 8: the space that was reserved for further objects.
func (f *File) zeros(off int64) (int64, error) {
	for off < f.size {
		n := min(4096, f.size-off)
		b, err := f.peek(off, int(n))
		if err != nil {
			return 0, err
		}
		for i, c := range b {
			if c != 0 {
				return off + int64(i)&^7, nil
			}
		}
		off += n
	}
	return f.size, nil
}
