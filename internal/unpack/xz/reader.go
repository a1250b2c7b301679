package xz

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"assay/internal/binread"
)

const magic = "\xfd7zXZ\x00"

var (
	errHeader = errors.New("a broken header")
	errCheck  = errors.New("the checksum of a block is wrong")
	errIndex  = errors.New("the index does not fit the blocks")
)

// A Reader reads an .xz file: one or more streams. It reads nothing beyond
// the last one.
type Reader struct {
	r      *bufio.Reader
	z      lzma2
	crc64  *crc64.Table
	check  byte // its kind, 2.1.1.2
	sum    hash.Hash
	begun  bool // a stream was read
	stream bool // in a stream
	block  bool // in a block
	blocks uint64
	plain  int64 // declared length of the block, or -1
	out    int64 // bytes that came out of the block
	rest   []byte
	err    error
}

// NewReader reads an .xz file. take grants memory, or refuses.
func NewReader(r *bufio.Reader, take func(int64) bool) *Reader {
	x := &Reader{r: r, crc64: crc64.MakeTable(crc64.ECMA)}
	x.z.r, x.z.win.take = r, take
	return x
}

// Held returns the memory that was taken and is to be given back.
func (x *Reader) Held() int64 { return x.z.win.held }

func (x *Reader) Read(p []byte) (int, error) {
	for len(x.rest) == 0 {
		if x.err == nil {
			x.err = x.advance()
		}
		if x.err != nil || len(p) == 0 {
			return 0, x.err
		}
	}
	n := copy(p, x.rest)
	x.rest = x.rest[n:]
	return n, nil
}

// advance takes one step through the file.
func (x *Reader) advance() error {
	switch {
	case x.block:
		b, err := x.z.next()
		if err == io.EOF {
			x.block = false
			return x.endBlock()
		}
		if x.out += int64(len(b)); x.plain >= 0 && x.out > x.plain {
			return errHeader
		}
		if x.sum != nil {
			x.sum.Write(b)
		}
		x.rest = b
		return err
	case x.stream:
		n, err := x.r.ReadByte()
		if err != nil {
			return eof(err)
		}
		if n != 0 {
			return x.beginBlock(n)
		}
		x.stream = false
		return x.endStream()
	}
	return x.beginStream()
}

// beginStream reads the stream header (2.1.1), or ends where none follows.
// Between streams there may be zeros, four by four (2.2).
func (x *Reader) beginStream() error {
	for x.begun {
		b, _ := x.r.Peek(4)
		if len(b) < 4 || !bytes.Equal(b, make([]byte, 4)) {
			break
		}
		x.r.Discard(4)
	}
	b, err := x.r.Peek(12)
	if len(b) < 12 || string(b[:6]) != magic {
		if !x.begun {
			return errHeader
		}
		if err == nil {
			err = io.EOF
		}
		return err
	}
	if b[6] != 0 || b[7] > 15 || crc32.ChecksumIEEE(b[6:8]) != binary.LittleEndian.Uint32(b[8:]) {
		return errHeader
	}
	x.check, x.blocks, x.stream, x.begun = b[7], 0, true, true
	x.r.Discard(12)
	return nil
}

// beginBlock reads a block header (3.1) after its first byte.
func (x *Reader) beginBlock(first byte) error {
	b := make([]byte, (int(first)+1)*4)
	b[0] = first
	if _, err := io.ReadFull(x.r, b[1:]); err != nil {
		return eof(err)
	}
	end := len(b) - 4
	if crc32.ChecksumIEEE(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		return errHeader
	}
	v := vli{b: b[2:end]}
	flags := b[1]
	if x.plain = -1; flags&0x40 != 0 {
		v.next()
	}
	if flags&0x80 != 0 {
		x.plain = int64(v.next())
	}
	id, n := v.next(), v.next()
	if v.bad || flags&0x3c != 0 {
		return errHeader
	}
	if flags&3 != 0 || id != 0x21 {
		return binread.Unsupported("xz", "filter %#x", id)
	}
	if n != 1 || len(v.b) < 1 || v.b[0] > 40 {
		return errHeader
	}
	dict := int64(1<<32 - 1)
	if d := v.b[0]; d < 40 {
		dict = int64(2|d&1) << (d/2 + 11)
	}
	x.z.begin(dict)
	x.block, x.out, x.sum = true, 0, nil
	x.blocks++
	switch x.check {
	case 1:
		x.sum = crc32.NewIEEE()
	case 4:
		x.sum = crc64.New(x.crc64)
	case 10:
		x.sum = sha256.New()
	}
	return nil
}

// endBlock reads the padding and the check (3.3 and 3.4).
func (x *Reader) endBlock() error {
	var b [3 + 64]byte
	pad := int(-x.z.read & 3)
	size := 0
	if x.check > 0 {
		size = 4 << ((x.check - 1) / 3)
	}
	if _, err := io.ReadFull(x.r, b[:pad+size]); err != nil {
		return eof(err)
	}
	if x.sum == nil {
		return nil
	}
	want := x.sum.Sum(nil)
	got := b[pad : pad+size]
	if x.check != 10 { // the CRCs lie there in little-endian order
		for i := range size / 2 {
			got[i], got[size-1-i] = got[size-1-i], got[i]
		}
	}
	if !bytes.Equal(want, got) || x.plain >= 0 && x.out != x.plain {
		return errCheck
	}
	return nil
}

// endStream reads the index (4) and the footer (2.1.2) after the index's first
// byte.
func (x *Reader) endStream() error {
	n := int64(1)
	number := func() (v uint64, err error) {
		for shift := 0; ; shift += 7 {
			c, err := x.r.ReadByte()
			if err != nil || shift > 56 {
				return 0, errors.Join(errIndex, eof(err))
			}
			n++
			if v |= uint64(c&0x7f) << shift; c < 0x80 {
				return v, nil
			}
		}
	}
	count, err := number()
	if err != nil || count != x.blocks {
		return errIndex
	}
	for range 2 * count {
		if _, err := number(); err != nil {
			return err
		}
	}
	var b [3 + 4 + 12]byte
	f := b[:int(-n&3)+4+12]
	if _, err := io.ReadFull(x.r, f); err != nil {
		return eof(err)
	}
	if string(f[len(f)-2:]) != "YZ" {
		return errIndex
	}
	return nil
}

// vli reads the integers of 1.2.
type vli struct {
	b   []byte
	bad bool
}

func (v *vli) next() (n uint64) {
	for i := range 9 {
		if i >= len(v.b) {
			break
		}
		c := v.b[i]
		if n |= uint64(c&0x7f) << (7 * i); c < 0x80 {
			v.b = v.b[i+1:]
			return n
		}
	}
	v.bad = true
	return 0
}
