package probe

import (
	"errors"
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/fsys/btrfs"
	"assay/internal/fsys/ext4"
	"assay/internal/fsys/fat"
	"assay/internal/fsys/ntfs"
	"assay/internal/fsys/xfs"
)

// editors are those file systems that can be changed, asked as probes are.
var editors = []func(fsys.Patch, int64) (fsys.Editor, error){
	func(p fsys.Patch, n int64) (fsys.Editor, error) { return asEditor(ext4.NewEditor(p, n)) },
	func(p fsys.Patch, n int64) (fsys.Editor, error) { return asEditor(xfs.NewEditor(p, n)) },
	func(p fsys.Patch, n int64) (fsys.Editor, error) { return asEditor(btrfs.NewEditor(p, n)) },
	func(p fsys.Patch, n int64) (fsys.Editor, error) { return asEditor(ntfs.NewEditor(p, n)) },
	func(p fsys.Patch, n int64) (fsys.Editor, error) { return asEditor(fat.NewEditor(p, n)) },
}

func asEditor[E fsys.Editor](e E, err error) (fsys.Editor, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Edit opens the file system on a volume for changes. One that can be read
// only is fsys.ErrUnsafe, one that nobody knows binread.ErrNotMine.
func Edit(p fsys.Patch, size int64) (fsys.Editor, error) {
	for _, open := range editors {
		e, err := open(p, size)
		if !errors.Is(err, binread.ErrNotMine) {
			return e, err
		}
	}
	f, err := Open(p, size)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: this version reads %s and does not change it", fsys.ErrUnsafe, f.Describe().Type)
}
