package ntfs

import (
	"math/bits"

	"assay/internal/binread"
	"assay/internal/span"
)

// Bounds of the count of clusters: two bitmaps of 256 MiB at most would be too
// much, these are 128 MiB together (a volume of 2 TiB with 4 KiB clusters).
const (
	maxCounted = 1 << 29
	maxSpans   = 8 << 20
)

// A census says which clusters the records in use own.
type census struct {
	f      *FS
	owned  []uint64
	bitmap []byte // $Bitmap
	bad    brokenCount
}

// count makes a census and proves by it that $Bitmap can be trusted: every
// record in use can be read, no cluster belongs to two streams, and all that
// belong to one are in use.
func (f *FS) count() (*census, error) {
	if f.size() > f.volume {
		return nil, binread.Errorf(format, f.volume, "the volume ends before the file system's %d bytes", f.size())
	}
	if f.clusters > maxCounted {
		return nil, binread.Unsupported(format, "free space of a volume with %d clusters", f.clusters)
	}
	c := &census{f: f, owned: make([]uint64, (f.clusters+63)/64)}
	var err error
	if c.bitmap, err = f.system(recordBitmap, typeData, "", maxCounted/8+4096); err != nil {
		return nil, err
	}
	if int64(len(c.bitmap)) < (f.clusters+7)/8 {
		return nil, binread.Errorf(format, -1, "$Bitmap has %d bytes for %d clusters", len(c.bitmap), f.clusters)
	}
	var runs []run
	err = f.pass(func(r *record, listed bool, err error) error {
		if err != nil {
			if listed {
				return c.bad.add(err)
			}
			return nil
		}
		if !r.inUse() {
			return nil
		}
		err = r.each(func(a *attr) error {
			if a.resident {
				return nil
			}
			runs, err = f.decodeRuns(runs[:0], r.b[a.pairs:a.off+a.len], a.lowest, a.highest, a.where())
			if err != nil {
				return err
			}
			return c.claim(runs, a.where())
		})
		if err != nil {
			return c.bad.add(err)
		}
		return nil
	})
	if err = cmpErr(err, c.bad.err()); err != nil {
		return nil, err
	}
	return c, nil
}

// claim marks clusters as owned.
func (c *census) claim(runs []run, at int64) error {
	for _, r := range runs {
		if r.lcn == hole {
			continue
		}
		for k := r.lcn; k < r.lcn+r.n; {
			word, from := k/64, k%64
			n := min(64-from, r.lcn+r.n-k)
			mask := (^uint64(0) >> (64 - n)) << from
			if twice := c.owned[word] & mask; twice != 0 {
				return binread.Errorf(format, at, "cluster %d belongs to two streams", word*64+int64(bits.TrailingZeros64(twice)))
			}
			c.owned[word] |= mask
			if free := ^c.used(word) & mask; free != 0 {
				return binread.Errorf(format, at, "cluster %d is in use but $Bitmap has it free", word*64+int64(bits.TrailingZeros64(free)))
			}
			k += n
		}
	}
	return nil
}

// used is the word of $Bitmap for 64 clusters.
func (c *census) used(word int64) uint64 {
	if end := word*8 + 8; end > int64(len(c.bitmap)) {
		var b [8]byte
		copy(b[:], c.bitmap[word*8:])
		return le.Uint64(b[:])
	}
	return le.Uint64(c.bitmap[word*8:])
}

// ranges calls visit for the byte ranges of the clusters whose bit is set in
// pick, merged, in order.
func (c *census) ranges(pick func(word int64) uint64, visit func(span.Span) error) error {
	var cur span.Span
	for word := range int64(len(c.owned)) {
		v := pick(word)
		if left := c.f.clusters - word*64; left < 64 {
			v &= 1<<left - 1
		}
		for v != 0 {
			from := int64(bits.TrailingZeros64(v))
			n := int64(bits.TrailingZeros64(^(v >> from)))
			next := span.Span{Off: (word*64 + from) * c.f.cluster, Len: n * c.f.cluster}
			if cur.Len > 0 && cur.End() == next.Off {
				cur.Len += next.Len
			} else {
				if cur.Len > 0 {
					if err := visit(cur); err != nil {
						return err
					}
				}
				cur = next
			}
			if from+n >= 64 {
				break
			}
			v &^= (1<<n - 1) << from
		}
	}
	if cur.Len > 0 {
		return visit(cur)
	}
	return nil
}

// free is what $Bitmap has free; leaked is what it has in use and no stream
// owns.
func (c *census) free(word int64) uint64   { return ^c.used(word) }
func (c *census) leaked(word int64) uint64 { return c.used(word) &^ c.owned[word] }

// Free implements fsys.FreeSpace: the clusters that $Bitmap has free. It fails
// when the MFT contradicts the bitmap, and after an unclean shutdown.
func (f *FS) Free() (span.Set, error) {
	if f.log.reason != "" {
		return nil, binread.Errorf(format, f.log.at, "%s: $Bitmap may be out of date", f.log.reason)
	}
	c, err := f.count()
	if err != nil {
		return nil, err
	}
	var out span.Set
	err = c.ranges(c.free, func(s span.Span) error {
		if len(out) >= maxSpans {
			return binread.Errorf(format, -1, "more than %d free ranges", maxSpans)
		}
		out = append(out, s)
		return nil
	})
	return out, err
}
