package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/plan"
)

// A Volume is one volume of the machine that may be changed.
type Volume struct {
	Name   string
	Editor fsys.Editor // nil when it holds no file system that can be edited
	Raw    fsys.Patch  // for swap; nil in a directory
	Why    error       // why Editor is nil
}

// A Machine is what a plan is run over.
type Machine struct {
	// Mounts are those of the guest, with the editors as their file systems.
	Mounts []fsys.Mount
	// Volumes are all volumes by name, the mounted ones too.
	Volumes map[string]Volume
	// Fingerprint is the keyed hash under which the plan knows what it
	// expects.
	Fingerprint func([]byte) string
	// Random is what new password hashes of Windows accounts are made of; nil
	// where there are none.
	Random io.Reader
	// Tolerant goes on after a step that failed, and tells of it: in a live
	// tree files come and go, and there is no copy to withhold.
	Tolerant bool
}

// A Result says what became of a step.
type Result struct {
	Done bool
	// Left says that nothing was changed: this file system has no safe way.
	// What was found there is open for a decision again.
	Left bool
	// Note tells how it was done where that is not plain: emptied instead of
	// removed, already gone.
	Note finding.Text
	Err  error
}

// A Surprise is an edit that met something else than the plan expects. Nothing
// of the output may be used then.
type Surprise struct {
	Step int // index into the plan
	Edit finding.Edit
	Err  error
}

func (s *Surprise) Error() string {
	return fmt.Sprintf("step %d (%s %s): %v", s.Step+1, s.Edit.Op, s.Edit.Path, s.Err)
}

// Unwrap returns what was met.
func (s *Surprise) Unwrap() error { return s.Err }

// Errors of single steps.
var (
	errChanged  = errors.New("the place does not hold what the plan expects")
	errLeft     = errors.New("left as it was")
	errEncoded  = fmt.Errorf("the secret is encoded: %w", errLeft)
	errNoVolume = errors.New("the plan names a volume that is not there")
)

// Run runs every step in order and tells what became of each. It stops at the
// first surprise with a *Surprise.
func Run(ctx context.Context, p *plan.Plan, m Machine, tell func(i int, r Result)) error {
	tree, err := fsys.NewTree(m.Mounts...)
	if err != nil {
		return err
	}
	h := &hand{Machine: m, tree: tree, keep: p.Keep, gone: map[where]bool{}, trees: map[string]*fsys.Tree{}}
	for i, s := range p.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		note, err := h.step(s)
		if err == nil && onHive(s) && (i == len(p.Steps)-1 || !onHive(p.Steps[i+1])) {
			err = h.flush()
		}
		if errors.Is(err, errEncoded) {
			note = finding.T("left: the secret is encoded in the file, a placeholder could break it", "已保留：机密在文件中经过编码，覆盖可能破坏文件格式")
		}
		if errors.Is(err, errLeft) {
			tell(i, Result{Left: true, Note: note})
			continue
		}
		tell(i, Result{Done: err == nil, Note: note, Err: err})
		if err != nil && !m.Tolerant {
			return &Surprise{Step: i, Edit: s.Edit, Err: err}
		}
	}
	return nil
}

// A hand holds one run's state.
type hand struct {
	Machine
	tree  *fsys.Tree
	trees map[string]*fsys.Tree // of volumes that are not mounted
	keep  []string
	gone  map[where]bool // removed in this run: the tree's cache does not know
	roots []string       // directories that were removed or emptied
	stale bool           // directories went since the trees were made
	hives []*hive        // being edited
}

// where is one file of one volume.
type where struct {
	volume string
	node   fsys.Node
}

// step performs one step.
func (h *hand) step(s plan.Step) (finding.Text, error) {
	switch s.Op {
	case finding.Scrub:
		return finding.Text{}, h.scrub(s)
	case finding.Replace:
		if s.Path == "" {
			return finding.Text{}, h.raw(s)
		}
	case finding.RemoveUser:
		return h.removeUser(s.User)
	case finding.SetSSHD:
		return finding.Text{}, h.setSSHD(s)
	case finding.RemoveTree, finding.EmptyDir, finding.Remove:
		if strings.ContainsAny(s.Path, "*?[") && len(s.Findings) == 0 {
			return h.pattern(s)
		}
	}
	f, err := h.find(s.Volume, s.Path, follows(s.Op))
	if errors.Is(err, fsys.ErrNotExist) && h.below(s.Path) || err == nil && h.gone[f.where()] {
		return finding.Text{}, nil // went with an earlier step
	}
	if errors.Is(err, fsys.ErrNotExist) && strings.Contains(path.Base(s.Path), ":") {
		note, other := h.stream(s)
		if !errors.Is(other, fsys.ErrNotExist) {
			return note, other
		}
	}
	if err != nil {
		return finding.Text{}, err
	}
	if onHive(s) {
		return h.registry(f, s)
	}
	switch s.Op {
	case finding.EmptyLog:
		return finding.Text{}, h.emptyLog(f)
	case finding.Replace:
		return finding.Text{}, h.replace(f, s)
	case finding.RemoveLine:
		return finding.Text{}, h.removeLine(f, s)
	case finding.LockPassword:
		return finding.Text{}, h.lock(f, s.User)
	case finding.Reset:
		return h.reset(f)
	case finding.Blank:
		return finding.Text{}, blank(f.editor, f.place.Node)
	case finding.Remove:
		return h.remove(f)
	case finding.EmptyDir:
		return h.emptyDir(f, nil)
	case finding.RemoveTree:
		return h.removeTree(f)
	}
	return finding.Text{}, fmt.Errorf("unknown operation %q", s.Op)
}

