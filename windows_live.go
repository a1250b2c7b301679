package assay

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/fsys/hostfs"
	"assay/internal/winapi"
)

// DirTarget is a directory as a target. It is the machine that assay runs on
// when it is "/" or, on Windows, the top of the system's drive. dir is absolute.
func DirTarget(name, dir string) Target {
	t := Target{Name: name, Dir: dir, Live: dir == "/"}
	if w := winapi.System(); w != nil && strings.EqualFold(dir, w.SystemDrive()+`\`) {
		t.Live, t.windows = true, w
	}
	return t
}

// RunningWindows reports whether the target is the Windows that assay runs on.
func (t Target) RunningWindows() bool { return t.Live && t.windows != nil }

// running is the directory as a file system; of a running Windows, with copies
// of the hives that it keeps to itself.
func (r *run) running(f *hostfs.FS) (fsys.FS, error) {
	if !r.t.Live || r.t.windows == nil {
		return f, nil
	}
	l := &liveWindows{api: r.t.windows, fs: hostfs.NewInstead(f)}
	r.closers = append(r.closers, l)
	var err error
	l.tree, err = fsys.NewTree(fsys.Mount{Path: "/", Name: "dir", FS: f, Root: f.Root()})
	if err != nil {
		return nil, err
	}
	return l.fs, l.hives()
}

// liveWindows holds the copies of a running Windows' hives.
type liveWindows struct {
	api  winapi.API
	fs   *hostfs.Instead
	tree *fsys.Tree // to look names up, without the copies
	dir  string     // of the copies
	open []*os.File
}

// Close removes the copies.
func (l *liveWindows) Close() error {
	var all error
	for _, f := range l.open {
		all = errors.Join(all, f.Close())
	}
	if l.dir != "" {
		all = errors.Join(all, os.RemoveAll(l.dir))
	}
	return all
}

// hives puts a copy of each loaded hive into the place of its file, which
// nobody can open while Windows runs. What cannot be copied is told: the rest
// can still be inspected.
func (l *liveWindows) hives() error {
	if err := l.api.Privileges(); err != nil {
		l.fs.Tell(finding.GapUnreadable, "/", fmt.Sprintf("this account may not read everything (%v): run assay as an administrator", err))
	}
	list, err := l.api.Hives()
	if err != nil {
		l.fs.Tell(finding.GapUnreadable, "/Windows/System32/config", fmt.Sprintf("Windows does not say which registry hives it has loaded: %v", err))
		return nil
	}
	if l.dir, err = l.api.PrivateDir(); err != nil {
		l.fs.Tell(finding.GapUnreadable, "/Windows/System32/config", fmt.Sprintf("there is no private folder for copies of the registry: %v", err))
		return nil
	}
	l.hide(l.dir)
	copied := 0
	for i, h := range list {
		if err := l.hive(i, h); err != nil {
			l.fs.Tell(finding.GapUnreadable, h.File, fmt.Sprintf("%s is in use and could not be copied: %v", h.Key, err))
			continue
		}
		copied++
	}
	if copied > 0 {
		l.fs.Tell(finding.GapSkipped, "/Windows/System32/config", "registry hives in use were read through Windows, which leaves out deleted keys and transaction logs: only an image of the disk shows those")
	}
	return nil
}

// hide leaves the folder of the copies out of the tree, if it is in it.
func (l *liveWindows) hide(dir string) {
	rel, ok := l.inside(dir)
	if !ok {
		return
	}
	if p, _, err := l.tree.Lookup(rel, true); err == nil {
		l.fs.Hide(p.Node)
	}
}

// inside is a host's path as one of the tree.
func (l *liveWindows) inside(name string) (string, bool) {
	drive := l.api.SystemDrive()
	if len(name) > len(drive) && strings.EqualFold(name[:len(drive)], drive) {
		return filepath.ToSlash(name[len(drive):]), true
	}
	return "", false
}

// hive copies one hive. Its logs read as empty: the copy has all that they hold.
func (l *liveWindows) hive(i int, h winapi.Hive) error {
	p, name, err := l.tree.Lookup(h.File, true)
	if errors.Is(err, fsys.ErrNotExist) {
		return nil // a hive whose file went, such as that of a profile being deleted
	}
	if err != nil {
		return err
	}
	saved := filepath.Join(l.dir, fmt.Sprintf("%d", i))
	if err := l.api.SaveHive(h.Key, saved); err != nil {
		return err
	}
	f, err := l.api.OpenOnce(saved)
	if err != nil {
		return err
	}
	l.open = append(l.open, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	l.fs.Put(p.Node, savedHive{f, info.Size()})
	for _, ending := range []string{".LOG", ".LOG1", ".LOG2"} {
		if p, _, err := l.tree.Lookup(name+ending, true); err == nil {
			l.fs.Put(p.Node, bytes.NewReader(nil))
		}
	}
	return nil
}

// A savedHive is the copy of a hive.
type savedHive struct {
	*os.File
	size int64
}

// Size implements fsys.File.
func (h savedHive) Size() int64 { return h.size }
