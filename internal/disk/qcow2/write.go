package qcow2

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"assay/internal/binread"
	"assay/internal/disk/image"
)

// What is written: version 3 with clusters and refcounts of the usual size
// (QEMU docs/interop/qcow2.txt).
const (
	outBits     = 16
	outCluster  = 1 << outBits
	perL2       = outCluster / 8 // clusters that one L2 table maps
	perRefBlock = outCluster / 2 // clusters that one refcount block of 16-bit counts covers

	flagCopied = 1 << 63 // the cluster's refcount is exactly one
	// sectorShift is where a compressed cluster's descriptor counts the
	// sectors beyond the first: 62 - (cluster bits - 8).
	sectorShift = 62 - (outBits - 8)
)

// Write writes img into out, which must be empty, as qcow2: every cluster that
// is not all zero once, in the order of the disk, then the tables. compress is
// "", "zlib" or "zstd". A size that is no multiple of 512 is rounded up, as
// QEMU does with such a raw disk.
func Write(ctx context.Context, out image.Out, img image.Image, compress string, o image.WriteOptions) error {
	size := img.Size()
	if size > (maxL1Bytes/8)*perL2*outCluster {
		return binread.Unsupported(format, "writing a disk of %d bytes", size)
	}
	w := newWriter(out, (size+511)&^511, compress == "zstd")
	p := image.Pass[squeezed]{WriteOptions: o, Image: img, Block: outCluster}
	switch compress {
	case "":
		p.Sink = func(piece *image.Piece[squeezed]) error { return w.plain(piece.Off, piece) }
	case "zlib", "zstd":
		p.Work = func(piece *image.Piece[squeezed]) error { return piece.Work.squeeze(piece.B, piece.Runs, w.zstd) }
		p.Sink = func(piece *image.Piece[squeezed]) error { return w.packed(piece.Off, piece) }
	default:
		return binread.Unsupported(format, "the compression %q", compress)
	}
	if err := p.Run(ctx); err != nil {
		return err
	}
	return w.finish()
}

// writer makes one file. Clusters are only ever added at its end; what is held
// of the tables is one L2 table, the L1 table, and the refcount blocks that
// may still change.
type writer struct {
	out  image.Out
	size int64 // of the disk
	zstd bool
	end  int64 // of the last cluster

	l1    []byte
	l2    []byte
	l2For int64 // index of the table in l2; -1 for none

	refs     map[int64][]byte // refcount blocks by number
	refTable []int64          // where those are that were written; 0 for those in refs

	packAt, packEnd int64 // room for compressed clusters
}

func newWriter(out image.Out, size int64, zstd bool) *writer {
	w := &writer{out: out, size: size, zstd: zstd, refs: map[int64][]byte{}, l2: make([]byte, outCluster), l2For: -1}
	w.l1 = make([]byte, max(1, (size+perL2*outCluster-1)/(perL2*outCluster))*8)
	w.allocate(1) // the header, which comes last
	return w
}

func (w *writer) write(b []byte, off int64) error {
	if _, err := w.out.WriteAt(b, off); err != nil {
		return fmt.Errorf("qcow2: writing at byte %d: %w", off, err)
	}
	return nil
}

// allocate adds n clusters that are used once.
func (w *writer) allocate(n int64) int64 {
	off := w.end
	w.end += n * outCluster
	for c := off; c < w.end; c += outCluster {
		w.count(c)
	}
	return off
}

// count adds one to the refcount of the cluster at off.
func (w *writer) count(off int64) {
	c := off / outCluster
	b := w.refs[c/perRefBlock]
	if b == nil {
		b = make([]byte, outCluster)
		w.refs[c/perRefBlock] = b
	}
	at := b[2*(c%perRefBlock):]
	binary.BigEndian.PutUint16(at, binary.BigEndian.Uint16(at)+1)
}

// plain writes a window's clusters as they are.
func (w *writer) plain(off int64, p *image.Piece[squeezed]) error {
	if err := w.table(off); err != nil {
		return err
	}
	for _, r := range p.Runs {
		n := (r.Len + outCluster - 1) / outCluster
		host := w.allocate(n)
		if err := w.write(p.B[r.Off:r.End()], host); err != nil {
			return err
		}
		for k := range n {
			w.entry(off+r.Off+k*outCluster, flagCopied|uint64(host+k*outCluster))
		}
	}
	return w.settle()
}

