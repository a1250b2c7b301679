package ext4

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// file returns a regular file that may be changed.
func (e *Editor) file(n fsys.Node) (inode, error) {
	if err := e.ready(); err != nil {
		return inode{}, err
	}
	in, err := e.live(n)
	if err != nil {
		return in, err
	}
	if in.kind() != fsys.Regular {
		return in, fsys.ErrNotFile
	}
	if err := e.own(in); err != nil {
		return in, err
	}
	switch {
	case in.has(flagVerity):
		return in, cannot(in.ino, "is sealed by fs-verity")
	case in.has(flagEncrypt):
		return in, cannot(in.ino, "is encrypted")
	}
	return in, nil
}

// Blank implements fsys.Editor. Blocks allocated past the end of the file are
// freed as well.
func (e *Editor) Blank(n fsys.Node) error {
	in, err := e.file(n)
	if err != nil {
		return err
	}
	t := e.begin()
	if in, err = t.inode(in.ino); err != nil {
		return err
	}
	if e.inline(in) {
		if err := t.putInline(in, nil); err != nil {
			return err
		}
	} else if err := t.cut(in, 0); err != nil {
		return err
	}
	putSize(in, 0)
	return t.apply()
}

func putSize(in inode, n int64) {
	le.PutUint32(in.b[4:], uint32(n))
	le.PutUint32(in.b[0x6C:], uint32(n>>32))
}

// Room implements fsys.Editor. For a file whose last block is a hole, or
// allocated but never written, it is the size.
func (e *Editor) Room(n fsys.Node) (int64, error) {
	in, err := e.file(n)
	if err != nil {
		return 0, err
	}
	return e.room(in)
}

func (e *Editor) room(in inode) (int64, error) {
	size := e.size(in)
	if e.inline(in) {
		tail, _, err := e.inlineTail(in)
		if err != nil {
			return 0, err
		}
		room := int64(len(in.iblock()) + len(tail))
		if size > room {
			return 0, cannot(in.ino, "has inline content shorter than its size")
		}
		return room, nil
	}
	last := size / e.bs
	if size%e.bs == 0 {
		return size, nil
	}
	room := size
	err := e.walkMap(in, last, func(x extent) error {
		if x.lblk <= last && !x.unwritten {
			room = (last + 1) * e.bs
		}
		return fsys.ErrStop
	})
	if err != nil && err != fsys.ErrStop {
		return 0, err
	}
	return room, nil
}

// Replace implements fsys.Editor. Where the file has a hole, or blocks that
// were never written, the content must be zero. What the file has behind the
// new end is freed.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	in, err := e.file(n)
	if err != nil {
		return err
	}
	room, err := e.room(in)
	if err != nil {
		return err
	}
	size := int64(len(content))
	if size > room {
		return fmt.Errorf("ext4: inode %d has room for %d bytes, not %d: %w", in.ino, room, size, fsys.ErrNoRoom)
	}
	t := e.begin()
	if in, err = t.inode(in.ino); err != nil {
		return err
	}
	if e.inline(in) {
		if err := t.putInline(in, content); err != nil {
			return err
		}
		putSize(in, size)
		return t.apply()
	}
	if err := t.put(in, 0, content, true); err != nil {
		return err
	}
	if err := t.cut(in, (size+e.bs-1)/e.bs); err != nil {
		return err
	}
	putSize(in, size)
	return t.apply()
}

// Overwrite implements fsys.Editor.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	in, err := e.within(n, off, int64(len(b)))
	if err != nil || len(b) == 0 {
		return err
	}
	t := e.begin()
	if e.inline(in) {
		err = t.patchInline(in.ino, off, b)
	} else {
		err = t.put(in, off, b, false)
	}
	if err != nil {
		return err
	}
	return t.apply()
}

// within returns a file that may be changed, of which [off, off+n) is a part.
func (e *Editor) within(n fsys.Node, off, length int64) (inode, error) {
	in, err := e.file(n)
	if err == nil && (off < 0 || length < 0 || off > e.size(in) || length > e.size(in)-off) {
		err = fmt.Errorf("ext4: bytes %d+%d are not within the %d of inode %d: %w", off, length, e.size(in), in.ino, fsys.ErrNoRoom)
	}
	return in, err
}

