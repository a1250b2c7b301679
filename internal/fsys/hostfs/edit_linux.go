package hostfs

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
)

// An Editor changes the files of one mount below a directory of this host. The
// tree is live: what others do to it meanwhile can make a change fail, and can
// not lead it elsewhere. Every change walks from the directory's descriptor
// name by name, follows no link, stays on its mount, and looks again at what it
// opened before it writes.
//
// Unlike the editors of images it writes at once: Commit only waits for the
// disk. Bytes of what is emptied or removed are overwritten where the file
// system writes in place and nobody has the file open; Commit tells how many
// files were not.
type Editor struct {
	*FS
	top   *os.File // the directory
	at    string   // where this mount lies, "/" for the directory itself
	root  fsys.Node
	mount uint64 // the kernel's number of the mount
	tally *tally
}

var _ fsys.Editor = (*Editor)(nil)

// NewEditor opens dir for changes. live is that of Open.
func NewEditor(dir string, live bool) (*Editor, error) {
	f, err := Open(dir, live)
	if err != nil {
		return nil, err
	}
	top, err := f.root.Open(".")
	if err != nil {
		f.Close()
		return nil, err
	}
	e := &Editor{FS: f, top: top, at: "/", tally: &tally{}}
	if e.mount, err = mountOf(int(top.Fd())); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close releases the directory.
func (e *Editor) Close() error {
	for _, f := range e.tally.held {
		f.Close()
	}
	return errors.Join(e.top.Close(), e.FS.Close())
}

// Root implements fsys.FS.
func (e *Editor) Root() fsys.Node { return e.root }

// mountinfo lists the mounts of this process; see proc_pid_mountinfo(5).
const mountinfo = "/proc/self/mountinfo"

// Mounts returns the directory and every local file system that is mounted
// below it, each with its own editor, under one name. What the kernel fills,
// and network and FUSE mounts, are left out: they are not changed. Without
// /proc only the directory's own file system is there. The mounts share the
// receiver's nodes and are closed with it.
func (e *Editor) Mounts(name string) ([]fsys.Mount, error) {
	out := []fsys.Mount{{Path: "/", Name: name, FS: e, Root: e.root}}
	b, err := os.ReadFile(mountinfo)
	if errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(e.FS.dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		below, ok := strings.CutPrefix(unescape(fields[4]), strings.TrimSuffix(dir, "/")+"/")
		if !ok || below == "" || slices.ContainsFunc(out, func(m fsys.Mount) bool { return m.Path == "/"+below }) {
			continue
		}
		if m, ok := e.below(below); ok {
			out = append(out, fsys.Mount{Path: m.at, Name: name, FS: m, Root: m.root})
		}
	}
	return out, nil
}

// below is the editor of a mount, if it is one that may be changed.
func (e *Editor) below(name string) (*Editor, bool) {
	if e.kernel(name) {
		return nil, false
	}
	fd, err := e.walk(name)
	if err != nil {
		return nil, false // a file, hidden by another mount, or gone
	}
	d := os.NewFile(uintptr(fd), name)
	defer d.Close()
	if ok, _ := local(d); !ok {
		return nil, false
	}
	m := *e
	m.at = "/" + name
	if m.mount, err = mountOf(fd); err != nil || m.mount == e.mount {
		return nil, false
	}
	for _, n := range strings.Split(name, "/") {
		if m.root, err = e.child(m.root, n); err != nil {
			return nil, false
		}
	}
	return &m, true
}

// unescape reads the octal escapes of mountinfo: "\040" is a space.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountOf is the number of the mount that an open file lies on: from statx
// (Linux 5.8), or from the descriptor's entry in /proc (3.15).
func mountOf(fd int) (uint64, error) {
	var x unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &x)
	if err == nil && x.Mask&unix.STATX_MNT_ID != 0 {
		return x.Mnt_id, nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return 0, fmt.Errorf("mounts cannot be told apart: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if id, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			return strconv.ParseUint(strings.TrimSpace(id), 10, 64)
		}
	}
	return 0, errors.New("mounts cannot be told apart on this kernel")
}

