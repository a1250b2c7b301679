package apply

import (
	"errors"
	"path"
	"strings"

	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/plan"
)

// blank makes a file empty, the named streams that it has beside its content
// too: they say where a download came from, signed addresses included.
func blank(ed fsys.Editor, n fsys.Node) error {
	if err := ed.Blank(n); err != nil {
		return err
	}
	return blankStreams(ed, n)
}

// blankStreams makes the named streams of a file or directory empty.
func blankStreams(ed fsys.Editor, n fsys.Node) error {
	from, ok := ed.(fsys.Streamer)
	to, can := ed.(fsys.StreamEditor)
	if !ok || !can {
		return nil
	}
	list, err := from.Streams(n)
	for _, s := range list {
		if s.Size > 0 {
			err = errors.Join(err, to.BlankStream(n, s.Name))
		}
	}
	return err
}

// stream performs a step on a named stream, "FILE:STREAM", which can only be
// emptied; ErrNotExist means that there is none.
func (h *hand) stream(s plan.Step) (finding.Text, error) {
	file, name, ok := strings.Cut(path.Base(s.Path), ":")
	if !ok || s.Op != finding.Blank && s.Op != finding.Remove && s.Op != finding.RemoveTree {
		return finding.Text{}, fsys.ErrNotExist
	}
	f, err := h.find(s.Volume, path.Join(path.Dir(s.Path), file), true)
	if err != nil {
		return finding.Text{}, err
	}
	ed, ok := f.editor.(fsys.StreamEditor)
	if !ok {
		return finding.Text{}, fsys.ErrNotExist
	}
	return emptied, ed.BlankStream(f.place.Node, name)
}
