package xz

import (
	"bufio"
	"encoding/binary"
	"io"
)

// An lzma2 decodes LZMA2 chunks.
type lzma2 struct {
	r     *bufio.Reader
	d     lzma
	win   window
	left  int  // bytes of the chunk that are still to come out
	raw   bool // the chunk is not compressed
	ready bool // the dictionary was reset
	props bool // lc, lp and pb are known
	fresh bool // the state was reset since the dictionary or the properties
	done  bool
	read  int64 // bytes of chunks that were read since begin
	in    []byte
}

// begin starts a sequence of chunks with a dictionary size (5.3.1).
func (z *lzma2) begin(dict int64) {
	z.win.setDict(dict)
	z.left, z.ready, z.props, z.fresh, z.done, z.read = 0, false, false, false, false, 0
}

// next gives bytes that came out. They are valid until the next call.
func (z *lzma2) next() ([]byte, error) {
	for {
		w := &z.win
		if w.r < w.w {
			b := w.b[w.r:w.w]
			w.r = w.w
			return b, nil
		}
		if z.done {
			return nil, io.EOF
		}
		if z.left == 0 {
			if err := z.chunk(); err != nil {
				return nil, err
			}
			continue
		}
		if err := w.room(); err != nil {
			return nil, err
		}
		if err := z.decode(); err != nil {
			return nil, err
		}
	}
}

func (z *lzma2) decode() error {
	w := &z.win
	before := w.w
	if z.raw {
		n := min(z.left, len(w.b)-w.w)
		n, err := io.ReadFull(z.r, w.b[w.w:w.w+n])
		w.w += n
		w.since += int64(n)
		z.read += int64(n)
		if z.left -= n; err != nil {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	marker, err := z.d.run(w, z.left)
	z.left -= w.w - before
	if err == nil && (marker || z.left == 0 && (z.d.pending > 0 || z.d.ip != z.d.end || z.d.code != 0)) {
		err = errCorrupt
	}
	return err
}

// chunk reads a chunk's header, and its bytes where they are compressed.
func (z *lzma2) chunk() error {
	c, err := z.r.ReadByte()
	if err != nil {
		return eof(err)
	}
	z.read++
	if c == 0 {
		z.done = true
		return nil
	}
	if c == 1 || c >= 0xe0 {
		z.win.since, z.ready, z.fresh = 0, true, false
	}
	if !z.ready || c > 2 && c < 0x80 {
		return errCorrupt
	}
	var h [5]byte
	if c < 0x80 {
		if _, err := io.ReadFull(z.r, h[:2]); err != nil {
			return eof(err)
		}
		z.left, z.raw = int(binary.BigEndian.Uint16(h[:]))+1, true
		z.read += 2
		return nil
	}
	n := 4
	if c >= 0xc0 {
		n = 5
	}
	if _, err := io.ReadFull(z.r, h[:n]); err != nil {
		return eof(err)
	}
	z.left, z.raw = int(c&0x1f)<<16+int(binary.BigEndian.Uint16(h[:]))+1, false
	if c >= 0xc0 {
		if err := z.d.props(h[4]); err != nil {
			return err
		}
		z.props = true
	}
	if !z.props || c < 0xa0 && !z.fresh {
		return errCorrupt
	}
	if c >= 0xa0 {
		z.d.reset()
		z.fresh = true
	}
	size := int(binary.BigEndian.Uint16(h[2:])) + 1
	if z.in == nil {
		z.in = make([]byte, 1<<16+padding)
	}
	if _, err := io.ReadFull(z.r, z.in[:size]); err != nil {
		return eof(err)
	}
	z.read += int64(n + size)
	clear(z.in[size : size+padding])
	z.d.in, z.d.ip, z.d.end = z.in, 0, size
	return z.d.start()
}

func eof(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