// walk opens a directory below the top by its path, for naming files in it
// only. No element may be a link, so none leads out or elsewhere.
func (e *Editor) walk(p string) (int, error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(int(e.top.Fd()), ".", flags, 0)
	if err != nil || p == "." {
		return fd, err
	}
	for _, name := range strings.Split(p, "/") {
		next, err := unix.Openat(fd, name, flags, 0)
		unix.Close(fd)
		if err != nil {
			return -1, reason(err)
		}
		fd = next
	}
	return fd, nil
}

var (
	errMount  = fmt.Errorf("%w: another file system is mounted there", fsys.ErrCannot)
	errKernel = fmt.Errorf("%w: it belongs to the running system", fsys.ErrCannot)
)

// dir opens a directory of this mount.
func (e *Editor) dir(p string) (int, error) {
	if e.kernel(p) {
		return -1, errKernel
	}
	fd, err := e.walk(p)
	if err != nil {
		return -1, err
	}
	id, err := mountOf(fd)
	if err == nil && id != e.mount {
		err = errMount
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ReadDir implements fsys.FS. A directory on which something else is mounted
// is empty: what is mounted there has its own editor, or must not be changed.
func (e *Editor) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	p, err := e.path(n)
	if err != nil {
		return err
	}
	fd, err := e.dir(p)
	if errors.Is(err, errMount) || errors.Is(err, errKernel) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	open, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return reason(err)
	}
	d := os.NewFile(uintptr(open), p)
	defer d.Close()
	return e.list(d, n, yield)
}

// Open implements fsys.FS.
func (e *Editor) Open(n fsys.Node) (fsys.File, error) {
	h, err := e.open(n, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer h.close()
	return &content{e, n, h.stat}, nil
}

// content is a file that is opened for each read, like that of FS.
type content struct {
	e    *Editor
	node fsys.Node
	stat unix.Stat_t
}

func (c *content) Size() int64 { return c.stat.Size }

func (c *content) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > math.MaxInt64-int64(len(b)) {
		return 0, errors.New("offset out of range")
	}
	h, err := c.e.open(c.node, unix.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer h.close()
	if !same(h.stat, c.stat) {
		return 0, errReplaced
	}
	return h.file.ReadAt(b, off)
}

var errReplaced = errors.New("the file was replaced meanwhile")

func same(a, b unix.Stat_t) bool { return a.Dev == b.Dev && a.Ino == b.Ino }

// A handle is an open regular file and the directory that names it.
type handle struct {
	file *os.File
	stat unix.Stat_t
	dir  int // descriptor
	own  unix.Stat_t
	name string
	here bool // on the directory's mount: not a file that was mounted over another
}

func (h *handle) fd() int { return int(h.file.Fd()) }

func (h *handle) close() {
	h.file.Close()
	unix.Close(h.dir)
}

// open opens a regular file, without waiting for anybody and without touching
// a device: the name is looked at before it is opened, and the file after.
func (e *Editor) open(n fsys.Node, flags int) (*handle, error) {
	p, err := e.path(n)
	if err != nil {
		return nil, err
	}
	h := &handle{name: path.Base(p)}
	if h.dir, err = e.dir(path.Dir(p)); err != nil {
		return nil, err
	}
	if err := e.openIn(h, flags); err != nil {
		unix.Close(h.dir)
		return nil, err
	}
	return h, nil
}

func (e *Editor) openIn(h *handle, flags int) error {
	if err := unix.Fstat(h.dir, &h.own); err != nil {
		return reason(err)
	}
	var named unix.Stat_t
	if err := unix.Fstatat(h.dir, h.name, &named, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return reason(err)
	}
	if named.Mode&unix.S_IFMT != unix.S_IFREG {
		return fsys.ErrNotFile
	}
	fd, err := unix.Openat(h.dir, h.name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return e.why(h, err)
	}
	h.file = os.NewFile(uintptr(fd), h.name)
	err = unix.Fstat(fd, &h.stat)
	if err == nil && (!same(h.stat, named) || h.stat.Mode&unix.S_IFMT != unix.S_IFREG) {
		err = errReplaced
	}
	if err == nil {
		var id uint64
		id, err = mountOf(fd)
		h.here = id == e.mount
	}
	if err != nil {
		h.file.Close()
	}
	return err
}
