package content

import (
	"cmp"
	"slices"

	"assay/internal/fsys"
	"assay/internal/guest"
)

// A job is one content to read: a file's own, or one of its named streams.
type job struct {
	path   string // FILE, or FILE:STREAM
	place  fsys.Place
	stream string // "" for the file's own content
	size   int64  // in bytes
}

// open opens what a job reads.
func (w *worker) open(j job) (fsys.File, error) {
	if j.stream == "" {
		return w.g.Tree.OpenAt(j.place)
	}
	x, ok := w.g.Tree.Mounts()[j.place.Mount].FS.(fsys.Streamer)
	if !ok {
		return nil, fsys.ErrNotExist
	}
	return x.OpenStream(j.place.Node, j.stream)
}

// list is every file and stream to read, in the order of reading, hard links
// once.
func list(g *guest.Guest, o Options) []job {
	x := g.Index()
	type inode struct {
		mount int
		n     uint64
	}
	linked := map[inode]bool{}
	var jobs []job
	for _, f := range x.Files {
		if f.Kind != fsys.Regular && f.Kind != fsys.Directory && f.Kind != fsys.Unknown {
			continue
		}
		s, streams := g.Tree.Mounts()[f.Mount].FS.(fsys.Streamer)
		if f.Kind == fsys.Directory && !streams {
			continue
		}
		name := x.Path(f)
		m, err := g.Tree.Meta(f.Place())
		if err != nil {
			g.Tree.Note(name, f.Place(), err)
			continue
		}
		if m.Kind == fsys.Regular && m.Nlink > 1 {
			i := inode{int(f.Mount), m.Inode}
			if linked[i] {
				continue
			}
			if o.Leave == nil || !o.Leave(name) {
				linked[i] = true
			}
		}
		if m.Kind == fsys.Regular && m.Size > 0 && (o.Leave == nil || !o.Leave(name)) {
			jobs = append(jobs, job{path: name, place: f.Place(), size: m.Size})
		}
		if streams {
			jobs = append(jobs, named(g, s, name, f.Place())...)
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int {
		return cmp.Or(cmp.Compare(a.place.Mount, b.place.Mount), cmp.Compare(a.place.Node, b.place.Node))
	})
	if o.Meter != nil {
		for _, j := range jobs {
			o.Meter.Total.Add(j.size)
		}
	}
	return jobs
}

// named are the named streams of one file or directory. No tool that lists
// files shows them, and copies within NTFS keep them.
func named(g *guest.Guest, s fsys.Streamer, name string, p fsys.Place) (out []job) {
	streams, err := s.Streams(p.Node)
	if err != nil {
		g.Tree.Note(name, p, err)
		return nil
	}
	for _, x := range streams {
		if x.Size > 0 {
			out = append(out, job{path: name + ":" + x.Name, place: p, stream: x.Name, size: x.Size})
		}
	}
	return out
}
