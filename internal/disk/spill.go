package disk

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"assay/internal/binread"
)

// DefaultSpillLimit is how much decompressed data is kept when the caller does
// not say.
const DefaultSpillLimit = 64 << 30

// ErrSpillLimit says that a compressed image is larger than allowed.
var ErrSpillLimit = errors.New("the decompressed image is over the limit")

const (
	// maxWindow is the memory that a zstd frame may ask for: what zstd itself
	// grants without being told (--long=27).
	maxWindow = 128 << 20
	// spillSparse is how many times the limit a decompressed image may be
	// long when the rest is zeros, which costs time but no space.
	spillSparse = 32
	spillBlock  = 4096 // zeros of this size and alignment are not kept
	spillChunk  = 1 << 20
)

// decompressed returns src, or when it is a gzip (RFC 1952) or zstd (RFC 8878)
// stream, the spill file that holds its content.
func (o *opener) decompressed(src source) (source, error) {
	magic := make([]byte, 4)
	if n, err := src.ReadAt(magic, 0); err != nil && (err != io.EOF || n < len(magic)) {
		if err == io.EOF {
			return src, nil
		}
		return src, err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(src, 0, src.size), spillChunk)
	var kind string
	var open func() (io.Reader, func(), error)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b, 8}):
		kind = "gzip"
		open = func() (io.Reader, func(), error) {
			z, err := gzip.NewReader(in)
			return z, func() {}, err
		}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		kind = "zstd"
		open = func() (io.Reader, func(), error) {
			z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, nil, err
			}
			return z, z.Close, nil
		}
	default:
		return src, nil
	}
	if o.opts.SpillDir == "" {
		return src, binread.Unsupported(kind, "a compressed image, without a folder to decompress it to,")
	}
	z, done, err := open()
	if err != nil {
		return src, binread.Errorf(kind, 0, "%v", err)
	}
	defer done()
	return o.spill(kind, src.name, z)
}

// spill copies z into a file without a name and returns that.
func (o *opener) spill(kind, name string, z io.Reader) (source, error) {
	f, err := os.CreateTemp(o.opts.SpillDir, ".assay-spill-*")
	if err != nil {
		return source{}, err
	}
	o.file.owned = append(o.file.owned, f)
	// Without its name the file is gone when the process is, however it ends.
	if err := os.Remove(f.Name()); err != nil {
		return source{}, err
	}
	w := &sparseWriter{f: f, limit: o.opts.SpillLimit}
	if w.limit <= 0 {
		w.limit = DefaultSpillLimit
	}
	buf := make([]byte, spillChunk)
	for {
		n, rerr := io.ReadFull(z, buf)
		if err := w.write(buf[:n]); err != nil {
			return source{}, fmt.Errorf("%s: %w", kind, err)
		}
		if rerr == io.EOF || (rerr == io.ErrUnexpectedEOF && n < len(buf) && ended(z)) {
			break
		}
		if rerr != nil {
			return source{}, binread.Errorf(kind, -1, "broken after %d decompressed bytes: %v", w.size, rerr)
		}
	}
	if err := f.Truncate(w.size); err != nil {
		return source{}, err
	}
	o.file.notes = append(o.file.notes, fmt.Sprintf("decompressed from %s to %d bytes", kind, w.size))
	return newSource(f, name)
}

// ended tells the end of a stream from a stream that was cut short, for which
// io.ReadFull has one error: at a proper end the next read is io.EOF.
func ended(z io.Reader) bool {
	n, err := z.Read(make([]byte, 1))
	return n == 0 && err == io.EOF
}

// sparseWriter writes a stream to a file and leaves holes for zeros.
type sparseWriter struct {
	f                 *os.File
	limit, size, kept int64
}

var zeros [spillBlock]byte

// write appends p, whose length is a multiple of spillBlock but at the end.
func (w *sparseWriter) write(p []byte) error {
	for len(p) > 0 {
		n, zero := prefix(p)
		if !zero {
			if w.kept += int64(n); w.kept > w.limit {
				return fmt.Errorf("%w of %d bytes", ErrSpillLimit, w.limit)
			}
			if _, err := w.f.WriteAt(p[:n], w.size); err != nil {
				return err
			}
		}
		if w.size += int64(n); w.size/spillSparse > w.limit {
			return fmt.Errorf("%w of %d bytes, even %d times that", ErrSpillLimit, w.limit, spillSparse)
		}
		p = p[n:]
	}
	return nil
}

// prefix returns how many bytes p starts with that are all zero blocks, or all
// not.
func prefix(p []byte) (n int, zero bool) {
	for n < len(p) {
		b := p[n:min(n+spillBlock, len(p))]
		z := bytes.Equal(b, zeros[:len(b)])
		if n > 0 && z != zero {
			break
		}
		zero = z
		n += len(b)
	}
	return n, zero
}
