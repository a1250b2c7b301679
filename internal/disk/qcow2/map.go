package qcow2

import (
	"encoding/binary"
	"io"

	"assay/internal/binread"
	"assay/internal/disk/image"
)

// Bits of an L1 or L2 entry.
const (
	offsetMask     = 0x00ff_ffff_ffff_fe00
	flagCompressed = 1 << 62
	flagZero       = 1 << 0 // version 3, standard entries only
)

type kind uint8

const (
	unallocated kind = iota
	zero
	data
	compressed
)

// A piece is a cluster, or with extended L2 entries a subcluster: the unit
// that is allocated or not.
type piece struct {
	kind kind
	host int64 // of data: host offset; of compressed: the descriptor
}

// piecesPer is the number of pieces in a cluster.
func (im *Image) piecesPer() int64 {
	if im.h.extended() {
		return 32
	}
	return 1
}

// piece decodes piece i of the L2 table t, which lies at host offset at.
func (im *Image) piece(t []byte, at, i int64) (piece, error) {
	if im.h.extended() {
		return im.subcluster(t, at, i)
	}
	e := binary.BigEndian.Uint64(t[8*i:])
	host := int64(e & offsetMask)
	switch {
	case e&flagCompressed != 0:
		return piece{compressed, int64(e &^ (3 << 62))}, nil
	case e&flagZero != 0:
		if im.h.version < 3 {
			return piece{}, binread.Errorf(format, at+8*i, "a zero cluster in a version 2 image")
		}
		return piece{kind: zero}, nil
	case host == 0:
		return piece{}, nil
	case host&(im.h.clusterSize()-1) != 0:
		return piece{}, binread.Errorf(format, at+8*i, "the cluster at %#x is not aligned", host)
	}
	return piece{data, host}, nil
}

// subcluster decodes subcluster i, counted from the table's start, of a table
// of extended entries: the second word holds 32 allocation and 32 zero bits.
func (im *Image) subcluster(t []byte, at, i int64) (piece, error) {
	entry, sub := 16*(i/32), i%32
	e, bits := binary.BigEndian.Uint64(t[entry:]), binary.BigEndian.Uint64(t[entry+8:])
	if e&flagCompressed != 0 {
		return piece{compressed, int64(e &^ (3 << 62))}, nil
	}
	host := int64(e & offsetMask)
	if host&(im.h.clusterSize()-1) != 0 {
		return piece{}, binread.Errorf(format, at+entry, "the cluster at %#x is not aligned", host)
	}
	alloc, zeroed := bits>>sub&1 != 0, bits>>(32+sub)&1 != 0
	switch {
	case alloc && (zeroed || host == 0):
		return piece{}, binread.Errorf(format, at+entry+8, "the subcluster bitmap %#x contradicts itself", bits)
	case zeroed:
		return piece{kind: zero}, nil
	case alloc:
		return piece{data, host + sub*im.h.clusterSize()/32}, nil
	}
	return piece{}, nil
}

// Run implements image.Mapper.
func (im *Image) Run(off, want int64) (image.Run, error) {
	want = min(want, im.h.size-off)
	cs := im.h.clusterSize()
	per := cs * im.h.perTable() // virtual bytes that one L2 table maps
	at, err := im.l1Entry(off / per)
	if err != nil {
		return image.Run{}, err
	}
	if at == 0 {
		return im.behind(off, per-off%per)
	}
	t, err := im.table(at)
	if err != nil {
		return image.Run{}, err
	}
	unit := cs / im.piecesPer()
	i, in := off%per/unit, off%unit
	p, err := im.piece(t, at, i)
	if err != nil {
		return image.Run{}, err
	}
	if p.kind == compressed {
		b, err := im.inflated(p.host)
		if err != nil {
			return image.Run{}, err
		}
		return image.Run{Len: cs - off%cs, Src: bytesAt(b), Off: off % cs}, nil
	}
	n := unit - in
	for last := per/unit - 1; n < want && i < last; n += unit {
		i++
		q, err := im.piece(t, at, i)
		if err != nil || q.kind != p.kind || (p.kind == data && q.host != p.host+in+n) {
			break // an error is told when the read comes to that piece
		}
	}
	switch p.kind {
	case data:
		return image.Run{Len: n, Src: im.r, Off: p.host + in}, nil
	case zero:
		return image.Run{Len: n}, nil
	}
	return im.behind(off, n)
}

// behind returns the run of n unallocated bytes at off: the backing file's,
// zeros past its end or without one.
func (im *Image) behind(off, n int64) (image.Run, error) {
	if im.backing == nil || off >= im.backing.Size() {
		return image.Run{Len: n}, nil
	}
	return image.Run{Len: min(n, im.backing.Size()-off), Src: im.backing, Off: off}, nil
}

// bytesAt is a cluster in memory; image.Read asks for no more than it holds.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
