package ext4

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sort"
	"sync/atomic"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// Bounds on extents in memory.
const (
	windowExtents = 4096    // kept by an open file; the tree is read again for others
	maxExtents    = 4 << 20 // listed by Extents
)

// Open implements fsys.FS. An open file keeps at most 4096 extents; the map of
// a file with more is read on demand.
func (f *FS) Open(n fsys.Node) (fsys.File, error) {
	in, err := f.live(n)
	if err != nil {
		return nil, err
	}
	if in.kind() != fsys.Regular {
		return nil, fsys.ErrNotFile
	}
	if in.has(flagEncrypt) {
		return nil, binread.Encrypted(format, "fscrypt")
	}
	return f.content(in)
}

// content opens the bytes of any inode that has some.
func (f *FS) content(in inode) (fsys.File, error) {
	if f.inline(in) {
		return f.inlineContent(in)
	}
	file := &file{f: f, in: in, size: f.size(in)}
	if _, err := file.window(0); err != nil {
		return nil, err
	}
	return file, nil
}

type file struct {
	f    *FS
	in   inode
	size int64
	win  atomic.Pointer[window]
}

// A window is the part of a file's map for the logical blocks [from, to).
type window struct {
	from, to int64
	exts     []extent
}

// find returns the extent that covers lblk, or else the hole around it as an
// extent without a place, whose end is that of what the window knows.
func (w *window) find(lblk int64) extent {
	i := sort.Search(len(w.exts), func(i int) bool { return w.exts[i].end() > lblk })
	switch {
	case i == len(w.exts):
		return extent{lblk: lblk, n: w.to - lblk}
	case w.exts[i].lblk > lblk:
		return extent{lblk: lblk, n: w.exts[i].lblk - lblk}
	}
	return w.exts[i]
}

var errFull = errors.New("window is full")

// window returns one that has lblk in it.
func (x *file) window(lblk int64) (*window, error) {
	if w := x.win.Load(); w != nil && w.from <= lblk && lblk < w.to {
		return w, nil
	}
	w := &window{from: lblk, to: maxLogical + 1}
	err := x.f.walkMap(x.in, lblk, func(e extent) error {
		if n := len(w.exts); n > 0 && e.follows(w.exts[n-1]) {
			w.exts[n-1].n += e.n
			return nil
		}
		if len(w.exts) == windowExtents {
			return errFull
		}
		w.exts = append(w.exts, e)
		return nil
	})
	if err != nil {
		// What is behind the last extent seen is not known to be a hole.
		if n := len(w.exts); n == 0 || w.exts[n-1].end() <= lblk {
			return nil, err
		}
		w.to = w.exts[len(w.exts)-1].end()
	}
	w.exts = slices.Clip(w.exts)
	x.win.Store(w)
	return w, nil
}

// Size implements fsys.File.
func (x *file) Size() int64 { return x.size }

// ReadAt implements io.ReaderAt: a contiguous extent is one read.
func (x *file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, off, "negative offset in inode %d", x.in.ino)
	}
	done := 0
	for done < len(p) {
		pos := off + int64(done)
		if pos >= x.size || pos < 0 {
			return done, io.EOF
		}
		n, err := x.readSome(p[done:], pos)
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// readSome reads what one extent or hole gives at pos, which is inside the file.
func (x *file) readSome(p []byte, pos int64) (int, error) {
	bs := x.f.bs
	lblk := pos / bs
	if lblk > maxLogical { // no map reaches here
		n := min(int64(len(p)), x.size-pos)
		clear(p[:n])
		return int(n), nil
	}
	w, err := x.window(lblk)
	if err != nil {
		return 0, err
	}
	e := w.find(lblk)
	n := min(int64(len(p)), x.size-pos, e.end()*bs-pos)
	if e.pblk == 0 || e.unwritten {
		clear(p[:n])
		return int(n), nil
	}
	at := (e.pblk-e.lblk)*bs + pos
	return int(n), binread.Full(x.f.dev, format, p[:n], at)
}

// Extents implements fsys.Extenter. Inline content is Packed and lies in the
// inode; encrypted content is Packed. The blocks past the end that an
// unfinished truncation left are not listed. It is bounded by four million
// extents.
func (f *FS) Extents(n fsys.Node) ([]fsys.Extent, error) {
	in, err := f.live(n)
	if err != nil {
		return nil, err
	}
	if f.inline(in) {
		return f.inlineExtents(in)
	}
	if f.mapless(in) {
		return nil, nil
	}
	var out []fsys.Extent
	err = f.walkLive(in, func(e extent) error {
		x := fsys.Extent{Logical: e.lblk * f.bs, Physical: e.pblk * f.bs, Len: e.n * f.bs}
		switch {
		case in.has(flagEncrypt) && in.kind() == fsys.Regular:
			x.State = fsys.Packed
		case e.unwritten:
			x.State = fsys.Unwritten
		}
		if k := len(out) - 1; k >= 0 && out[k].State == x.State &&
			out[k].Logical+out[k].Len == x.Logical && out[k].Physical+out[k].Len == x.Physical {
			out[k].Len += x.Len
			return nil
		}
		if len(out) == maxExtents {
			return tooManyExtents(in)
		}
		out = append(out, x)
		return nil
	})
	return out, err
}

func tooManyExtents(in inode) error {
	return binread.Errorf(format, in.off, "inode %d has more than %d extents", in.ino, maxExtents)
}

// mapless says that i_block is not a map: devices and fast symbolic links.
func (f *FS) mapless(in inode) bool {
	switch in.kind() {
	case fsys.Regular, fsys.Directory:
		return false
	case fsys.Symlink:
		return f.fastLink(in)
	}
	return true
}

// walkLive is walkMap without what an unfinished truncation cuts off.
func (f *FS) walkLive(in inode, yield func(extent) error) error {
	if !f.orphans.cut[in.ino] {
		return f.walkMap(in, 0, yield)
	}
	end := (f.size(in) + f.bs - 1) / f.bs
	return f.walkMap(in, 0, func(e extent) error {
		if e.n = min(e.n, end-e.lblk); e.n <= 0 {
			return nil
		}
		return yield(e)
	})
}

// fastLink says that a symbolic link's target lies in i_block.
func (f *FS) fastLink(in inode) bool {
	return !f.inline(in) && !in.has(flagExtents) && f.size(in) < int64(len(in.iblock()))
}

// Readlink implements fsys.FS. Like the kernel, it ends the target at a NUL.
func (f *FS) Readlink(n fsys.Node) (string, error) {
	in, err := f.live(n)
	if err != nil {
		return "", err
	}
	size := f.size(in)
	switch {
	case in.kind() != fsys.Symlink:
		return "", binread.Errorf(format, in.off, "inode %d is not a symbolic link", in.ino)
	case in.has(flagEncrypt):
		return "", binread.Encrypted(format, "fscrypt")
	case size >= f.bs:
		return "", binread.Errorf(format, in.off+4, "a symbolic link of %d bytes is too long", size)
	}
	var b []byte
	if f.fastLink(in) {
		b = in.iblock()[:size]
	} else {
		c, err := f.content(in)
		if err != nil {
			return "", err
		}
		b = make([]byte, min(size, c.Size()))
		if err := binread.Full(c, format, b, 0); err != nil {
			return "", err
		}
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b), nil
}
