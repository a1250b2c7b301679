package lz4

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"assay/internal/binread"
)

const (
	magicFrame  = 0x184d2204
	magicLegacy = 0x184c2102
	maskSkip    = 0x184d2a50 // and 15 more
	legacyBlock = 8 << 20
	history     = 64 << 10
)

var errFrame = errors.New("a broken frame")

// Memory is the most that a Reader allocates.
const Memory = 2*legacyBlock + 2*history

// A Reader reads one frame after the other and stops before what is none.
type Reader struct {
	r      *bufio.Reader
	out    []byte // history, then what is handed out from at
	at     int
	in     []byte
	open   bool // in a frame
	begun  bool
	legacy bool
	linked bool // blocks refer to those before
	sums   bool // after each block
	sum    bool // after the frame
	max    int
	err    error
}

// NewReader reads frames.
func NewReader(r *bufio.Reader) *Reader { return &Reader{r: r} }

func (z *Reader) Read(p []byte) (int, error) {
	for z.at == len(z.out) {
		if z.err == nil {
			z.err = z.next()
		}
		if z.err != nil || len(p) == 0 {
			return 0, z.err
		}
	}
	n := copy(p, z.out[z.at:])
	z.at += n
	return n, nil
}

func (z *Reader) next() error {
	if !z.open {
		return z.header()
	}
	b, err := z.r.Peek(4)
	if len(b) < 4 {
		if z.legacy && len(b) == 0 && err == io.EOF {
			z.open = false // a legacy frame ends with the file
			return nil
		}
		return eof(err)
	}
	size := binary.LittleEndian.Uint32(b)
	if z.legacy && (size == magicLegacy || size == magicFrame || size == 0 || size > legacyBlock+legacyBlock/255+16) {
		z.open = false
		return nil
	}
	z.r.Discard(4)
	if size == 0 && !z.legacy {
		z.open = false
		return z.skip(z.sum)
	}
	return z.block(size)
}

// header reads a frame's header, or says that none follows.
func (z *Reader) header() error {
	b, err := z.r.Peek(15)
	if len(b) < 4 {
		return z.end(err)
	}
	m := binary.LittleEndian.Uint32(b)
	z.legacy = m == magicLegacy
	switch {
	case z.legacy:
		z.open, z.begun, z.linked, z.sums, z.max = true, true, false, false, legacyBlock
		z.r.Discard(4)
		return nil
	case m&0xfffffff0 == maskSkip && len(b) >= 8 && z.begun:
		z.r.Discard(8)
		_, err := io.CopyN(io.Discard, z.r, int64(binary.LittleEndian.Uint32(b[4:])))
		return eof(err)
	case m != magicFrame:
		return z.end(nil)
	case len(b) < 7:
		return io.ErrUnexpectedEOF
	}
	flags, size := b[4], b[5]>>4&7
	if flags>>6 != 1 || size < 4 {
		return errFrame
	}
	if flags&1 != 0 {
		return binread.Unsupported("lz4", "a dictionary")
	}
	n := 7
	if flags&8 != 0 {
		n += 8
	}
	z.linked, z.sums, z.sum = flags&0x20 == 0, flags&0x10 != 0, flags&4 != 0
	z.max, z.open, z.begun = 1<<(8+2*size), true, true
	z.out, z.at = z.out[:0], 0
	if _, err := z.r.Discard(n); err != nil {
		return eof(err)
	}
	return nil
}

func (z *Reader) end(err error) error {
	switch {
	case !z.begun:
		return errFrame
	case err != nil:
		return err
	}
	return io.EOF
}

func (z *Reader) block(size uint32) error {
	plain := size>>31 != 0 && !z.legacy
	size &= 1<<31 - 1
	limit := z.max
	if z.legacy {
		limit += z.max/255 + 16
	}
	if int64(size) > int64(limit) {
		return errFrame
	}
	keep := 0
	if z.linked {
		keep = min(len(z.out), history)
	}
	z.out = z.out[:copy(z.out, z.out[len(z.out)-keep:])]
	z.at = len(z.out)
	if cap(z.in) < int(size) {
		z.in = make([]byte, size)
	}
	in := z.in[:size]
	if _, err := io.ReadFull(z.r, in); err != nil {
		return eof(err)
	}
	if plain {
		z.out = append(z.out, in...)
		return z.skip(z.sums)
	}
	if need := z.at + z.max; cap(z.out) < need && int(size)*8 > z.max {
		z.out = append(make([]byte, 0, need), z.out...)
	}
	var err error
	if z.out, err = Block(z.out, in, z.max); err != nil {
		z.err = err // after what came out of it
		return nil
	}
	return z.skip(z.sums)
}

// skip passes a checksum.
func (z *Reader) skip(there bool) error {
	if !there {
		return nil
	}
	_, err := z.r.Discard(4)
	return eof(err)
}

func eof(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
