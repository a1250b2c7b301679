package fat

import (
	"bytes"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// Bounds on what Free keeps in memory.
const (
	maxFree = 2 << 20 // free ranges in the result
	maxDirs = 4 << 20 // directories still to be read
)

// Free implements fsys.FreeSpace: the clusters whose FAT entry is zero. It
// first proves that the FAT can be trusted: its copies are equal, and every
// file and directory has a whole chain that no other one shares.
func (f *FS) Free() (span.Set, error) {
	if f.g.size > f.size {
		return nil, binread.Errorf(format, f.size, "the volume ends before the file system's %d bytes", f.g.size)
	}
	if err := f.copiesAgree(); err != nil {
		return nil, err
	}
	c := &checker{fs: f, owned: make([]uint64, (uint64(f.g.clusters)+2+63)/64)}
	if err := c.tree(); err != nil {
		return nil, err
	}
	var out []span.Span
	cur := f.t.cursor()
	for i := uint32(2); i-2 < f.g.clusters; i++ {
		entry, err := cur.next(i)
		if err != nil {
			return nil, err
		}
		if entry != freeEntry {
			continue
		}
		off := f.g.offset(i)
		if k := len(out) - 1; k >= 0 && out[k].End() == off {
			out[k].Len += f.g.cluster
			continue
		}
		if len(out) == maxFree {
			return nil, binread.Unsupported(format, "free space in more than %d pieces", maxFree)
		}
		out = append(out, span.Span{Off: off, Len: f.g.cluster})
	}
	return out, nil
}

// copiesAgree compares the copies of the FAT.
func (f *FS) copiesAgree() error {
	for _, other := range f.g.fats[1:] {
		for done := int64(0); done < f.g.fatLen; done += pageSize {
			n := min(pageSize, f.g.fatLen-done)
			a, err := binread.At(f.r, format, f.g.fats[0]+done, n, pageSize)
			if err != nil {
				return err
			}
			b, err := binread.At(f.r, format, other+done, n, pageSize)
			if err != nil {
				return err
			}
			if !bytes.Equal(a, b) {
				return binread.Errorf(format, other+done, "the copy of the FAT differs from the one at byte %d", f.g.fats[0]+done)
			}
		}
	}
	return nil
}

// A checker walks the whole tree and notes whose each cluster is. Its memory
// is one bit a cluster, 32 MiB at most, and the directories still to be read.
type checker struct {
	fs    *FS
	owned []uint64
	todo  []fsys.Node
}

func (c *checker) tree() error {
	if c.fs.g.bits == 32 {
		if _, err := c.own(c.fs.g.rootAt, 44, maxDir); err != nil {
			return err
		}
	}
	c.todo = []fsys.Node{rootNode}
	for len(c.todo) > 0 {
		dir := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		if err := c.fs.entries(dir, c.file); err != nil {
			return err
		}
	}
	return nil
}

// file notes the clusters of one file or directory. No directory is read twice,
// as the second chain through its clusters ends the check.
func (c *checker) file(e *entry) error {
	first := e.first(c.fs.g)
	if e.dir() {
		if len(c.todo) == maxDirs {
			return binread.Unsupported(format, "more than %d directories", maxDirs)
		}
		c.todo = append(c.todo, fsys.Node(e.at))
		_, err := c.own(first, e.at+26, maxDir)
		return err
	}
	if first == 0 && e.size() == 0 {
		return nil
	}
	n, err := c.own(first, e.at+26, maxFile)
	if err == nil && n < e.size() {
		return binread.Errorf(format, e.at+28, "a file of %d bytes has a chain of %d", e.size(), n)
	}
	return err
}

// own notes the clusters of a chain and returns the bytes in it.
func (c *checker) own(first uint32, from, limit int64) (n int64, err error) {
	err = c.fs.t.walk(first, from, limit, func(cluster uint32) error {
		word, bit := cluster/64, uint64(1)<<(cluster%64)
		if c.owned[word]&bit != 0 {
			return binread.Errorf(format, c.fs.g.entryAt(cluster), "cluster %d is in two chains; the second is named at byte %d", cluster, from)
		}
		c.owned[word] |= bit
		n += c.fs.g.cluster
		return nil
	})
	return n, err
}
