package vmdk

import (
	"fmt"
	"io"
	"math"
	"sort"
	"sync"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

const format = "vmdk"

// Options says what an image may reach for beside its own bytes.
type Options struct {
	// Extent opens an extent beside the descriptor, and tells its size. name
	// is always a plain file name, but a stranger's. Nil refuses every disk
	// that lies in more than one file.
	Extent func(name string) (io.ReaderAt, int64, error)
}

// part is an extent at its place in the disk. Without sparse and flat it reads
// as zero.
type part struct {
	off, size int64 // in the disk
	sparse    *sparse
	flat      io.ReaderAt
	flatOff   int64
}

type disk struct {
	shared *shared
	parts  []part
	gdLen  int // bytes of all grain directories
	size   int64
	info   image.Info
	data   func() (span.Set, error)
}

func (d *disk) Size() int64             { return d.size }
func (d *disk) Info() image.Info        { return d.info }
func (d *disk) Data() (span.Set, error) { return d.data() }
func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return image.Read(d, format, d.size, p, off)
}

// Open reads the VMDK in r's first size bytes: a sparse extent, or a
// descriptor. It fails with binread.ErrNotMine when it is neither.
func Open(r io.ReaderAt, size int64, opts Options) (image.Image, error) {
	d := &disk{shared: newShared(), info: image.Info{Format: format}}
	s, err := openSparse(r, size, d.shared, 0)
	switch {
	case err == nil:
		err = d.single(s)
	case err == binread.ErrNotMine:
		err = d.described(r, size, opts)
	}
	if err != nil {
		return nil, err
	}
	d.data = sync.OnceValues(d.findData)
	return d, nil
}

func (d *disk) note(s string, args ...any) {
	d.info.Notes = append(d.info.Notes, fmt.Sprintf(s, args...))
}

// single makes the disk of one sparse extent that describes itself.
func (d *disk) single(s *sparse) error {
	if s.descAt == 0 {
		d.info.Variant = "sparse extent"
		d.note("the file holds no descriptor: it may be one part of a disk in several files")
	} else {
		b, err := binread.At(s.r, format, s.descAt, min(s.descLen, maxDescriptor), maxDescriptor)
		if err != nil {
			return err
		}
		desc, err := parseDescriptor(string(b))
		if err != nil {
			return err
		}
		d.info.Variant = desc.createType
		if len(desc.extents) > 1 {
			return binread.Unsupported(format, "an embedded descriptor of %d extents", len(desc.extents))
		}
	}
	return d.add(part{size: s.size, sparse: s})
}

// described makes the disk of the extents that a descriptor file names.
func (d *disk) described(r io.ReaderAt, size int64, opts Options) error {
	b, err := binread.At(r, format, 0, min(size, 64), 64)
	if err != nil {
		return err
	}
	if !isDescriptor(b) {
		return binread.ErrNotMine
	}
	if b, err = binread.At(r, format, 0, min(size, maxDescriptor), maxDescriptor); err != nil {
		return err
	}
	desc, err := parseDescriptor(string(b))
	if err != nil {
		return err
	}
	d.info.Variant = desc.createType
	if len(desc.extents) == 0 {
		return binread.Errorf(format, 0, "the descriptor names no extent")
	}
	for _, e := range desc.extents {
		p, err := d.open(e, opts)
		if err != nil {
			return err
		}
		if err := d.add(p); err != nil {
			return err
		}
	}
	return nil
}

// open opens the extent that a descriptor's line names.
func (d *disk) open(e extent, opts Options) (part, error) {
	p := part{size: e.size}
	if e.access == "NOACCESS" {
		return p, binread.Unsupported(format, "an extent without access")
	}
	switch e.kind {
	case "ZERO":
		return p, nil
	case "FLAT", "VMFS", "SPARSE":
	default:
		return p, binread.Unsupported(format, "an extent of type %q", e.kind)
	}
	if !plain(e.name) {
		return p, binread.Unsupported(format, "the extent %q, which is not a plain file name,", e.name)
	}
	if opts.Extent == nil {
		return p, binread.Unsupported(format, "the extent %q in a file of its own, which was not handed in,", e.name)
	}
	r, size, err := opts.Extent(e.name)
	if err != nil {
		return p, fmt.Errorf("extent %q: %w", e.name, err)
	}
	if e.kind != "SPARSE" {
		p.flat, p.flatOff = r, e.offset
		if size-e.offset < e.size {
			d.note("the extent %q has %d bytes, %d are missing", e.name, size, e.size-(size-e.offset))
		}
		return p, nil
	}
	p.sparse, err = openSparse(r, size, d.shared, len(d.parts))
	switch {
	case err == binread.ErrNotMine:
		return p, binread.Errorf(format, 0, "the extent %q is no sparse extent", e.name)
	case err != nil:
		return p, fmt.Errorf("extent %q: %w", e.name, err)
	case p.sparse.size < e.size:
		return p, binread.Errorf(format, 12, "the extent %q has %d bytes, not %d", e.name, p.sparse.size, e.size)
	}
	return p, nil
}

// add appends p to the disk.
func (d *disk) add(p part) error {
	p.off = d.size
	if p.size > math.MaxInt64-d.size {
		return binread.Errorf(format, -1, "the extents are over 8 EiB together")
	}
	if p.sparse != nil {
		if d.gdLen += len(p.sparse.gd); d.gdLen > 2*maxGD {
			return binread.Errorf(format, p.sparse.gdAt, "the grain directories are over %d bytes together", 2*maxGD)
		}
		if p.sparse.unclean {
			d.note("the image was not closed cleanly")
		}
	}
	d.size += p.size
	d.parts = append(d.parts, p)
	return nil
}

// Run implements image.Mapper.
func (d *disk) Run(off, want int64) (image.Run, error) {
	i := sort.Search(len(d.parts), func(i int) bool { return d.parts[i].off+d.parts[i].size > off })
	p := d.parts[i] // off is below the size, so there is one
	in, rest := off-p.off, p.off+p.size-off
	run := image.Run{Len: rest}
	switch {
	case p.flat != nil:
		run.Src, run.Off = p.flat, p.flatOff+in
	case p.sparse != nil:
		var err error
		if run, err = p.sparse.Run(in, min(want, rest)); err != nil {
			return run, err
		}
		run.Len = min(run.Len, rest)
	}
	return run, nil
}

// findData computes Data.
func (d *disk) findData() (span.Set, error) {
	var c image.Collector
	for _, p := range d.parts {
		switch {
		case p.sparse != nil:
			var sub image.Collector
			if err := p.sparse.data(&sub); err != nil {
				return nil, err
			}
			for _, s := range sub.Set().Intersect(span.Set{{Off: 0, Len: p.size}}) {
				c.Add(p.off+s.Off, s.Len)
			}
		case p.flat != nil:
			s, err := image.HostData(p.flat, p.flatOff+p.size)
			if err != nil {
				return nil, err
			}
			for _, s := range s.Intersect(span.Make([]span.Span{{Off: p.flatOff, Len: p.size}})) {
				c.Add(p.off+s.Off-p.flatOff, s.Len)
			}
		}
	}
	return c.Set(), nil
}
