package hostfs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
)

// Bounds on what is overwritten before it is freed: each file costs a flush of
// the disk's cache.
const (
	maxWiped = 4 << 30  // bytes in all
	maxFiles = 20_000   // files
	maxHeld  = 256      // files that were in use, held open until Commit
	chunk    = 1 << 20  // bytes at a time
	maxXattr = 64 << 10 // XATTR_LIST_MAX and XATTR_SIZE_MAX
)

// A tally counts what one tree's editors overwrote.
type tally struct {
	files int
	bytes int64
	kept  int // freed with their bytes
	held  []*os.File
}

// release overwrites what was in use and is so no more.
func (t *tally) release() {
	for _, f := range t.held {
		var st unix.Stat_t
		if unix.Fstat(int(f.Fd()), &st) != nil || st.Nlink > 0 || inUse(int(f.Fd())) || !t.overwrite(f, st.Size) {
			t.kept++
		}
		f.Close()
	}
	t.held = nil
}

// overwrite zeroes a file, and waits for the disk.
func (t *tally) overwrite(f *os.File, size int64) bool {
	if t.files >= maxFiles || size > maxWiped-t.bytes || zero(f, 0, size) != nil || unix.Fdatasync(int(f.Fd())) != nil {
		return false
	}
	t.files, t.bytes = t.files+1, t.bytes+size
	return true
}

func (t *tally) report() fsys.Report {
	t.release()
	r := fsys.Report{Zeroed: t.bytes}
	if t.kept > 0 {
		r.Left = []string{fmt.Sprintf("%d files that were emptied or removed were not overwritten first (in use, or on a file system that writes elsewhere): their bytes are in free space", t.kept)}
	}
	t.bytes, t.kept = 0, 0
	return r
}

// overwrites reports whether what is written to a file of this file system
// goes to the blocks that it has.
func (e *Editor) overwrites(fd int) bool {
	var s unix.Statfs_t
	if unix.Fstatfs(fd, &s) != nil {
		return false
	}
	switch int64(s.Type) & 0xffffffff {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.MSDOS_SUPER_MAGIC:
		return true
	}
	return false
}

// wipe overwrites the bytes of a file that is about to be freed, or has no name
// any more. It is best effort: what it leaves is counted. A file that another
// process has open is left alone, because that process may rely on it; without
// a name it gets another chance at Commit.
func (e *Editor) wipe(f *os.File, st unix.Stat_t, named bool) {
	t, fd := e.tally, int(f.Fd())
	switch {
	case !e.overwrites(fd):
		t.kept++
	case !inUse(fd):
		if !t.overwrite(f, st.Size) {
			t.kept++
		}
	case !named && len(t.held) < maxHeld:
		if again, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			t.held = append(t.held, os.NewFile(uintptr(again), f.Name()))
			return
		}
		t.kept++
	default:
		t.kept++
	}
}

// inUse reports whether anybody else has the file open. The kernel grants a
// write lease to the only opener; see fcntl(2), F_SETLEASE.
func inUse(fd int) bool {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return true
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	return err != nil
}

// zero writes zeroes over the data of a file between two offsets; holes stay.
func zero(f *os.File, from, to int64) error {
	buf := make([]byte, min(chunk, max(0, to-from)))
	fd := int(f.Fd())
	for from < to {
		start, err := unix.Seek(fd, from, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // a hole up to the end
		}
		end := to
		if err != nil {
			start = from // no such call here: all is data
		} else if h, err := unix.Seek(fd, start, unix.SEEK_HOLE); err == nil {
			end = min(h, to)
		}
		for ; start < end; start += int64(len(buf)) {
			if _, err := f.WriteAt(buf[:min(int64(len(buf)), end-start)], start); err != nil {
				return err
			}
		}
		from = max(end, from+1)
	}
	return nil
}

// attributes lists the extended attributes of an open file.
func attributes(fd int) ([]fsys.Xattr, error) {
	buf := make([]byte, maxXattr)
	n, err := unix.Flistxattr(fd, buf)
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []fsys.Xattr
	for _, name := range strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r == 0 }) {
		v := make([]byte, maxXattr)
		k, err := unix.Fgetxattr(fd, name, v)
		if err != nil {
			return nil, err
		}
		out = append(out, fsys.Xattr{Name: name, Value: v[:k]})
	}
	return out, nil
}

// fitrim is FITRIM, _IOWR('X', 121, struct fstrim_range). Source:
// include/uapi/linux/fs.h.
const fitrim = 0xc0185879

// Trim tells the device below this mount which blocks are free (FITRIM), as
// fstrim(8) does, and returns how many bytes it was told of. A device that
// cannot discard is ErrCannot. What the device then gives back for them is its
// own affair: zeroes on cloud disks and loop devices, anything on others.
func (e *Editor) Trim() (int64, error) {
	d, err := e.open0()
	if err != nil {
		return 0, err
	}
	defer unix.Close(d)
	if err := unix.Syncfs(d); err != nil { // what was freed is free after the log has it
		return 0, err
	}
	// The kernel reads and writes struct fstrim_range {u64 start, len, minlen}
	// through the pointer. Termios, which is longer, is what x/sys passes on
	// with a request of the caller's; its first words stand for the range.
	var t unix.Termios
	t.Cflag, t.Lflag = 0xffffffff, 0xffffffff // len: all
	if err := unix.IoctlSetTermios(d, fitrim, &t); err != nil {
		if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP) {
			return 0, fmt.Errorf("%w: the disk takes no discards", fsys.ErrCannot)
		}
		return 0, reason(err)
	}
	var b [8]byte
	binary.NativeEndian.PutUint32(b[:4], t.Cflag)
	binary.NativeEndian.PutUint32(b[4:], t.Lflag)
	return int64(binary.NativeEndian.Uint64(b[:])), nil
}

// open0 opens the top directory of this mount for reading.
func (e *Editor) open0() (int, error) {
	fd, err := e.walk(path.Clean("." + e.at))
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	d, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return d, reason(err)
}

// Fill writes zeroes into the free space of this mount until only reserve bytes
// are left for others, and gives the space back. The file that it writes has no
// name: whatever ends this process frees it. It returns how many bytes were
// written; progress may be nil. Blocks that the file system keeps for itself
// (ext4: 2 %, at most 4096 clusters) cannot be had.
func (e *Editor) Fill(ctx context.Context, reserve int64, progress func(done, total int64)) (int64, error) {
	d, err := e.open0()
	if err != nil {
		return 0, err
	}
	defer unix.Close(d)
	if !e.overwrites(d) {
		return 0, fmt.Errorf("%w: this file system may compress or share what is written: use fstrim", fsys.ErrCannot)
	}
	fd, err := unix.Openat(d, ".", unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return 0, reason(err)
	}
	f := os.NewFile(uintptr(fd), "free space")
	defer f.Close()
	n, err := fill(ctx, f, reserve, progress)
	if err != nil {
		return n, err
	}
	return n, f.Sync()
}

func fill(ctx context.Context, f *os.File, reserve int64, progress func(done, total int64)) (done int64, err error) {
	buf := make([]byte, chunk)
	for {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		var s unix.Statfs_t
		if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
			return done, err
		}
		room := int64(min(s.Bavail, 1<<50/uint64(s.Bsize)))*s.Bsize - reserve
		if progress != nil {
			progress(done, done+max(0, room))
		}
		if room < s.Bsize {
			return done, nil
		}
		n, err := f.Write(buf[:min(room, chunk)])
		done += int64(n)
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
		if done%(64*chunk) == 0 { // so that what is free counts what was written
			if err := f.Sync(); err != nil {
				return done, err
			}
		}
	}
}
