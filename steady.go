package assay

import (
	"os"
	"path"
	"time"

	"assay/finding"
)

// A moment is what betrays that somebody writes to a file: its size and the
// time of its last change. Block devices betray nothing.
type moment struct {
	size int64
	when time.Time
}

func momentOf(f *os.File) (moment, bool) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return moment{}, false
	}
	return moment{info.Size(), info.ModTime()}, true
}

// watch remembers how the images look before they are read.
func (r *run) watch() {
	for _, f := range r.t.Images {
		m, ok := momentOf(f.File)
		if !ok {
			m = moment{size: -1}
		}
		r.before = append(r.before, m)
	}
}

// steady tells of images that were written to meanwhile: what was read may be
// of two states, and a digest taken afterwards of a third. A statement about
// such an image would be about bytes that nobody has looked at.
func (r *run) steady() {
	for i, f := range r.t.Images {
		if r.before[i].size < 0 {
			continue
		}
		if m, ok := momentOf(f.File); !ok || m.size != r.before[i].size || !m.when.Equal(r.before[i].when) {
			r.gap(finding.NewGap(finding.GapChanged, finding.Where{Volume: path.Base(f.Path)},
				"size %d, changed %s before; size %d, changed %s after", r.before[i].size, stamp(r.before[i].when), m.size, stamp(m.when)))
		}
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
