package btrfs

import (
	"bytes"

	"assay/internal/binread"
)

// eachCopy calls fn for each physical piece of [logical, logical+n), all
// copies, with how far into the range it is.
func (f *FS) eachCopy(logical, n uint64, fn func(at int64, done, n uint64) error) error {
	for done := uint64(0); done < n; {
		c, ok := f.chunks.find(logical + done)
		if !ok {
			return binread.Errorf(format, -1, "logical %d is outside every chunk", logical+done)
		}
		d := logical + done - c.logical
		k := min(n-done, c.length-d)
		for _, start := range c.copies {
			if err := fn(int64(start+d), done, k); err != nil {
				return err
			}
		}
		done += k
	}
	return nil
}

// putSectors writes whole sectors of file data, and their checksums where the
// checksum tree has any.
func (e *Editor) putSectors(logical uint64, b []byte) error {
	err := e.eachCopy(logical, uint64(len(b)), func(at int64, done, n uint64) error {
		return e.write(at, b[done:done+n])
	})
	if err != nil {
		return err
	}
	sector := uint64(e.sb.sectorsize)
	return e.resum(logical, uint64(len(b)), func(dst []byte, i uint64) []byte {
		return e.sb.sums.sum(dst, b[i*sector:(i+1)*sector])
	})
}

// zeroSectors zeroes whole sectors, with their checksums.
func (e *Editor) zeroSectors(logical, n uint64) error {
	if n == 0 {
		return nil
	}
	err := e.eachCopy(logical, n, func(at int64, _, n uint64) error { return e.zero(at, int64(n)) })
	if err != nil {
		return err
	}
	return e.resum(logical, n, func(dst []byte, _ uint64) []byte { return append(dst, e.zeroSum...) })
}

// resum writes the checksums of n bytes of data from logical on into the
// checksum tree: sum appends that of the i-th sector. Sectors without a
// checksum keep none.
func (e *Editor) resum(logical, n uint64, sum func(dst []byte, i uint64) []byte) error {
	tree, end := e.trees[csumTreeID], logical+n
	sector, size := uint64(e.sb.sectorsize), e.sb.sums.size
	from, to := key{csumObjectid, extentCsumKey, logical}, key{csumObjectid, extentCsumKey, end - 1}
	var room [32]byte
	return e.leaves(tree.want(), from, to, func(leaf *node) error {
		var b []byte
		for j := range leaf.n {
			it := leaf.item(j)
			start := it.key.offset
			if it.key.typ != extentCsumKey || it.key.objectid != csumObjectid || start%sector != 0 || start >= end {
				continue
			}
			first := uint64(0)
			if start < logical {
				first = (logical - start) / sector
			}
			for k := first; k < uint64(len(it.data)/size) && k < (end-start)/sector; k++ {
				at := it.at + int(k)*size
				s := sum(room[:0], (start+k*sector-logical)/sector)
				if bytes.Equal(s, leaf.b[at:at+size]) {
					continue
				}
				if b == nil {
					b = bytes.Clone(leaf.b)
				}
				copy(b[at:], s)
			}
		}
		if b == nil {
			return nil
		}
		return e.putNode(leaf, b)
	})
}

// sectorAt reads one sector, verified where it has a checksum.
func (e *Editor) sectorAt(logical uint64) ([]byte, error) {
	s, err := e.dataSums(logical, int(e.sb.sectorsize))
	if err != nil {
		return nil, err
	}
	b := make([]byte, e.sb.sectorsize)
	_, err = e.readSectors(b, logical, s.have[0])
	return b, err
}

// putBytes writes file data at any logical address.
func (e *Editor) putBytes(logical uint64, b []byte) error {
	return e.bySector(logical, uint64(len(b)), func(whole bool, at, n uint64) error {
		part := b[at-logical : at-logical+n]
		if whole {
			return e.putSectors(at, part)
		}
		return e.patchSector(at, func(s []byte) { copy(s, part) })
	})
}

// zeroBytes zeroes file data at any logical address.
func (e *Editor) zeroBytes(logical, n uint64) error {
	return e.bySector(logical, n, func(whole bool, at, n uint64) error {
		if whole {
			return e.zeroSectors(at, n)
		}
		return e.patchSector(at, func(s []byte) { clear(s[:n]) })
	})
}

// patchSector changes the sector of a logical address; fn is given it from
// that address on.
func (e *Editor) patchSector(logical uint64, fn func([]byte)) error {
	in := logical % uint64(e.sb.sectorsize)
	b, err := e.sectorAt(logical - in)
	if err != nil {
		return err
	}
	old := bytes.Clone(b)
	fn(b[in:])
	if bytes.Equal(old, b) {
		return nil
	}
	return e.putSectors(logical-in, b)
}

// bySector cuts a range into its whole sectors and what is before and behind
// them.
func (e *Editor) bySector(logical, n uint64, fn func(whole bool, at, n uint64) error) error {
	sector := uint64(e.sb.sectorsize)
	for end := logical + n; logical < end; {
		k, whole := end-logical, true
		if in := logical % sector; in != 0 || k < sector {
			k, whole = min(k, sector-in), false
		} else {
			k -= k % sector
		}
		if err := fn(whole, logical, k); err != nil {
			return err
		}
		logical += k
	}
	return nil
}
