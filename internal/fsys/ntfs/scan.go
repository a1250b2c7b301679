package ntfs

import (
	"errors"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// scanChunk is what a pass over the MFT reads at once; a multiple of maxRecord.
const scanChunk = 256 << 10

// A brokenCount remembers the first error and how many there were.
type brokenCount struct {
	n     int
	first error
}

// maxBroken ends a pass over what is broken all over.
const maxBroken = 4096

func (b *brokenCount) add(err error) error {
	if b.first == nil {
		b.first = err
	}
	if b.n++; b.n >= maxBroken {
		return b.err()
	}
	return nil
}

func (b *brokenCount) err() error {
	var fe *binread.FormatError
	if b.n > 1 && errors.As(b.first, &fe) {
		return binread.Errorf(format, fe.Offset, "%s (the first of %d broken places)", fe.Msg, b.n)
	}
	return b.first
}

// maxMFTBitmap bounds the bitmap of the MFT: 2^32 records, as many as NTFS
// can have, would be 512 MiB; this is 512 million.
const maxMFTBitmap = 64 << 20

// pass calls visit for every record of the MFT in order. A record that cannot
// be read has an error. listed says whether the MFT's bitmap has it in use.
func (f *FS) pass(visit func(r *record, listed bool, err error) error) error {
	bits, err := f.system(recordMFT, typeBitmap, "", maxMFTBitmap)
	if err != nil {
		return err
	}
	size := f.recordSize
	total := int64(f.records()) * size
	buf := make([]byte, min(scanChunk, max(total, size)))
	for off := int64(0); off < total; off += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), total-off)]
		_, bad := f.mft.raw(b, off)
		for i := int64(0); i < int64(len(b)); i += size {
			r := &record{no: uint64((off + i) / size), b: b[i : i+size]}
			listed := r.no/8 < uint64(len(bits)) && bits[r.no/8]>>(r.no%8)&1 != 0
			var err error
			if r.at, err = f.place(r.no); err == nil {
				if err = bad; err == nil {
					err = unprotect(r.b, "FILE", r.at)
				}
				if err == nil {
					err = r.check()
				}
			}
			if err := visit(r, listed, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// Scan implements fsys.InodeScanner. It yields the root directory and every
// file in use that is not one of the file system's own. Broken records are
// passed over; the error at the end names the first of them and their number.
func (f *FS) Scan(yield func(fsys.Node, fsys.Meta) error) error {
	broken := brokenCount{}
	err := f.pass(func(r *record, listed bool, err error) error {
		switch {
		case err != nil && !listed:
			return nil
		case err != nil:
			return broken.add(err)
		case !r.inUse() || number(r.base()) != 0 || own(r.no) && r.no != recordRoot:
			return nil
		}
		in, err := f.load(r)
		if err != nil {
			return broken.add(err)
		}
		if in.metafile() {
			return nil
		}
		m, err := in.meta()
		if err != nil {
			return broken.add(err)
		}
		return yield(fsys.Node(r.ref()), m)
	})
	if errors.Is(err, fsys.ErrStop) {
		return nil
	}
	return cmpErr(err, broken.err())
}

// Bounds on $Extend, which has about ten entries.
const (
	maxExtend      = 4096
	maxExtendDepth = 4
)

// loadExtend remembers what lies below $Extend: files of the file system's own
// whose records have no reserved number. What cannot be read of it is no file
// of anybody.
func (f *FS) loadExtend() {
	f.extend = map[uint64]bool{}
	dirs := []fsys.Node{recordExtend}
	for range maxExtendDepth {
		var next []fsys.Node
		for _, d := range dirs {
			_ = f.ReadDir(d, func(e fsys.Entry) error {
				no := number(uint64(e.Node))
				if f.extend[no] {
					return nil
				}
				if len(f.extend) >= maxExtend {
					return fsys.ErrStop
				}
				f.extend[no] = true
				if e.Kind == fsys.Directory {
					next = append(next, e.Node)
				}
				return nil
			})
		}
		dirs = next
	}
}

// metafile reports whether the file lies below $Extend.
func (in *inode) metafile() bool { return in.f.extend[in.base.no] }
