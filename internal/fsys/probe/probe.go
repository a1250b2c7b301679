package probe

import (
	"errors"
	"io"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/fsys/btrfs"
	"assay/internal/fsys/ext4"
	"assay/internal/fsys/fat"
	"assay/internal/fsys/ntfs"
	"assay/internal/fsys/xfs"
)

// probes are asked in this order. FAT is last: its signature is the weakest,
// and boot sectors of others imitate it.
var probes = []func(io.ReaderAt, int64) (fsys.FS, error){
	func(r io.ReaderAt, n int64) (fsys.FS, error) { return asFS(ext4.Open(r, n)) },
	func(r io.ReaderAt, n int64) (fsys.FS, error) { return asFS(xfs.Open(r, n)) },
	func(r io.ReaderAt, n int64) (fsys.FS, error) { return asFS(btrfs.Open(r, n)) },
	func(r io.ReaderAt, n int64) (fsys.FS, error) { return asFS(ntfs.Open(r, n)) },
	func(r io.ReaderAt, n int64) (fsys.FS, error) { return asFS(fat.Open(r, n)) },
}

// asFS keeps a nil pointer from becoming an FS that is not nil.
func asFS[F fsys.FS](f F, err error) (fsys.FS, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Open opens the file system on a volume of size bytes. The error is
// binread.ErrNotMine when no probe knows it, else that of the one that does.
func Open(r io.ReaderAt, size int64) (fsys.FS, error) {
	for _, p := range probes {
		f, err := p(r, size)
		if !errors.Is(err, binread.ErrNotMine) {
			return f, err
		}
	}
	return nil, binread.ErrNotMine
}
