package hostfs

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"assay/finding"
	"assay/internal/fsys"
)

// maxNodes bounds the names that are remembered.
const maxNodes = 8 << 20

// FS is a directory of this host. It is safe for concurrent use.
type FS struct {
	root *os.Root
	dir  string
	live bool
	disk bool // what lies on no disk is left out

	openTop sync.Once
	top     *os.File // the root, for openat2; nil where there is none

	mu       sync.Mutex
	nodes    []node
	children map[fsys.Node]map[string]fsys.Node
	problems []fsys.Problem
}

// A node is a name below its parent; nodes[0] is the directory itself.
type node struct {
	parent fsys.Node
	name   string
}

// Open opens dir. With live set it stays on the file systems that hold this
// machine's own data: pseudo file systems are left out in silence, network and
// FUSE mounts as a Problem.
func Open(dir string, live bool) (*FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FS{root: root, dir: dir, live: live, nodes: []node{{}}, children: map[fsys.Node]map[string]fsys.Node{}}, nil
}

// OnDisk leaves out /dev, /proc, /run and /sys of a live system, as an image of
// its disks would. It is called before anything is read.
func (f *FS) OnDisk() { f.disk = true }

// kernels are directories of a live system that the kernel or the running
// services fill.
var kernels = []string{"proc", "sys", "dev", "run"}

// kernel reports whether a relative path belongs to the running system only.
func (f *FS) kernel(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return f.live && slices.Contains(kernels, first)
}

// Close releases the directory.
func (f *FS) Close() error {
	if f.top != nil {
		f.top.Close()
	}
	return f.root.Close()
}

// Describe implements fsys.FS. Problems grow while the tree is walked.
func (f *FS) Describe() fsys.Description {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fsys.Description{Type: "dir", BlockSize: 4096, Problems: append([]fsys.Problem(nil), f.problems...)}
}

// Root implements fsys.FS.
func (f *FS) Root() fsys.Node { return 0 }

var errNode = errors.New("no such node")

// path is the relative path of n, "." for the directory itself.
func (f *FS) path(n fsys.Node) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n >= fsys.Node(len(f.nodes)) {
		return "", errNode
	}
	p := "."
	for ; n != 0; n = f.nodes[n].parent {
		p = path.Join(f.nodes[n].name, p)
	}
	return p, nil
}

// child returns the node of a name below n, making it on the first call.
func (f *FS) child(n fsys.Node, name string) (fsys.Node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kids := f.children[n]
	if k, ok := kids[name]; ok {
		return k, nil
	}
	if len(f.nodes) >= maxNodes {
		return 0, errors.New("too many files in one tree")
	}
	if kids == nil {
		kids = map[string]fsys.Node{}
		f.children[n] = kids
	}
	k := fsys.Node(len(f.nodes))
	f.nodes = append(f.nodes, node{n, name})
	kids[name] = k
	return k, nil
}

// Stat implements fsys.FS.
func (f *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	p, err := f.path(n)
	if err != nil {
		return fsys.Meta{}, err
	}
	info, err := f.lstat(p)
	if err != nil {
		return fsys.Meta{}, translate(err)
	}
	return meta(info), nil
}

// ReadDir implements fsys.FS.
func (f *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	p, err := f.path(n)
	if err != nil {
		return err
	}
	if f.disk && f.kernel(p) {
		return nil
	}
	d, err := f.openAt(p)
	if err != nil {
		return translate(err)
	}
	defer d.Close()
	if f.live && n != 0 {
		if ok, why := local(d); !ok {
			f.leave(p, why)
			return nil
		}
	}
	return f.list(d, n, yield)
}

// list yields the entries of an open directory.
func (f *FS) list(d *os.File, n fsys.Node, yield func(fsys.Entry) error) error {
	for {
		es, err := d.ReadDir(1024)
		for _, e := range es {
			k, err := f.child(n, e.Name())
			if err != nil {
				return err
			}
			if err := yield(fsys.Entry{Name: e.Name(), Node: k, Kind: kind(e.Type())}); err != nil {
				if errors.Is(err, fsys.ErrStop) {
					return nil
				}
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return translate(err)
		}
	}
}

// leave remembers a mount that is not entered; why is "" for pseudo ones.
func (f *FS) leave(p, why string) {
	if why == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.problems {
		if x.Path == "/"+p {
			return
		}
	}
	f.problems = append(f.problems, fsys.Problem{Kind: finding.GapSkipped, Path: "/" + p, Detail: "a mount of type " + why + " is not part of this machine's disks"})
}

// Open implements fsys.FS. The file is opened for each ReadAt and closed again,
// so that a walk of a million files needs no million descriptors.
func (f *FS) Open(n fsys.Node) (fsys.File, error) {
	p, err := f.path(n)
	if err != nil {
		return nil, err
	}
	info, err := f.lstat(p)
	if err != nil {
		return nil, translate(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fsys.ErrNotFile
	}
	return &file{f, p, info}, nil
}

type file struct {
	fs   *FS
	path string
	info fs.FileInfo
}

func (x *file) Size() int64 { return x.info.Size() }

func (x *file) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > math.MaxInt64-int64(len(b)) {
		return 0, errors.New("offset out of range")
	}
	h, err := x.fs.openAt(x.path)
	if err != nil {
		return 0, translate(err)
	}
	defer h.Close()
	if now, err := h.Stat(); err != nil || !os.SameFile(now, x.info) || !now.Mode().IsRegular() {
		return 0, errors.New("the file was replaced while it was read")
	}
	return h.ReadAt(b, off)
}

// Readlink implements fsys.FS.
func (f *FS) Readlink(n fsys.Node) (string, error) {
	p, err := f.path(n)
	if err != nil {
		return "", err
	}
	s, err := f.root.Readlink(p)
	return target(s), translate(err)
}

func translate(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fsys.ErrNotExist
	}
	return err
}

func kind(m fs.FileMode) fsys.Kind {
	switch m.Type() {
	case 0:
		return fsys.Regular
	case fs.ModeDir:
		return fsys.Directory
	case fs.ModeSymlink:
		return fsys.Symlink
	case fs.ModeDevice:
		return fsys.BlockDevice
	case fs.ModeDevice | fs.ModeCharDevice:
		return fsys.CharDevice
	case fs.ModeNamedPipe:
		return fsys.FIFO
	case fs.ModeSocket:
		return fsys.Socket
	}
	return fsys.Unknown
}

// permissions turns Go's mode bits into Unix ones.
func permissions(m fs.FileMode) uint16 {
	p := uint16(m.Perm())
	for bit, unix := range map[fs.FileMode]uint16{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			p |= unix
		}
	}
	return p
}
