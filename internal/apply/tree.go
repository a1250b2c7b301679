package apply

import (
	"errors"
	"path"

	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/plan"
)

var (
	emptied = finding.T("emptied: this file system cannot remove it safely, its name stays", "已清空：该文件系统无法安全删除此文件，文件名保留")
	left    = finding.T("left: this file system cannot remove it safely", "已保留：该文件系统无法安全删除")
	some    = finding.T("some of it was emptied only: this file system cannot remove it safely, names stay", "部分文件仅被清空：该文件系统无法安全删除，文件名保留")
)

// maxDepth bounds directories below each other.
const maxDepth = 1024

// reset brings a file or a directory to its first-boot state: empty. What
// seeds cloud-init is not state: it stays.
func (h *hand) reset(f *file) (finding.Text, error) {
	if f.meta.Kind == fsys.Directory {
		return h.emptyDir(f, map[string]bool{path.Join(f.path, "seed"): true})
	}
	return finding.Text{}, blank(f.editor, f.place.Node)
}

// remove removes one file or empty directory, or empties the file where the
// file system cannot.
func (h *hand) remove(f *file) (finding.Text, error) {
	dir, _, err := f.tree.Lookup(path.Dir(f.path), true)
	if err != nil {
		return finding.Text{}, err
	}
	if dir.Mount != f.place.Mount {
		return finding.Text{}, errors.New("a file system is mounted there")
	}
	err = f.editor.Remove(dir.Node, path.Base(f.path))
	if errors.Is(err, fsys.ErrCannot) && f.meta.Kind == fsys.Regular {
		return emptied, blank(f.editor, f.place.Node)
	}
	if errors.Is(err, fsys.ErrCannot) {
		return left, errLeft
	}
	if err == nil && (f.meta.Nlink <= 1 || f.meta.Kind == fsys.Directory) {
		h.gone[f.where()] = true
	}
	return finding.Text{}, err
}

// removeTree removes a file, or a directory with all below.
func (h *hand) removeTree(f *file) (finding.Text, error) {
	if f.meta.Kind != fsys.Directory {
		return h.remove(f)
	}
	w := walk{h: h, f: f}
	if f.path == "/" {
		return finding.Text{}, errors.New("this would remove the whole system")
	}
	dir, _, err := f.tree.Lookup(path.Dir(f.path), true)
	if err != nil {
		return finding.Text{}, err
	}
	h.roots, h.stale = append(h.roots, f.path), true
	left, err := w.empty(f.place.Node, f.path, 0)
	if err == nil && !left {
		err = f.editor.Remove(dir.Node, path.Base(f.path))
		if err == nil {
			h.gone[f.where()] = true
		}
		if errors.Is(err, fsys.ErrCannot) {
			w.weaker, err = true, nil
		}
	}
	return w.note(), err
}

// emptyDir removes all below a directory but what except names.
func (h *hand) emptyDir(f *file, except map[string]bool) (finding.Text, error) {
	if f.meta.Kind != fsys.Directory {
		return finding.Text{}, fsys.ErrNotDir
	}
	w := walk{h: h, f: f, except: except}
	h.roots, h.stale = append(h.roots, f.path), true
	_, err := w.empty(f.place.Node, f.path, 0)
	return w.note(), err
}

// A walk empties one directory on one file system: it never enters a mount,
// because what is mounted there is not found by nodes.
type walk struct {
	h      *hand
	f      *file
	except map[string]bool
	weaker bool
}

func (w *walk) note() finding.Text {
	if w.weaker {
		return some
	}
	return finding.Text{}
}

// empty removes the entries of a directory, deepest first, and reports whether
// something is left in it on purpose or because it cannot go.
func (w *walk) empty(dir fsys.Node, name string, depth int) (left bool, err error) {
	if depth > maxDepth {
		return true, errors.New("directories nest too deep")
	}
	var es []fsys.Entry
	err = w.f.editor.ReadDir(dir, func(e fsys.Entry) error {
		es = append(es, e)
		return nil
	})
	if errors.Is(err, fsys.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	for _, e := range es {
		stays, err := w.entry(dir, e, path.Join(name, e.Name), depth)
		if err != nil {
			return true, err
		}
		left = left || stays
	}
	return left, nil
}

func (w *walk) entry(dir fsys.Node, e fsys.Entry, name string, depth int) (stays bool, err error) {
	if w.except[name] || plan.Kept(w.h.keep, name) {
		return true, nil
	}
	ed := w.f.editor
	m, err := ed.Stat(e.Node)
	if errors.Is(err, fsys.ErrNotExist) {
		return false, nil // a live tree: somebody else removed it
	}
	if err != nil {
		return true, err
	}
	at := where{w.f.tree.VolumeOf(w.f.place), e.Node}
	if m.Kind == fsys.Directory {
		if stays, err = w.empty(e.Node, name, depth+1); err != nil || stays {
			return stays, err
		}
	}
	err = ed.Remove(dir, e.Name)
	if errors.Is(err, fsys.ErrCannot) {
		w.weaker = true
		if m.Kind == fsys.Regular {
			return true, blank(ed, e.Node)
		}
		return true, blankStreams(ed, e.Node)
	}
	if err == nil && (m.Nlink <= 1 || m.Kind == fsys.Directory) {
		w.h.gone[at] = true
	}
	return false, err
}
