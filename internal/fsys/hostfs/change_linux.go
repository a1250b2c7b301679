package hostfs

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
)

// reason turns an error of the kernel into one of package fsys.
func reason(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return fsys.ErrNotExist
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w: a link or a file stands where a directory was", fsys.ErrCannot)
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("%w: it is mounted read-only", fsys.ErrCannot)
	case errors.Is(err, unix.EBUSY):
		return errMount
	case errors.Is(err, unix.ETXTBSY):
		return fmt.Errorf("%w: it is in use, as a program or as swap", fsys.ErrCannot)
	case errors.Is(err, unix.ENOTEMPTY):
		return fmt.Errorf("%w: the directory is not empty", fsys.ErrCannot)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.EOPNOTSUPP):
		return fmt.Errorf("%w: %w", fsys.ErrCannot, err)
	}
	return err
}

// Flags of FS_IOC_GETFLAGS. Source: include/uapi/linux/fs.h.
const (
	flagImmutable = 0x10
	flagAppend    = 0x20
)

// why explains why a file of h's directory cannot be changed: EPERM is mostly
// an inode flag.
func (e *Editor) why(h *handle, err error) error {
	if !errors.Is(err, unix.EPERM) {
		return reason(err)
	}
	for _, name := range []string{h.name, "."} {
		fd, e := unix.Openat(h.dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if e != nil {
			continue
		}
		flags, e := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
		unix.Close(fd)
		switch {
		case e != nil:
		case flags&flagImmutable != 0:
			return fmt.Errorf("%w: %s is immutable: chattr -i first", fsys.ErrCannot, what(name, h.name))
		case flags&flagAppend != 0:
			return fmt.Errorf("%w: %s is append-only: chattr -a first", fsys.ErrCannot, what(name, h.name))
		}
	}
	return reason(err)
}

func what(looked, name string) string {
	if looked == name {
		return "the file"
	}
	return "its directory"
}

// writable opens a file that is changed in place, under all its names. One with
// several names is refused where somebody else than its owner could have made
// this one: it may be any file of the system, put there to be destroyed.
func (e *Editor) writable(n fsys.Node) (*handle, error) {
	h, err := e.open(n, unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	if h.stat.Nlink > 1 && !h.trusted() {
		h.close()
		return nil, fmt.Errorf("%w: it has several names, and others than its owner can write to this directory", fsys.ErrCannot)
	}
	if ok, _ := local(h.file); !h.here && !ok {
		h.close()
		return nil, errMount
	}
	return h, nil
}

// trusted reports whether only root and the file's owner can make names in the
// directory.
func (h *handle) trusted() bool {
	return (h.own.Uid == 0 || h.own.Uid == h.stat.Uid) && h.own.Mode&0o022 == 0
}

// times gives a name in the directory the times of the old file.
func (h *handle) times(name string) error {
	return unix.UtimesNanoAt(h.dir, name, []unix.Timespec{h.stat.Atim, h.stat.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
}

// Blank implements fsys.Editor: the file is truncated in place, so that a
// service which holds it open goes on writing to it.
func (e *Editor) Blank(n fsys.Node) error {
	h, err := e.writable(n)
	if err != nil {
		return err
	}
	defer h.close()
	if h.stat.Size == 0 {
		return nil
	}
	if h.stat.Nlink == 1 {
		e.wipe(h.file, h.stat, true)
	}
	if err := unix.Ftruncate(h.fd(), 0); err != nil {
		return e.why(h, err)
	}
	return h.stamp()
}

// stamp restores the times after a change in place.
func (h *handle) stamp() error {
	return gone(reason(h.times(h.name)))
}

// Remove implements fsys.Editor. What somebody else removed meanwhile is gone
// as well.
func (e *Editor) Remove(dir fsys.Node, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return fmt.Errorf("%q is no name", name)
	}
	p, err := e.path(dir)
	if err != nil {
		return err
	}
	if e.kernel(path.Join(p, name)) {
		return errKernel
	}
	fd, err := e.dir(p)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	h := &handle{dir: fd, name: name}
	var st unix.Stat_t
	if err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return gone(reason(err))
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = unix.Unlinkat(fd, name, unix.AT_REMOVEDIR)
		if errors.Is(err, unix.ENOTDIR) { // a file took its place
			err = errReplaced
		}
		return gone(e.why(h, err))
	}
	old := e.held(h, st)
	err = unix.Unlinkat(fd, name, 0)
	if old != nil {
		if err == nil {
			e.wipe(old, st, false)
		}
		old.Close()
	}
	return gone(e.why(h, err))
}

// held opens a file that is about to lose its last name, so that its bytes can
// be overwritten afterwards; nil when there is nothing to overwrite.
func (e *Editor) held(h *handle, st unix.Stat_t) *os.File {
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 || st.Size == 0 {
		return nil
	}
	if !e.overwrites(h.dir) {
		e.tally.kept++
		return nil
	}
	if err := e.openIn(h, unix.O_RDWR); err != nil {
		e.tally.kept++
		return nil
	}
	if !same(h.stat, st) || !h.here {
		h.file.Close()
		return nil
	}
	return h.file
}

func gone(err error) error {
	if errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	return err
}

// Room implements fsys.Editor: as much as the file system has.
func (e *Editor) Room(fsys.Node) (int64, error) { return math.MaxInt64, nil }

// Replace implements fsys.Editor. The new content appears at once, as a new
// file with the owner, mode, times and extended attributes (SELinux label,
// ACLs, capabilities) of the old; a file with several names, or one that is
// itself a mount, is written in place.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	h, err := e.writable(n)
	if err != nil {
		return err
	}
	defer h.close()
	if h.stat.Nlink > 1 || !h.here {
		return e.inPlace(h, content)
	}
	temp := fmt.Sprintf(".assay-%d.partial", h.stat.Ino)
	err = e.swap(h, temp, content)
	if err != nil {
		_ = unix.Unlinkat(h.dir, temp, 0)
		return e.why(h, err)
	}
	e.wipe(h.file, h.stat, false)
	return nil
}

func (e *Editor) inPlace(h *handle, content []byte) error {
	if _, err := h.file.WriteAt(content, 0); err != nil {
		return reason(err)
	}
	if err := unix.Ftruncate(h.fd(), int64(len(content))); err != nil {
		return reason(err)
	}
	if err := h.file.Sync(); err != nil {
		return reason(err)
	}
	return h.stamp()
}

// swap makes the new file under a temporary name and gives it the name of the
// old.
func (e *Editor) swap(h *handle, temp string, content []byte) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(h.dir, temp, flags, 0o600)
	if errors.Is(err, unix.EEXIST) { // of a run that was killed
		if err = unix.Unlinkat(h.dir, temp, 0); err == nil {
			fd, err = unix.Openat(h.dir, temp, flags, 0o600)
		}
	}
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), temp)
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := h.dress(fd, temp); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	var now unix.Stat_t
	if err := unix.Fstatat(h.dir, h.name, &now, unix.AT_SYMLINK_NOFOLLOW); err != nil || !same(now, h.stat) || now.Size != h.stat.Size || now.Mtim != h.stat.Mtim {
		return errReplaced
	}
	return unix.Renameat(h.dir, temp, h.dir, h.name)
}

