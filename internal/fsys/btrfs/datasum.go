package btrfs

import (
	"assay/internal/binread"
)

// sums are the checksums of consecutive sectors; the zero value verifies
// nothing.
type sums struct {
	b    []byte // size bytes a sector
	have []bool
}

// A logSum is an EXTENT_CSUM item of a log tree.
type logSum struct {
	start, end uint64 // logical addresses
	b          []byte
}

// dataSums looks up the checksums of n bytes of file data: items
// (EXTENT_CSUM, EXTENT_CSUM, logical) of the checksum tree.
func (f *FS) dataSums(logical uint64, n int) (sums, error) {
	tree, ok := f.trees[csumTreeID]
	if !ok {
		return sums{}, nil
	}
	count := n / int(f.sb.sectorsize)
	s := sums{make([]byte, count*f.sb.sums.size), make([]bool, count)}
	from := key{csumObjectid, extentCsumKey, logical}
	it, ok, err := f.floor(tree, from)
	if err != nil {
		return s, err
	}
	if ok && it.key.objectid == csumObjectid && it.key.typ == extentCsumKey {
		from = it.key
	}
	err = f.ascend(tree, from, key{csumObjectid, extentCsumKey, logical + uint64(n) - 1}, func(it item) error {
		f.fill(s, logical, it.key.offset, it.data)
		return nil
	})
	for _, l := range f.logged {
		if l.start < logical+uint64(n) && logical < l.end {
			f.fill(s, logical, l.start, l.b)
		}
	}
	return s, err
}

// fill copies what of an item's checksums belongs to s.
func (f *FS) fill(s sums, logical, start uint64, data []byte) {
	sector, size := uint64(f.sb.sectorsize), f.sb.sums.size
	items := uint64(len(data) / size)
	if start%sector != 0 {
		return
	}
	src, dst := uint64(0), uint64(0)
	if start < logical {
		src = (logical - start) / sector
	} else {
		dst = (start - logical) / sector
	}
	for ; src < items && dst < uint64(len(s.have)); src, dst = src+1, dst+1 {
		copy(s.b[int(dst)*size:], data[int(src)*size:(int(src)+1)*size])
		s.have[dst] = true
	}
}

// sectorError tells what is wrong with the i-th sector that s is about.
func (f *FS) sectorError(b []byte, s sums, i int, at int64) error {
	switch {
	case s.have == nil:
		return nil
	case !s.have[i]:
		return binread.Errorf(format, at, "file data has no checksum")
	case !f.sb.sums.ok(b, s.b[i*f.sb.sums.size:(i+1)*f.sb.sums.size]):
		return binread.Errorf(format, at, "file data does not match its checksum")
	}
	return nil
}
