//go:build linux

package ext4

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"assay/internal/fsys"
)

// A plan is what the edits are to lead to.
type plan struct {
	t    testing.TB
	rng  *rand.Rand
	e    *Editor
	p    *memPatch
	want map[string]fact
	gone []string // marks that must not be left
	did  map[string]int
}

func (p *plan) must(what, name string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s %q: %v", what, name, err)
	}
}

func (p *plan) node(name string) fsys.Node { return fsys.Node(p.want[name].meta.Inode) }

// update changes a file under all its names.
func (p *plan) update(ino uint64, fn func(*fact)) {
	for name, x := range p.want {
		if x.meta.Inode == ino {
			fn(&x)
			p.want[name] = x
		}
	}
}

// content reads a file.
func (p *plan) content(name string) []byte {
	f, err := p.e.Open(p.node(name))
	p.must("open", name, err)
	b, err := fsys.Content(f, 64<<20)
	p.must("read", name, err)
	return b
}

// old notes the blocks of a file, and returns a check that they are zero.
func (p *plan) old(name string) func() {
	exts, err := p.e.Extents(p.node(name))
	p.must("extents", name, err)
	return func() {
		for _, x := range exts {
			if !allZero(p.p.b[x.Physical:][:x.Len]) {
				p.t.Errorf("%q: old block at %d is not zero", name, x.Physical)
				return
			}
		}
	}
}

func (p *plan) lose(b []byte) { p.gone = append(p.gone, slices.Collect(maps.Keys(marksIn(b)))...) }

// edit does one random thing to a regular file.
func (p *plan) edit(name string) {
	x := p.want[name]
	n, ino := p.node(name), x.meta.Inode
	switch p.rng.IntN(12) {
	case 0, 1:
		p.lose(p.content(name))
		check := p.old(name)
		p.must("Blank", name, p.e.Blank(n))
		check()
		p.update(ino, func(f *fact) { f.meta.Size, f.sum = 0, sha256.Sum256(nil) })
		p.did["blank"]++
	case 2, 3:
		p.remove(name)
	case 4, 5:
		p.replace(name)
	case 6:
		b := p.content(name)
		if len(b) == 0 {
			return
		}
		off := p.rng.IntN(len(b))
		w := bytes.Repeat([]byte{'#'}, p.rng.IntN(len(b)-off)+1)
		err := p.e.Overwrite(n, int64(off), w)
		if errors.Is(err, fsys.ErrCannot) {
			p.did["overwrite refused"]++
			return
		}
		p.must("Overwrite", name, err)
		copy(b[off:], w)
		p.update(ino, func(f *fact) { f.sum = sha256.Sum256(b) })
		p.did["overwrite"]++
	case 7:
		b := p.content(name)
		off := p.rng.IntN(len(b) + 1)
		w := p.rng.IntN(len(b) - off + 1)
		p.must("Clear", name, p.e.Clear(n, int64(off), int64(w)))
		clear(b[off : off+w])
		p.update(ino, func(f *fact) { f.sum = sha256.Sum256(b) })
		p.did["clear"]++
	}
}

func (p *plan) replace(name string) {
	n, ino := p.node(name), p.want[name].meta.Inode
	b := p.content(name)
	room, err := p.e.Room(n)
	if errors.Is(err, fsys.ErrCannot) {
		p.did["no room"]++
		return
	}
	p.must("Room", name, err)
	if room < int64(len(b)) {
		p.t.Errorf("%q: room for %d of %d bytes", name, room, len(b))
	}
	if err := p.e.Replace(n, make([]byte, room+1)); !errors.Is(err, fsys.ErrNoRoom) {
		p.t.Errorf("%q: %d bytes in %d: %v", name, room+1, room, err)
	}
	w := bytes.Repeat([]byte("replaced\n"), int(room)/9+1)[:p.rng.Int64N(room+1)]
	if p.rng.IntN(4) == 0 {
		w = bytes.Repeat([]byte("r"), int(room))
	}
	err = p.e.Replace(n, w)
	if errors.Is(err, fsys.ErrCannot) {
		p.did["replace refused"]++
		return
	}
	p.must("Replace", name, err)
	p.lose(b)
	p.update(ino, func(f *fact) { f.meta.Size, f.sum = int64(len(w)), sha256.Sum256(w) })
	p.did["replace"]++
}

