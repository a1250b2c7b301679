package hostfs

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode"

	"assay/internal/fsys"
)

// Flags of CreateFile that Root.OpenFile passes on. Source: winbase.h.
const (
	backupSemantics  = 0x02000000 // FILE_FLAG_BACKUP_SEMANTICS: SeBackupPrivilege counts, if it is enabled
	openReparsePoint = 0x00200000 // FILE_FLAG_OPEN_REPARSE_POINT: the link itself
	noRecall         = 0x00100000 // FILE_FLAG_OPEN_NO_RECALL: nothing is fetched from remote storage
)

// Attributes of files ([MS-FSCC] 2.6).
const (
	attrSparse     = 0x200
	attrCompressed = 0x800
	attrEncrypted  = 0x4000
)

// openAt opens a file or directory below the root past access lists, where the
// process holds the right for that.
func (f *FS) openAt(p string) (*os.File, error) {
	return f.root.OpenFile(p, os.O_RDONLY|backupSemantics|noRecall, 0)
}

// lstat also answers for files whose access list hides them from this account.
func (f *FS) lstat(p string) (fs.FileInfo, error) {
	info, err := f.root.Lstat(p)
	if !errors.Is(err, fs.ErrPermission) {
		return info, err
	}
	h, again := f.root.OpenFile(p, os.O_RDONLY|backupSemantics|openReparsePoint|noRecall, 0)
	if again != nil {
		return nil, err
	}
	defer h.Close()
	return h.Stat()
}

// target is a link's target as ntfs tells it: what lies on a drive begins with
// a slash, and C: is the top.
func target(s string) string {
	s = strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(s, `\??\`), `\\?\`), `\`, "/")
	switch {
	case len(s) >= 2 && strings.EqualFold(s[:2], "C:"):
		return "/" + strings.TrimPrefix(s[2:], "/")
	case len(s) >= 2 && s[1] == ':':
		return "/" + s
	}
	return s
}

func meta(info fs.FileInfo) fsys.Meta {
	m := fsys.Meta{Kind: kind(info.Mode()), Mode: permissions(info.Mode()), Size: info.Size(), Nlink: 1}
	m.Mtime.Sec, m.Mtime.Nsec = info.ModTime().Unix(), uint32(info.ModTime().Nanosecond())
	a, ok := info.Sys().(*syscall.Win32FileAttributeData)
	if !ok {
		return m
	}
	m.Atime, m.Btime = when(a.LastAccessTime), when(a.CreationTime)
	for bit, flag := range map[uint32]fsys.Flags{attrSparse: fsys.Sparse, attrCompressed: fsys.Compressed, attrEncrypted: fsys.Encrypted} {
		if a.FileAttributes&bit != 0 {
			m.Flags |= flag
		}
	}
	return m
}

func when(t syscall.Filetime) fsys.Time {
	if t == (syscall.Filetime{}) {
		return fsys.Time{}
	}
	n := t.Nanoseconds()
	return fsys.Time{Sec: n / 1e9, Nsec: uint32(n % 1e9)}
}

// local is always so: volumes mounted in folders are reparse points, and those
// are not followed.
func local(*os.File) (bool, string) { return true, "" }

// Xattrs implements fsys.FS; Windows has none that assay reads.
func (f *FS) Xattrs(fsys.Node) ([]fsys.Xattr, error) { return nil, nil }

// Fold implements fsys.Folder.
func (f *FS) Fold(name string) string { return strings.Map(unicode.ToUpper, name) }
