package btrfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

var errShort = errors.New("compressed data ends early")

// codecs are the decompressors of one FS.
type codecs struct {
	zlib sync.Pool // of io.ReadCloser and zlib.Resetter

	once sync.Once
	zstd *zstd.Decoder
	err  error
}

// unpack decompresses one extent. It returns at most size bytes; fewer mean
// that the rest is zero, as for Linux.
func (c *codecs) unpack(kind uint8, b []byte, size, sector int) ([]byte, error) {
	switch kind {
	case compressZlib:
		return c.inflate(b, size)
	case compressLZO:
		return unpackLZO(b, size, sector)
	case compressZstd:
		return c.unzstd(b, size)
	}
	return nil, fmt.Errorf("unknown compression %d", kind)
}

// inflate reads a zlib stream. What follows it, and its checksum when size
// bytes are there before it, are not looked at.
func (c *codecs) inflate(b []byte, size int) ([]byte, error) {
	r, err := c.zlibReader(b)
	if err != nil {
		return nil, err
	}
	defer c.zlib.Put(r)
	out := make([]byte, size)
	n, err := io.ReadFull(r, out)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return out[:n], nil
}

func (c *codecs) zlibReader(b []byte) (io.Reader, error) {
	if r, ok := c.zlib.Get().(io.Reader); ok {
		return r, r.(zlib.Resetter).Reset(bytes.NewReader(b), nil)
	}
	return zlib.NewReader(bytes.NewReader(b))
}

// unzstd reads one zstd frame (RFC 8878) and ignores the padding behind it.
func (c *codecs) unzstd(b []byte, size int) ([]byte, error) {
	c.once.Do(func() {
		c.zstd, c.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxPacked), zstd.WithDecoderMaxMemory(maxPacked), zstd.WithDecodeAllCapLimit(true))
	})
	if c.err != nil {
		return nil, c.err
	}
	n, holds, err := zstdFrame(b)
	if err != nil {
		return nil, err
	}
	// Linux compresses whole sectors, so a frame can hold more than is wanted.
	out, err := c.zstd.DecodeAll(b[:n], make([]byte, 0, max(size, holds)))
	if err != nil {
		return nil, err
	}
	return out[:min(len(out), size)], nil
}

// zstdFrame returns the length of the zstd frame at the start of b, and how
// much it may hold.
func zstdFrame(b []byte) (length, holds int, err error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return 0, 0, err
	}
	if h.Skippable {
		return 0, 0, errors.New("a skippable zstd frame")
	}
	holds = 128 << 10 // BTRFS_MAX_UNCOMPRESSED
	if h.HasFCS {
		if h.FrameContentSize > maxPacked {
			return 0, 0, fmt.Errorf("a zstd frame of %d bytes", h.FrameContentSize)
		}
		holds = int(h.FrameContentSize)
	}
	for at := h.HeaderSize; at+3 <= len(b); {
		head := uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16
		size := int(head >> 3)
		if head>>1&3 == 1 { // RLE: one byte
			size = 1
		}
		at += 3 + size
		if head&1 == 0 {
			continue
		}
		if h.HasCheckSum {
			at += 4
		}
		if at > len(b) {
			break
		}
		return at, holds, nil
	}
	return 0, 0, errShort
}

// unpackLZO reads btrfs' framing of LZO: a total length, then segments, each a
// length and what one sector became. A segment's length does not cross a
// sector: fs/btrfs/lzo.c.
func unpackLZO(b []byte, size, sector int) ([]byte, error) {
	if len(b) < 4 {
		return nil, errShort
	}
	total := int(binary.LittleEndian.Uint32(b))
	if total > len(b) || total < 4 {
		return nil, fmt.Errorf("LZO: %d bytes of %d", total, len(b))
	}
	b = b[:total]
	out := make([]byte, 0, size)
	for at := 4; at < total && len(out) < size; {
		if left := sector - at%sector; left < 4 {
			at += left
		}
		if at+4 > total {
			return nil, errShort
		}
		n := int(binary.LittleEndian.Uint32(b[at:]))
		at += 4
		if n > total-at || n < 0 {
			return nil, errShort
		}
		before := len(out)
		var err error
		if out, err = lzo1x(out, b[at:at+n], min(size, before+sector)); err != nil {
			return nil, err
		}
		at += n
		if len(out)-before < sector && len(out) < size {
			out = append(out, make([]byte, min(size, before+sector)-len(out))...)
		}
	}
	return out, nil
}