// dress gives a new file all that the old one has but its content. The owner
// comes first: chown takes set-id bits and capabilities away.
func (h *handle) dress(fd int, name string) error {
	if err := unix.Fchown(fd, int(h.stat.Uid), int(h.stat.Gid)); err != nil {
		return err
	}
	if err := unix.Fchmod(fd, h.stat.Mode&0o7777); err != nil {
		return err
	}
	want, err := attributes(h.fd())
	if err != nil {
		return err
	}
	has, err := attributes(fd)
	if err != nil {
		return err
	}
	for _, x := range has { // inherited from the directory
		if !slices.ContainsFunc(want, func(w fsys.Xattr) bool { return w.Name == x.Name }) {
			if err := unix.Fremovexattr(fd, x.Name); err != nil {
				return err
			}
		}
	}
	for _, x := range want {
		if err := unix.Fsetxattr(fd, x.Name, x.Value, 0); err != nil {
			return err
		}
	}
	return h.times(name)
}

// Overwrite implements fsys.Editor.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	h, err := e.writable(n)
	if err != nil {
		return err
	}
	defer h.close()
	if off < 0 || off > h.stat.Size-int64(len(b)) {
		return fmt.Errorf("bytes %d to %d are not in the file", off, off+int64(len(b)))
	}
	hole, err := unix.Seek(h.fd(), off, unix.SEEK_HOLE)
	if err == nil && hole < off+int64(len(b)) {
		return fmt.Errorf("%w: bytes in a hole", fsys.ErrCannot)
	}
	if _, err := h.file.WriteAt(b, off); err != nil {
		return reason(err)
	}
	if err := h.file.Sync(); err != nil {
		return reason(err)
	}
	return h.stamp()
}

// Clear implements fsys.Editor.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	h, err := e.writable(n)
	if err != nil {
		return err
	}
	defer h.close()
	if off < 0 || length < 0 || off > h.stat.Size-length {
		return fmt.Errorf("bytes %d to %d are not in the file", off, off+length)
	}
	if err := zero(h.file, off, off+length); err != nil {
		return reason(err)
	}
	return h.stamp()
}

// Commit implements fsys.Editor: it waits until the disk has everything.
func (e *Editor) Commit() (fsys.Report, error) {
	d, err := e.open0() // syncfs takes no O_PATH
	if err != nil {
		return fsys.Report{}, err
	}
	defer unix.Close(d)
	err = unix.Syncfs(d)
	return e.tally.report(), err
}

// Scrub implements fsys.Editor. The kernel does not say which blocks are free
// in a way that can be relied on; see Trim and Fill.
func (e *Editor) Scrub() (fsys.Report, error) {
	return fsys.Report{}, fmt.Errorf("%w: the file system is mounted", fsys.ErrCannot)
}