// put stages b as the content of a file from off on. Where nothing was written
// b must be zero, and whole: then its end is also made the end of what its
// block holds.
func (t *tx) put(in inode, off int64, b []byte, whole bool) error {
	bs, end, pos := t.e.bs, off+int64(len(b)), off
	gap := func(to int64) error {
		if to = min(to, end); to > pos && !(whole && allZero(b[pos-off:to-off])) {
			return cannot(in.ino, fmt.Sprintf("has a hole at byte %d", pos))
		}
		pos = max(pos, to)
		return nil
	}
	err := t.e.walkMap(in, off/bs, func(x extent) error {
		if x.lblk*bs >= end {
			return fsys.ErrStop
		}
		if x.unwritten {
			return nil
		}
		if err := gap(x.lblk * bs); err != nil {
			return err
		}
		to := min(x.end()*bs, end)
		if to <= pos {
			return nil
		}
		at := (x.pblk-x.lblk)*bs + pos
		t.data = append(t.data, write{at, b[pos-off : to-off]})
		if rest := -to & (bs - 1); whole && rest > 0 {
			t.zero = append(t.zero, span.Span{Off: at + to - pos, Len: rest})
		}
		pos = to
		return nil
	})
	if err != nil && err != fsys.ErrStop {
		return err
	}
	return gap(end)
}

// Clear implements fsys.Editor. Blocks that are allocated but were never
// written are zeroed on the volume, too.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	in, err := e.within(n, off, length)
	if err != nil || length == 0 {
		return err
	}
	t := e.begin()
	if e.inline(in) {
		if err := t.patchInline(in.ino, off, make([]byte, length)); err != nil {
			return err
		}
		return t.apply()
	}
	end := off + length
	err = e.walkMap(in, off/e.bs, func(x extent) error {
		lo, hi := max(x.lblk*e.bs, off), min(x.end()*e.bs, end)
		switch {
		case lo >= end:
			return fsys.ErrStop
		case lo >= hi:
			return nil
		case len(t.zero) >= maxRuns:
			return cannot(in.ino, "is in too many pieces")
		}
		t.zero = append(t.zero, span.Span{Off: (x.pblk-x.lblk)*e.bs + lo, Len: hi - lo})
		return nil
	})
	if err != nil && err != fsys.ErrStop {
		return err
	}
	return t.apply()
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// An inlineMap is where the content of an inline file is in an inode that is
// to be changed: i_block, and the value of system.data, if there is one.
type inlineMap struct {
	head, tail []byte
	entry      []byte // of system.data
}

func (t *tx) inlineMap(in inode) (inlineMap, error) {
	m := inlineMap{head: in.iblock()}
	start := 128 + in.extra() + 4 // of the attributes, behind their magic number
	err := t.e.bodyXattrs(in, func(e xattrEntry) error {
		if e.index != xattrSystem || e.name != "data" {
			return nil
		}
		if _, err := t.e.xattrValue(e); err != nil || e.valueIno != 0 {
			return binread.Errorf(format, e.at, "inline content of inode %d is out of range", in.ino)
		}
		m.entry = in.b[e.at-in.off:][:xattrEntryHead]
		if e.valueSize > 0 {
			m.tail = in.b[start+e.valueOff:][:e.valueSize]
		}
		return fsys.ErrStop
	})
	if err == fsys.ErrStop {
		err = nil
	}
	return m, err
}

// putInline gives an inline file new content, which fits.
func (t *tx) putInline(in inode, content []byte) error {
	m, err := t.inlineMap(in)
	if err != nil {
		return err
	}
	t.zeroed += int64(len(m.head)+len(m.tail)) - int64(len(content))
	clear(m.head)
	clear(m.tail)
	n := copy(m.head, content)
	copy(m.tail, content[n:])
	if m.entry != nil {
		le.PutUint32(m.entry[8:], uint32(len(content)-n)) // e_value_size
		clear(m.entry[12:16])                             // e_hash, which is not kept in inodes
	}
	return nil
}

// patchInline changes bytes of an inline file. What lies behind the stored
// bytes is a hole.
func (t *tx) patchInline(ino uint32, off int64, b []byte) error {
	in, err := t.inode(ino)
	if err != nil {
		return err
	}
	m, err := t.inlineMap(in)
	if err != nil {
		return err
	}
	head := int64(len(m.head))
	if end := off + int64(len(b)); end > head+int64(len(m.tail)) {
		if !allZero(b) {
			return cannot(ino, "has a hole in its inline content")
		}
		b = b[:max(head+int64(len(m.tail))-off, 0)]
	}
	if off < head {
		n := copy(m.head[off:], b)
		off, b = off+int64(n), b[n:]
	}
	if len(b) > 0 {
		copy(m.tail[off-head:], b)
	}
	if m.entry != nil {
		clear(m.entry[12:16])
	}
	return nil
}
