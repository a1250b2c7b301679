package evtx

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"

	"assay/internal/binread"
)

const format = "evtx"

// Layout of the file's header block and of the chunks behind it.
const (
	fileSig   = "ElfFile\x00"
	atNext    = 24 // number of the next record
	atHeadLen = 32
	atMinor   = 36
	atMajor   = 38
	atBlock   = 40 // length of the header block
	atChunks  = 42
	atFlags   = 120 // 1: not closed properly
	atSum     = 124 // CRC-32 of what stands before the flags

	chunkSig   = "ElfChnk\x00"
	atFirst    = 8 // number of the first record
	atLast     = 16
	atFirstID  = 24
	atLastID   = 32
	atChunkLen = 40
	atTail     = 44 // offset of the last record
	atFree     = 48 // offset behind the last record
	atDataSum  = 52 // CRC-32 of the records

	blockLen  = 4096
	headLen   = 128
	chunkHead = 512 // header and tables of strings and templates
	chunkLen  = 64 << 10
)

// maxChunks bounds the chunks looked at: 4 GiB, the most that Windows lets a
// log have.
const maxChunks = 64 << 10

// HeadLen is the length of what Empty returns: a shorter file is no log.
const HeadLen = blockLen + chunkLen

var le = binary.LittleEndian

// An Info is what a log says of itself.
type Info struct {
	Chunks  int
	Records uint64 // in all chunks of the file, those that the header forgot included
	Next    uint64 // number of the next record: one more than the log has ever had
	Dirty   bool   // not closed properly
}

// Read reads the headers of a log of size bytes. Bytes of another format give
// binread.ErrNotMine. With another error the counts so far are valid.
func Read(r io.ReaderAt, size int64) (Info, error) {
	if size < headLen {
		return Info{}, binread.ErrNotMine
	}
	b, err := binread.At(r, format, 0, headLen, 0)
	if err != nil {
		return Info{}, err
	}
	if string(b[:8]) != fileSig {
		return Info{}, binread.ErrNotMine
	}
	if major := le.Uint16(b[atMajor:]); major != 3 {
		return Info{}, binread.Unsupported(format, "version %d.%d", major, le.Uint16(b[atMinor:]))
	}
	i := Info{Next: le.Uint64(b[atNext:]), Dirty: le.Uint32(b[atFlags:])&1 != 0}
	for off := int64(blockLen); off <= size-chunkLen; off += chunkLen {
		if i.Chunks == maxChunks {
			return i, binread.Unsupported(format, "a log of more than %d chunks", maxChunks)
		}
		n, err := records(r, off)
		if err != nil {
			return i, err
		}
		i.Chunks++
		i.Records += n
	}
	return i, nil
}

// records is how many records the chunk at off holds: 0 for bytes that were
// never used as one.
func records(r io.ReaderAt, off int64) (uint64, error) {
	b, err := binread.At(r, format, off, headLen, 0)
	if err != nil {
		return 0, err
	}
	first, last, free := le.Uint64(b[atFirst:]), le.Uint64(b[atLast:]), le.Uint32(b[atFree:])
	if string(b[:8]) != chunkSig || free <= chunkHead || last == math.MaxUint64 {
		return 0, nil
	}
	// A record has 24 bytes of head, 4 of tail and no less than 4 of text.
	n := last - first + 1
	if last < first || free > chunkLen || n > chunkLen/32 {
		return 0, binread.Errorf(format, off+atFirst, "a chunk of records %d to %d in %d bytes", first, last, free)
	}
	return n, nil
}

// ErrShort says that a file is too short to be a log.
var ErrShort = errors.New("a file shorter than one chunk cannot be an event log")

// Empty returns the first HeadLen bytes of a log without records that has size
// bytes. All that follows must be made zero. Windows goes on writing into such
// a log, beginning with record 1.
func Empty(size int64) ([]byte, error) {
	if size < HeadLen {
		return nil, ErrShort
	}
	b := make([]byte, HeadLen)
	copy(b, fileSig)
	le.PutUint64(b[atNext:], 1)
	le.PutUint32(b[atHeadLen:], headLen)
	le.PutUint16(b[atMinor:], 1)
	le.PutUint16(b[atMajor:], 3)
	le.PutUint16(b[atBlock:], blockLen)
	le.PutUint16(b[atChunks:], 1)
	le.PutUint32(b[atSum:], crc32.ChecksumIEEE(b[:atFlags]))
	c := b[blockLen:]
	copy(c, chunkSig)
	le.PutUint64(c[atFirst:], 1)
	le.PutUint64(c[atLast:], math.MaxUint64)
	le.PutUint64(c[atFirstID:], 1)
	le.PutUint64(c[atLastID:], math.MaxUint64)
	le.PutUint32(c[atChunkLen:], headLen)
	le.PutUint32(c[atTail:], chunkHead)
	le.PutUint32(c[atFree:], chunkHead)
	le.PutUint32(c[atDataSum:], crc32.ChecksumIEEE(nil))
	sum := crc32.ChecksumIEEE(c[:atFlags])
	le.PutUint32(c[atSum:], crc32.Update(sum, crc32.IEEETable, c[headLen:chunkHead]))
	return b, nil
}
