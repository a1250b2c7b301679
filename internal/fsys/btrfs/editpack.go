package btrfs

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"assay/internal/fsys"
)

// maxPlain is how much content one compressed extent holds at most:
// BTRFS_MAX_UNCOMPRESSED. Linux' zstd has room for windows of this size only.
const maxPlain = 128 << 10

// repack returns what a compressed extent is to hold on disk after change was
// applied to all its content: a stream, and zeros up to the extent's length.
// It is fsys.ErrCannot when the stream becomes longer than that.
func (e *Editor) repack(x extent, change func(plain []byte)) ([]byte, error) {
	if x.ram > maxPlain || x.compression == compressLZO {
		return nil, fmt.Errorf("btrfs: logical %d: its compression cannot be made again: %w", x.disk, fsys.ErrCannot)
	}
	old, err := e.unpackExtent(x, e.hasSum(x))
	if err != nil {
		return nil, err
	}
	plain := make([]byte, x.ram)
	copy(plain, old)
	change(plain)
	out, err := pack(x.compression, plain)
	if err != nil {
		return nil, err
	}
	if uint64(len(out)) > x.diskLen {
		return nil, fmt.Errorf("btrfs: logical %d: %d compressed bytes where %d fit: %w", x.disk, len(out), x.diskLen, fsys.ErrCannot)
	}
	return append(out, make([]byte, x.diskLen-uint64(len(out)))...), nil
}

// hasSum tells whether an extent has checksums at all.
func (e *Editor) hasSum(x extent) bool {
	s, err := e.dataSums(x.disk, int(e.sb.sectorsize))
	return err != nil || s.have[0]
}

// pack compresses as Linux can read it.
func pack(kind uint8, plain []byte) ([]byte, error) {
	if kind == compressZstd {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true),
			zstd.WithWindowSize(maxPlain), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			return nil, err
		}
		return w.EncodeAll(plain, nil), w.Close()
	}
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// putPacked writes what repack made.
func (e *Editor) putPacked(x extent, b []byte) error {
	e.plain = newCache[*plainExtent](plainCacheBytes)
	return e.putSectors(x.disk, b)
}

// zeroPacked makes a compressed extent hold zeros and nothing else. It stays a
// valid stream, as Linux shows what lies behind a file's end when the file
// grows again.
func (e *Editor) zeroPacked(x extent) error {
	out := make([]byte, x.diskLen)
	switch {
	case x.compression != compressLZO && x.ram <= maxPlain:
		b, err := pack(x.compression, make([]byte, x.ram))
		if err != nil {
			return err
		}
		if len(b) > copy(out, b) {
			clear(out)
		}
	case x.compression == compressLZO:
		zeroLZO(out, int(x.ram), int(e.sb.sectorsize))
	}
	e.zeroed += int64(len(out))
	return e.putPacked(x, out)
}

// zeroLZO fills b with the segments of size zeros, see unpackLZO; with zeros
// where they have no room. The total length is that of b, which must not be
// more than a sector longer for Linux.
func zeroLZO(b []byte, size, sector int) {
	seg := []byte{17 + 4, 0, 0, 0, 0, 1 << 5} // four literals, then a copy of the last as often as:
	n := sector - 4 - 33
	for ; n > 255; n -= 255 {
		seg = append(seg, 0)
	}
	seg = append(seg, byte(n), 0, 0, 1<<4|1, 0, 0)
	le.PutUint32(b, uint32(len(b)))
	at := 4
	for ; size > 0; size -= sector {
		if left := sector - at%sector; left < 4 {
			at += left
		}
		if len(b)-at < 4+len(seg) {
			clear(b)
			return
		}
		le.PutUint32(b[at:], uint32(len(seg)))
		at += 4 + copy(b[at+4:], seg)
	}
}
