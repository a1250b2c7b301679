package fat

import (
	"errors"
	"fmt"
	"io"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// rootNode stands for the root directory, which has no entry. No entry can
// begin at byte 1.
const rootNode fsys.Node = 1

// An FS is a FAT file system. It implements fsys.FS, fsys.Extenter and
// fsys.FreeSpace.
type FS struct {
	r    io.ReaderAt
	size int64 // of the volume
	g    *geometry
	t    *table
	desc fsys.Description
}

// Open reads the boot sector of a volume of size bytes. It returns
// binread.ErrNotMine when there is none of FAT.
//
// Which of the three it is follows from the number of clusters, except that a
// boot sector in FAT32's form makes a FAT32 of any size, as in Linux: small
// ones are against Microsoft's rule, but mkfs.fat makes them.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	g, err := readGeometry(r, size)
	if err != nil {
		return nil, err
	}
	f := &FS{r: r, size: size, g: g, t: &table{r: r, g: g, pages: map[int64][]byte{}}}
	f.desc = fsys.Description{Type: format, Label: f.volumeLabel(), BlockSize: g.cluster, Size: g.size}
	if g.hasID {
		f.desc.UUID = fmt.Sprintf("%04X-%04X", g.serial>>16, g.serial&0xffff)
	}
	if g.size > size {
		f.desc.Problems = []fsys.Problem{{Kind: finding.GapCorrupt,
			Detail: fmt.Sprintf("the file system has %d bytes, the volume ends at byte %d", g.size, size)}}
	}
	return f, nil
}

// Describe implements fsys.FS.
func (f *FS) Describe() fsys.Description { return f.desc }

// Root implements fsys.FS.
func (f *FS) Root() fsys.Node { return rootNode }

// Stat implements fsys.FS. Modes are those of Linux' vfat without options:
// everything belongs to root; only the write bits depend on an attribute.
// Ctime is not recorded.
func (f *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	m := fsys.Meta{Kind: fsys.Directory, Mode: 0o755, Nlink: 1, Inode: uint64(n)}
	if n != rootNode {
		e, err := f.entry(n)
		if err != nil {
			return fsys.Meta{}, err
		}
		b := e.buf()
		if e.attr()&attrReadOnly != 0 {
			m.Mode = 0o555
		}
		m.Btime = stamp(b.LE16(16), b.LE16(14), b.U8(13))
		m.Atime = stamp(b.LE16(18), 0, 0)
		m.Mtime = stamp(b.LE16(24), b.LE16(22), 0)
		if !e.dir() {
			m.Kind, m.Size = fsys.Regular, e.size()
			return m, nil
		}
	}
	places, _ := f.places(n) // a broken chain is ReadDir's to tell
	for _, p := range places {
		m.Size += p.Len
	}
	return m, nil
}

// ReadDir implements fsys.FS. Deleted entries, the volume label, "." and ".."
// are not files. A name that cannot be is left out; the rest is still yielded
// before the error.
func (f *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	err := f.entries(n, func(e *entry) error {
		kind := fsys.Regular
		if e.dir() {
			kind = fsys.Directory
		}
		return yield(fsys.Entry{Name: e.name, Node: fsys.Node(e.at), Kind: kind})
	})
	if errors.Is(err, fsys.ErrStop) {
		return nil
	}
	return err
}

// Readlink implements fsys.FS: FAT has no symbolic links.
func (f *FS) Readlink(fsys.Node) (string, error) { return "", fsys.ErrNotFile }

// Xattrs implements fsys.FS: FAT has none.
func (f *FS) Xattrs(fsys.Node) ([]fsys.Xattr, error) { return nil, nil }

// extents converts runs.
func (f *FS) extents(runs []run) []fsys.Extent {
	var out []fsys.Extent
	for _, r := range runs {
		out = append(out, fsys.Extent{Logical: int64(r.logical) * f.g.cluster, Physical: f.g.offset(r.first), Len: int64(r.count) * f.g.cluster})
	}
	return out
}

// Extents implements fsys.Extenter. With an error it returns the extents
// before the broken place.
func (f *FS) Extents(n fsys.Node) ([]fsys.Extent, error) {
	if n == rootNode {
		return f.places(n)
	}
	e, err := f.entry(n)
	if err != nil {
		return nil, err
	}
	if e.dir() {
		return f.places(n)
	}
	runs, err := f.fileRuns(e)
	return f.extents(runs), err
}

// fileRuns lists the clusters of a file. An empty one has none, unless they
// were reserved for it.
func (f *FS) fileRuns(e *entry) ([]run, error) {
	first := e.first(f.g)
	if first == 0 && e.size() == 0 {
		return nil, nil
	}
	runs, err := f.t.runs(first, e.at+26, maxFile)
	if err == nil && capacity(runs, f.g.cluster) < e.size() {
		err = binread.Errorf(format, e.at+28, "a file of %d bytes has a chain of %d", e.size(), capacity(runs, f.g.cluster))
	}
	return runs, err
}

// capacity is the number of bytes in runs.
func capacity(runs []run, cluster int64) int64 {
	if len(runs) == 0 {
		return 0
	}
	last := runs[len(runs)-1]
	return (int64(last.logical) + int64(last.count)) * cluster
}
