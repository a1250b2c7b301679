package btrfs

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// An FS is one btrfs volume on one device.
//
// A Node is a subvolume's index in the high 16 bits and the inode number in
// the low 48. Indexes start at 0, the top-level tree, and follow the order of
// subvolume ids; inode numbers of 2^48 and above, which Linux cannot reach by
// counting up, and more than 65,535 subvolumes are named as unsupported.
// Meta.Inode is the same number, because inode numbers alone repeat from
// subvolume to subvolume; its low 48 bits are what the guest shows.
type FS struct {
	r      io.ReaderAt
	size   int64
	sb     *super
	chunks chunkMap
	nodes  *cache[*node]
	plain  *cache[*plainExtent]
	codecs codecs

	trees    map[uint64]root // those of the root tree that are not subvolumes, by id
	subvols  []*subvol       // by index
	byID     map[uint64]int  // subvolume id to index
	deleted  int             // subvolumes that wait to be cleaned up
	snapshot bool            // some subvolume is a snapshot of another
	replayed bool            // the log was applied
	logOwned []block         // tree blocks and extents that only the log knows
	logged   []logSum        // checksums of data that only the log has
	problems []fsys.Problem
	deflt    fsys.Node
}

var (
	_ fsys.FS           = (*FS)(nil)
	_ fsys.Extenter     = (*FS)(nil)
	_ fsys.FreeSpace    = (*FS)(nil)
	_ fsys.InodeScanner = (*FS)(nil)
)

// Open reads the btrfs file system that r, size bytes long, holds. It returns
// binread.ErrNotMine when there is no btrfs superblock.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	sb, problems, err := readSuper(r, size)
	if err != nil {
		return nil, err
	}
	f := &FS{
		r: r, size: size, sb: sb,
		nodes: newCache[*node](nodeCacheBytes), plain: newCache[*plainExtent](plainCacheBytes),
		problems: append(problems, sb.problems(size)...),
	}
	if err := f.bootChunks(); err != nil {
		return nil, err
	}
	if err := f.readChunks(); err != nil {
		return nil, err
	}
	if err := f.readRoots(); err != nil {
		return nil, err
	}
	if _, ok := f.trees[csumTreeID]; !ok {
		f.problem(finding.GapCorrupt, "the checksum tree is missing: file data is not verified")
	}
	if sb.logRoot != 0 {
		f.readLog()
	}
	f.linkSubvols()
	return f, nil
}