// packed writes a window's clusters compressed, one behind the other. Those
// that would not get smaller are written as they are.
func (w *writer) packed(off int64, p *image.Piece[squeezed]) error {
	if err := w.table(off); err != nil {
		return err
	}
	s := &p.Work
	var from, to, host int64 // bytes of s.b to be written at host
	for _, c := range s.clusters {
		if c.raw {
			at := w.allocate(1)
			if err := w.write(p.B[c.in:min(c.in+outCluster, int64(len(p.B)))], at); err != nil {
				return err
			}
			w.entry(off+c.in, flagCopied|uint64(at))
			continue
		}
		n := c.to - c.from
		at := w.pack(n)
		if at != host+to-from || c.from != to {
			if err := w.write(s.b[from:to], host); err != nil {
				return err
			}
			from, host = c.from, at
		}
		to = c.to
		sectors := uint64(at%512+n-1) / 512
		w.entry(off+c.in, flagCompressed|sectors<<sectorShift|uint64(at))
	}
	if err := w.write(s.b[from:to], host); err != nil {
		return err
	}
	return w.settle()
}

// pack finds room for n compressed bytes. A cluster that holds parts of
// several compressed ones counts as used by each of them.
func (w *writer) pack(n int64) int64 {
	if n > w.packEnd-w.packAt {
		if w.packEnd != w.end { // others lie behind: begin anew
			w.packAt, w.packEnd = w.end, w.end
		}
		for n > w.packEnd-w.packAt {
			w.packEnd += outCluster
		}
		w.end = w.packEnd
	}
	at := w.packAt
	w.packAt += n
	for c := at &^ (outCluster - 1); c < w.packAt; c += outCluster {
		w.count(c)
	}
	return at
}

// table makes the L2 table for the guest offset off the current one. Windows
// do not go over the borders of tables.
func (w *writer) table(off int64) error {
	i := off / (perL2 * outCluster)
	if i == w.l2For {
		return nil
	}
	if err := w.flushTable(); err != nil {
		return err
	}
	w.l2For = i
	return nil
}

func (w *writer) flushTable() error {
	if w.l2For < 0 {
		return nil
	}
	at := w.allocate(1)
	binary.BigEndian.PutUint64(w.l1[8*w.l2For:], flagCopied|uint64(at))
	if err := w.write(w.l2, at); err != nil {
		return err
	}
	clear(w.l2)
	return nil
}

func (w *writer) entry(off int64, e uint64) {
	binary.BigEndian.PutUint64(w.l2[off/outCluster%perL2*8:], e)
}

// settle writes the refcount blocks that cannot change any more: those before
// the end of the file and before the cluster that is being packed.
func (w *writer) settle() error {
	const covers = perRefBlock * outCluster // bytes of the file
	low := w.end
	if w.packAt < w.packEnd {
		low = min(low, w.packAt)
	}
	for int64(len(w.refTable)) < low/covers {
		i := int64(len(w.refTable))
		at := w.allocate(1)
		if err := w.write(w.refs[i], at); err != nil {
			return err
		}
		w.refTable = append(w.refTable, at)
		delete(w.refs, i)
	}
	return nil
}

// finish writes what is left: tables, refcounts and, when all else is there,
// the header.
func (w *writer) finish() error {
	if err := w.flushTable(); err != nil {
		return err
	}
	l1 := w.allocate(clusters(int64(len(w.l1))))
	if err := w.write(w.l1, l1); err != nil {
		return err
	}
	// Two blocks more than the file has now: for the table itself, and for
	// the blocks.
	entries := w.end/(perRefBlock*outCluster) + 3
	tableLen := clusters(entries * 8)
	tableAt := w.allocate(tableLen)
	for int64(len(w.refTable))*perRefBlock*outCluster < w.end {
		w.refTable = append(w.refTable, w.allocate(1))
	}
	table := make([]byte, tableLen*outCluster)
	for i, at := range w.refTable {
		binary.BigEndian.PutUint64(table[8*i:], uint64(at))
		if b := w.refs[int64(i)]; b != nil {
			if err := w.write(b, at); err != nil {
				return err
			}
		}
	}
	if err := w.write(table, tableAt); err != nil {
		return err
	}
	if err := w.out.Truncate(w.end); err != nil {
		return err
	}
	return w.write(w.header(l1, tableAt, tableLen), 0)
}

func clusters(n int64) int64 { return (n + outCluster - 1) / outCluster }

// header is the file's first bytes, up to and with the empty list of header
// extensions.
func (w *writer) header(l1, refTable, refClusters int64) []byte {
	const length = 112
	b := make([]byte, length+8)
	be := binary.BigEndian
	copy(b, magic)
	be.PutUint32(b[4:], 3)
	be.PutUint32(b[20:], outBits)
	be.PutUint64(b[24:], uint64(w.size))
	be.PutUint32(b[36:], uint32(len(w.l1)/8))
	be.PutUint64(b[40:], uint64(l1))
	be.PutUint64(b[48:], uint64(refTable))
	be.PutUint32(b[56:], uint32(min(refClusters, math.MaxUint32)))
	if w.zstd {
		be.PutUint64(b[72:], incompatCompression)
		b[104] = 1
	}
	be.PutUint32(b[96:], 4) // refcounts of 2^4 bits
	be.PutUint32(b[100:], length)
	return b
}