// follows reports whether an operation is about the file that a path leads to,
// and not about the name. A link is followed inside the guest only.
func follows(op finding.Op) bool {
	return op != finding.Remove && op != finding.RemoveTree
}

// A file is one file that can be edited.
type file struct {
	tree   *fsys.Tree
	place  fsys.Place
	path   string // where the lookup ended
	meta   fsys.Meta
	editor fsys.Editor
}

func (f *file) where() where { return where{f.tree.VolumeOf(f.place), f.place.Node} }

// below reports whether a path lies in a directory that an earlier step
// removed or emptied.
func (h *hand) below(name string) bool {
	return slices.ContainsFunc(h.roots, func(d string) bool { return strings.HasPrefix(name, strings.TrimSuffix(d, "/")+"/") })
}

// refresh makes the trees anew after directories went: their caches still
// have what was in them.
func (h *hand) refresh() error {
	if !h.stale {
		return nil
	}
	t, err := fsys.NewTree(h.Mounts...)
	if err != nil {
		return err
	}
	h.tree, h.trees, h.stale = t, map[string]*fsys.Tree{}, false
	return nil
}

// treeOf is the tree in which a path of a volume is to be looked up: the
// machine's own if the volume is mounted there or none is named.
func (h *hand) treeOf(name string) (*fsys.Tree, error) {
	if name == "" {
		return h.tree, nil
	}
	for _, m := range h.tree.Mounts() {
		if m.Name == name {
			return h.tree, nil
		}
	}
	if t := h.trees[name]; t != nil {
		return t, nil
	}
	v, ok := h.Volumes[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errNoVolume, name)
	}
	if v.Editor == nil {
		return nil, fmt.Errorf("%s: %w", name, v.Why)
	}
	t, err := fsys.NewTree(fsys.Mount{Path: "/", Name: name, FS: v.Editor, Root: v.Editor.Root()})
	h.trees[name] = t
	return t, err
}

// find looks a path up.
func (h *hand) find(volume, name string, follow bool) (*file, error) {
	if err := h.refresh(); err != nil {
		return nil, err
	}
	t, err := h.treeOf(volume)
	if err != nil {
		return nil, err
	}
	place, real, err := t.Lookup(name, follow)
	if err != nil {
		return nil, err
	}
	return h.at(t, place, real)
}

func (h *hand) at(t *fsys.Tree, place fsys.Place, name string) (*file, error) {
	f := &file{tree: t, place: place, path: name}
	if h.gone[f.where()] {
		return f, nil
	}
	var ok bool
	if f.editor, ok = t.Mounts()[place.Mount].FS.(fsys.Editor); !ok {
		v := h.Volumes[t.VolumeOf(place)]
		return nil, fmt.Errorf("%s: %w", name, errors.Join(v.Why, fsys.ErrUnsafe))
	}
	var err error
	f.meta, err = t.Meta(place)
	return f, err
}

// pattern removes what a pattern of the user's matches; nothing is an error,
// because it is not what was meant.
func (h *hand) pattern(s plan.Step) (finding.Text, error) {
	dir, rest := split(s.Path)
	t, err := h.treeOf(s.Volume)
	if err != nil {
		return finding.Text{}, err
	}
	n := 0
	err = h.glob(t, dir, rest, func(name string) error {
		n++
		one := s
		one.Path, one.Findings = name, []string{""}
		_, err := h.step(one)
		return err
	})
	if err == nil && n == 0 {
		err = errors.New("nothing matches")
	}
	return finding.Tf("%d removed", "已删除 %d 项", n), err
}

// split cuts a pattern before its first element with a wildcard.
func split(p string) (dir string, rest []string) {
	parts := strings.Split(strings.TrimPrefix(path.Clean(p), "/"), "/")
	for i, e := range parts {
		if strings.ContainsAny(e, "*?[") {
			return "/" + strings.Join(parts[:i], "/"), parts[i:]
		}
	}
	return path.Clean(p), nil
}

func (h *hand) glob(t *fsys.Tree, dir string, rest []string, fn func(string) error) error {
	if len(rest) == 0 {
		return fn(dir)
	}
	es, err := t.ReadDir(dir)
	if errors.Is(err, fsys.ErrNotDir) || errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range es {
		if ok, err := path.Match(rest[0], e.Name); err != nil {
			return err
		} else if ok {
			if err := h.glob(t, path.Join(dir, e.Name), rest[1:], fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// scrub zeroes a swap area: of a volume, or in a file.
func (h *hand) scrub(s plan.Step) error {
	if s.Path != "" {
		f, err := h.find(s.Volume, s.Path, true)
		if err != nil {
			return err
		}
		if h.gone[f.where()] {
			return nil
		}
		return f.editor.Clear(f.place.Node, s.Offset, s.Length)
	}
	v, ok := h.Volumes[s.Volume]
	if !ok || v.Raw == nil {
		return fmt.Errorf("%w: %s", errNoVolume, s.Volume)
	}
	return v.Raw.Zero(s.Offset, s.Length)
}

// raw overwrites bytes of a volume that holds no file system: the signature of
// a swap area.
func (h *hand) raw(s plan.Step) error {
	v, ok := h.Volumes[s.Volume]
	if !ok || v.Raw == nil {
		return fmt.Errorf("%w: %s", errNoVolume, s.Volume)
	}
	if int64(len(s.With)) != s.Length || v.Editor != nil {
		return fmt.Errorf("bytes %d to %d of %s: %w", s.Offset, s.Offset+s.Length, s.Volume, errChanged)
	}
	_, err := v.Raw.WriteAt([]byte(s.With), s.Offset)
	return err
}