func (f *FS) problem(kind finding.GapKind, format string, args ...any) {
	f.problems = append(f.problems, fsys.Problem{Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// Describe implements fsys.FS.
func (f *FS) Describe() fsys.Description {
	u := hex.EncodeToString(f.sb.fsid[:])
	return fsys.Description{
		Type:      "btrfs",
		UUID:      u[:8] + "-" + u[8:12] + "-" + u[12:16] + "-" + u[16:20] + "-" + u[20:],
		Label:     f.sb.label,
		BlockSize: int64(f.sb.sectorsize),
		Size:      int64(f.sb.totalBytes),
		Replayed:  f.replayed,
		Problems:  f.problems,
	}
}

// Root implements fsys.FS: the directory of the top-level tree, id 5.
func (f *FS) Root() fsys.Node { return f.subvols[0].node(f.subvols[0].dirid) }

// Default returns the directory that is mounted when no subvol option is
// given: btrfs subvolume get-default.
func (f *FS) Default() fsys.Node { return f.deflt }

// locate splits a node.
func (f *FS) locate(n fsys.Node) (*subvol, uint64, error) {
	i, ino := int(n>>48), uint64(n)&maxObjectid
	if i >= len(f.subvols) {
		return nil, 0, fsys.ErrNotExist
	}
	return f.subvols[i], ino, nil
}

// An inode is a btrfs_inode_item with its place.
type inode struct {
	tree   *subvol
	ino    uint64
	meta   fsys.Meta // all but the flags that come from extents
	nbytes uint64
	flags  uint64
}

// Inode flags: btrfs_tree.h, BTRFS_INODE_*; fs/btrfs/btrfs_inode.h.
const (
	inodeNoDataSum = 1 << 0
	inodePrealloc  = 1 << 4
	inodeImmutable = 1 << 6
	inodeAppend    = 1 << 7
	inodeVerity    = 1 << 32 // the read-only flags are the upper half
)

var kinds = map[uint32]fsys.Kind{
	0o010000: fsys.FIFO, 0o020000: fsys.CharDevice, 0o040000: fsys.Directory, 0o060000: fsys.BlockDevice,
	0o100000: fsys.Regular, 0o120000: fsys.Symlink, 0o140000: fsys.Socket,
}

// inode reads the inode item of n.
func (f *FS) inode(n fsys.Node) (inode, error) {
	t, ino, err := f.locate(n)
	if err != nil {
		return inode{}, err
	}
	if ino == emptyDirID {
		return emptyDir(t), nil
	}
	it, ok, err := f.get(t.root, key{ino, inodeItemKey, 0})
	if err != nil {
		return inode{}, err
	}
	if !ok {
		return inode{}, fmt.Errorf("%w: %w", fsys.ErrNotExist,
			binread.Errorf(format, -1, "subvolume %d has no inode %d", t.root.id, ino))
	}
	return f.parseInode(t, it)
}

// emptyDir is the directory that stands where a snapshot's source had another
// subvolume linked: it has no inode item.
func emptyDir(t *subvol) inode {
	return inode{tree: t, ino: emptyDirID, meta: fsys.Meta{
		Kind: fsys.Directory, Mode: 0o755, Nlink: 1, Inode: uint64(t.node(emptyDirID)),
	}}
}

func (f *FS) parseInode(t *subvol, it item) (inode, error) {
	if len(it.data) < inodeSize {
		return inode{}, binread.Errorf(format, f.where(it), "inode %d has an item of %d bytes", it.key.objectid, len(it.data))
	}
	b := it.buf()
	size, rdev, mode := b.LE64(16), b.LE64(56), b.LE32(52)
	if size > math.MaxInt64 {
		return inode{}, binread.Errorf(format, f.where(it)+16, "inode %d has a size of %d bytes", it.key.objectid, size)
	}
	kind, ok := kinds[mode&0o170000]
	if !ok {
		return inode{}, binread.Errorf(format, f.where(it)+52, "inode %d has mode %#o", it.key.objectid, mode)
	}
	stamp := func(off int) fsys.Time { return fsys.Time{Sec: int64(b.LE64(off)), Nsec: b.LE32(off + 8)} }
	n := inode{tree: t, ino: it.key.objectid, nbytes: b.LE64(24), flags: b.LE64(64), meta: fsys.Meta{
		Kind: kind, Mode: uint16(mode & 0o7777), UID: b.LE32(44), GID: b.LE32(48), Nlink: b.LE32(40),
		Inode: uint64(t.node(it.key.objectid)), Size: int64(size),
		Atime: stamp(112), Ctime: stamp(124), Mtime: stamp(136), Btime: stamp(148),
	}}
	if kind == fsys.CharDevice || kind == fsys.BlockDevice {
		n.meta.Rdev = uint32(rdev)
	}
	for bit, flag := range map[uint64]fsys.Flags{inodeImmutable: fsys.Immutable, inodeAppend: fsys.AppendOnly, inodeVerity: fsys.Verity} {
		if n.flags&bit != 0 {
			n.meta.Flags |= flag
		}
	}
	if kind == fsys.Regular && n.nbytes < size {
		n.meta.Flags |= fsys.Sparse
	}
	return n, nil
}

// Stat implements fsys.FS. Compressed, Inline and MayBeShared come from the
// file's first extents, at most 64 of them, see judge; a file with more is
// MayBeShared. Sparse is a file that owns less than its size.
func (f *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	in, err := f.inode(n)
	if err != nil || in.meta.Kind != fsys.Regular {
		return in.meta, err
	}
	j := judge{f: f, meta: &in.meta}
	err = f.extents(in.tree.root, in.ino, 0, math.MaxInt64, j.extent)
	if errors.Is(err, errFound) {
		err = nil
	}
	return in.meta, err
}

// Readlink implements fsys.FS.
func (f *FS) Readlink(n fsys.Node) (string, error) {
	in, err := f.inode(n)
	if err != nil {
		return "", err
	}
	if in.meta.Kind != fsys.Symlink {
		return "", fmt.Errorf("%w: not a symbolic link", fsys.ErrNotFile)
	}
	if in.meta.Size > maxLinkTarget {
		return "", binread.Errorf(format, -1, "inode %d is a symbolic link of %d bytes", in.ino, in.meta.Size)
	}
	b := make([]byte, in.meta.Size)
	if _, err := f.file(in).ReadAt(b, 0); err != nil {
		return "", err
	}
	return string(b), nil
}