// remove removes anything, directories with all below.
func (p *plan) remove(name string) {
	x := p.want[name]
	if x.meta.Kind == fsys.Directory {
		for _, below := range slices.Backward(slices.Sorted(maps.Keys(p.want))) {
			if path.Dir(below) == name {
				p.remove(below)
			}
		}
	}
	parent := path.Dir(name)
	if parent == "/" {
		parent = ""
	}
	if x.meta.Kind == fsys.Directory && p.rng.IntN(4) == 0 { // not while it has names
		if err := p.e.Remove(p.node(parent), path.Base(name)+"x"); !errors.Is(err, fsys.ErrNotExist) {
			p.t.Errorf("Remove of a name that is not there: %v", err)
		}
	}
	check := func() {}
	if last := x.meta.Nlink == 1 || x.meta.Kind == fsys.Directory; last {
		switch x.meta.Kind {
		case fsys.Regular:
			p.lose(p.content(name))
			check = p.old(name)
		case fsys.Directory:
			check = p.old(name)
		}
		p.lose([]byte(x.target))
	}
	p.must("Remove", name, p.e.Remove(p.node(parent), path.Base(name)))
	check()
	delete(p.want, name)
	p.lose([]byte(path.Base(name)))
	if x.meta.Kind == fsys.Directory {
		p.update(p.want[parent].meta.Inode, func(f *fact) { f.meta.Nlink-- })
		p.did["rmdir"]++
		return
	}
	p.update(x.meta.Inode, func(f *fact) { f.meta.Nlink-- })
	p.did["remove"]++
}

// run edits at random what the editor shows.
func (p *plan) run() {
	for _, name := range slices.Sorted(maps.Keys(p.want)) {
		x, ok := p.want[name]
		if !ok || name == "" || name == "/lost+found" {
			continue
		}
		switch {
		case x.meta.Kind == fsys.Regular:
			p.edit(name)
		case p.rng.IntN(4) == 0 && name != "/big" || p.rng.IntN(40) == 0:
			p.remove(name)
		}
	}
	for _, name := range []string{".", "..", "lost+found", ""} {
		if err := p.e.Remove(p.e.Root(), name); err == nil {
			p.t.Errorf("Remove %q succeeds", name)
		}
	}
}

// finish commits, scrubs, and lets others judge the result.
func (p *plan) finish(out string) {
	t := p.t
	t.Helper()
	_, err := p.e.Commit()
	p.must("Commit", "", err)
	compare(t, oursOf(t, p.e.FS), p.want)
	p.p.writeOut(t, out)
	fsckClean(t, out, "after Commit")
	counted(t, p.e.FS, out)
	r, err := p.e.Scrub()
	p.must("Scrub", "", err)
	if len(r.Left) > 0 {
		t.Errorf("left: %v", r.Left)
	}
	if err := p.e.Blank(1); err == nil {
		t.Error("the editor goes on after Scrub")
	}
	p.p.writeOut(t, out)
	fsckClean(t, out, "after Scrub")
	p.marks()
}

// marks wants only the marks that are to be seen in the tree.
func (p *plan) marks() {
	kept := map[string]bool{}
	keep := func(b []byte) {
		for m := range marksIn(b) {
			kept[m] = true
		}
	}
	for name, x := range p.want {
		keep([]byte(name + "\x00" + x.target + "\x00" + x.xattrs))
		if x.meta.Kind == fsys.Regular {
			keep(p.content(name))
		}
	}
	for _, m := range p.gone {
		if kept[m] && m[3] != 'C' { // content may be left in a file that another one was a link to
			p.t.Errorf("%s is gone and there", m)
		}
	}
	bad := 0
	for m, at := range marksIn(p.p.b) {
		if !kept[m] {
			if bad++; bad < 5 {
				p.t.Errorf("%s is left at byte %d: %q", m, at, p.p.b[max(at-40, 0):min(at+60, len(p.p.b))])
			}
		}
	}
	if bad > 0 {
		p.t.Errorf("%d marks are left", bad)
	}
}
