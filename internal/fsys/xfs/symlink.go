package xfs

import (
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	maxTarget     = 1024       // XFS_SYMLINK_MAXLEN
	symlinkMagic  = 0x58534c4d // "XSLM"
	symlinkHeader = 56         // struct xfs_dsymlink_hdr: one at the start of each extent, version 5
)

// Readlink returns a symbolic link's target.
func (fs *FS) Readlink(n fsys.Node) (string, error) {
	i, err := fs.inode(uint64(n))
	if err != nil {
		return "", err
	}
	if i.kind() != fsys.Symlink {
		return "", i.bad(2, "not a symbolic link")
	}
	size := i.size()
	if size == 0 || size > maxTarget {
		return "", i.bad(56, "a symbolic link of %d bytes", size)
	}
	f := i.dataFork()
	if f.format == formatLocal {
		if size > int64(len(f.b)) {
			return "", i.bad(56, "a symbolic link of %d bytes in a fork of %d", size, len(f.b))
		}
		return target(i, f.b[:size])
	}
	exts, err := f.extentList()
	if err != nil {
		return "", err
	}
	var out []byte
	for _, e := range exts {
		if int64(len(out)) >= size {
			break
		}
		b, err := binread.At(fs.dev, format, e.physical, min(e.length, 1<<16), 1<<16)
		if err != nil {
			return "", err
		}
		if fs.v5 {
			if err := fs.checkMeta(b, e.physical, symlinkMagic); err != nil {
				return "", err
			}
			if be.Uint64(b[32:]) != i.number || int(be.Uint32(b[4:])) != len(out) {
				return "", binread.Errorf(format, e.physical, "a symbolic link block of inode %d for byte %d where inode %d, byte %d belongs",
					be.Uint64(b[32:]), be.Uint32(b[4:]), i.number, len(out))
			}
			b = b[symlinkHeader:]
		}
		out = append(out, b[:min(int64(len(b)), size-int64(len(out)))]...)
	}
	if int64(len(out)) < size {
		return "", i.bad(56, "a symbolic link of %d bytes has space for %d", size, len(out))
	}
	return target(i, out)
}

func target(i *inode, b []byte) (string, error) {
	s := string(b)
	if strings.Contains(s, "\x00") {
		return "", i.bad(56, "a symbolic link with NUL in its target")
	}
	return s, nil
}
