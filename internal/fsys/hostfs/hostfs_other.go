//go:build !linux && !windows

package hostfs

import (
	"io/fs"
	"os"

	"assay/internal/fsys"
)

func (f *FS) openAt(p string) (*os.File, error) {
	info, err := f.root.Lstat(p)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, fsys.ErrNotFile
	}
	return f.root.Open(p)
}

func (f *FS) lstat(p string) (fs.FileInfo, error) { return f.root.Lstat(p) }

func target(s string) string { return s }

func meta(info fs.FileInfo) fsys.Meta {
	m := fsys.Meta{Kind: kind(info.Mode()), Mode: permissions(info.Mode()), Size: info.Size(), Nlink: 1}
	m.Mtime.Sec, m.Mtime.Nsec = info.ModTime().Unix(), uint32(info.ModTime().Nanosecond())
	return m
}

func local(*os.File) (bool, string) { return true, "" }

// Xattrs implements fsys.FS; this system has none that assay reads.
func (f *FS) Xattrs(fsys.Node) ([]fsys.Xattr, error) { return nil, nil }
