package qcow2

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

// Options says what an image may reach for beside its own bytes.
type Options struct {
	// Backing opens the backing file that the header names. name and format
	// are the header's bytes: a stranger's, not to be trusted; format may be
	// empty. Nil refuses every image that needs a backing file.
	Backing func(name, format string) (image.Image, error)
}

// An Image is an open qcow2 image.
type Image struct {
	r        io.ReaderAt
	fileSize int64
	h        *header
	l1       []byte      // big-endian entries, as many as the virtual size needs
	backing  image.Image // nil without one
	info     image.Info
	// snapshotsEnd is the end of the snapshot table, 0 when it is broken.
	snapshotsEnd int64
	l2           *image.Cache[int64] // by host offset of the table
	clusters     *image.Cache[int64] // by host offset of the compressed data
	pools        *pools
	data         func() (span.Set, error)
}

// Memory kept for each open image, of which a chain of backing files has
// several: tables for 64 GiB in the usual clusters of 64 KiB, and at least two
// clusters of the largest size.
const (
	l2CacheBytes      = 8 << 20
	clusterCacheBytes = 5 << 20
)

// Open reads the header and the L1 table of the image in r's first size
// bytes. It fails with binread.ErrNotMine when r is no qcow2 image.
func Open(r io.ReaderAt, size int64, opts Options) (*Image, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	im := &Image{r: r, fileSize: size, h: h, pools: newPools(),
		l2:       image.NewCache[int64](l2CacheBytes),
		clusters: image.NewCache[int64](clusterCacheBytes),
	}
	if err := im.readL1(); err != nil {
		return nil, err
	}
	im.describe()
	if h.backing != "" {
		if opts.Backing == nil {
			return nil, binread.Unsupported(format, "the backing file %q, which was not allowed,", h.backing)
		}
		if im.backing, err = opts.Backing(h.backing, h.backingFormat); err != nil {
			return nil, fmt.Errorf("backing file %q: %w", h.backing, err)
		}
	}
	im.data = sync.OnceValues(im.findData)
	return im, nil
}

func (im *Image) readL1() error {
	n := im.h.l1Needed()
	if n > int64(im.h.l1Size) {
		return binread.Errorf(format, 36, "an L1 table of %d entries is too small: %d bytes need %d", im.h.l1Size, im.h.size, n)
	}
	var err error
	im.l1, err = binread.At(im.r, format, im.h.l1Offset, 8*n, maxL1Bytes)
	return err
}

func (im *Image) describe() {
	h := im.h
	im.info = image.Info{Format: format, Variant: h.variant(), Backing: h.backing}
	note := func(s string, args ...any) { im.info.Notes = append(im.info.Notes, fmt.Sprintf(s, args...)) }
	if h.incompat&incompatDirty != 0 {
		note("the dirty bit is set: the image was not closed, its refcounts may be stale")
	}
	if h.incompat&incompatCorrupt != 0 {
		note("the corrupt bit is set: QEMU found this image damaged")
	}
	if h.bitmaps {
		note("the image holds persistent bitmaps")
	}
	snaps, err := im.readSnapshots()
	for _, s := range snaps {
		im.info.Snapshots = append(im.info.Snapshots, s.name)
		if s.vmState > 0 {
			note("the snapshot %q holds %d bytes of a saved machine state", s.name, s.vmState)
		}
	}
	if err != nil {
		note("the snapshot table is broken: %v", err)
	}
}

// Size implements image.Image.
func (im *Image) Size() int64 { return im.h.size }

// Info implements image.Image.
func (im *Image) Info() image.Info { return im.info }

// Data implements image.Image.
func (im *Image) Data() (span.Set, error) { return im.data() }

// ReadAt implements image.Image.
func (im *Image) ReadAt(p []byte, off int64) (int, error) {
	return image.Read(im, format, im.h.size, p, off)
}

// l1Entry returns the host offset of L2 table i, 0 when there is none.
func (im *Image) l1Entry(i int64) (int64, error) {
	e := binary.BigEndian.Uint64(im.l1[8*i:])
	off := int64(e & offsetMask)
	if off&(im.h.clusterSize()-1) != 0 {
		return 0, binread.Errorf(format, im.h.l1Offset+8*i, "the L2 table at %#x is not aligned to a cluster", off)
	}
	return off, nil
}

// table returns the L2 table at the host offset off.
func (im *Image) table(off int64) ([]byte, error) {
	return im.l2.Get(off, func() ([]byte, error) { return im.loadTable(off) })
}

func (im *Image) loadTable(off int64) ([]byte, error) {
	return binread.At(im.r, format, off, im.h.clusterSize(), 1<<maxClusterBits)
}
