package hostfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
)

// openAt opens a file or directory below the root without waiting for a FIFO's
// other end and, where the caller owns it, without touching its access time.
func (f *FS) openAt(p string) (*os.File, error) {
	const flags = os.O_RDONLY | unix.O_NONBLOCK | unix.O_NOFOLLOW
	if h, err := f.beneath(p, uint64(flags|unix.O_NOATIME|unix.O_LARGEFILE)); err == nil {
		return h, nil
	}
	h, err := f.root.OpenFile(p, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		return f.root.OpenFile(p, flags, 0)
	}
	return h, err
}

func (f *FS) lstat(p string) (fs.FileInfo, error) {
	if h, err := f.beneath(p, unix.O_PATH|unix.O_NOFOLLOW); err == nil {
		defer h.Close()
		return h.Stat()
	}
	return f.root.Lstat(p)
}

// beneath opens a path below the root in one call of the kernel, where os.Root
// opens each directory on the way: most of what a small file costs. The kernel
// holds it to the root as os.Root does, and takes no link at all on the way.
// Where it refuses for any reason, the caller asks os.Root, whose answer counts.
func (f *FS) beneath(p string, flags uint64) (*os.File, error) {
	f.openTop.Do(func() { f.top, _ = f.root.Open(".") })
	if f.top == nil {
		return nil, unix.EBADF
	}
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(f.top.Fd()), p, &how)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), p), nil
}

func target(s string) string { return s }

func meta(info fs.FileInfo) fsys.Meta {
	m := fsys.Meta{Kind: kind(info.Mode()), Mode: permissions(info.Mode()), Size: info.Size(), Nlink: 1}
	m.Mtime.Sec, m.Mtime.Nsec = info.ModTime().Unix(), uint32(info.ModTime().Nanosecond())
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		m.UID, m.GID, m.Nlink, m.Inode = s.Uid, s.Gid, uint32(s.Nlink), s.Ino
		m.Rdev = uint32(unix.Major(uint64(s.Rdev))<<20 | unix.Minor(uint64(s.Rdev)))
		m.Atime = fsys.Time{Sec: int64(s.Atim.Sec), Nsec: uint32(s.Atim.Nsec)}
		m.Ctime = fsys.Time{Sec: int64(s.Ctim.Sec), Nsec: uint32(s.Ctim.Nsec)}
		if s.Blocks*512 < s.Size {
			m.Flags |= fsys.Sparse
		}
	}
	return m
}

// Magic numbers of statfs(2) for file systems that are not a disk of this
// machine; "" marks those that the kernel fills by itself.
// Source: include/uapi/linux/magic.h.
var foreign = map[int64]string{
	0x9fa0: "", 0x62656572: "", 0x27e0eb: "", 0x63677270: "", 0x64626720: "", 0x74726163: "", 0x1cd1: "",
	0x6165676c: "", 0xcafe4a11: "", 0x19800202: "", 0x73636673: "", 0x958458f6: "", 0xf97cff8c: "", 0x62656570: "", 0x42494e4d: "",
	0x6e736673: "", 0x67596969: "", 0xabba1974: "", 0xde5e81e4: "",
	0x6969: "nfs", 0xff534d42: "cifs", 0xfe534d42: "smb2", 0x517b: "smb", 0x65735546: "fuse", 0x01021997: "9p",
	0x00c36400: "ceph", 0x5346414f: "afs", 0x0bd00bd0: "lustre", 0x01161970: "gfs2", 0x7461636f: "ocfs2", 0x187: "autofs",
}

// local reports whether an open directory lies on a file system of this
// machine, and if not, its type ("" for a pseudo one).
func local(d *os.File) (bool, string) {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(d.Fd()), &s); err != nil {
		return false, fmt.Sprintf("unknown (%v)", err)
	}
	why, known := foreign[int64(s.Type)&0xffffffff]
	return !known, why
}

// Xattrs implements fsys.FS, for regular files and directories; the kernel has
// no call for others that cannot be led astray by a link.
func (f *FS) Xattrs(n fsys.Node) ([]fsys.Xattr, error) {
	p, err := f.path(n)
	if err != nil {
		return nil, err
	}
	info, err := f.root.Lstat(p)
	if err != nil {
		return nil, translate(err)
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, nil
	}
	h, err := f.openAt(p)
	if err != nil {
		return nil, translate(err)
	}
	defer h.Close()
	buf := make([]byte, 64<<10) // XATTR_LIST_MAX and XATTR_SIZE_MAX
	size, err := unix.Flistxattr(int(h.Fd()), buf)
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := strings.FieldsFunc(string(buf[:size]), func(r rune) bool { return r == 0 })
	slices.Sort(names)
	var out []fsys.Xattr
	for _, name := range names {
		n, err := unix.Fgetxattr(int(h.Fd()), name, buf)
		if err != nil {
			continue // removed meanwhile, or not ours to read
		}
		out = append(out, fsys.Xattr{Name: name, Value: slices.Clone(buf[:n])})
	}
	return out, nil
}
