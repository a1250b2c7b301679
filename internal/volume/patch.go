package volume

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"

	"assay/finding"
	"assay/internal/binread"
)

// A Patch is a disk or a volume that remembers changes: reads see them, the
// bytes beneath are never written. It is the same as fsys.Patch, which rooms
// further on use; an overlay of an image is one.
type Patch interface {
	io.ReaderAt
	io.WriterAt
	// Zero makes n bytes at off read as zero.
	Zero(off, n int64) error
}

// A RefusedError says why a volume must not be written.
type RefusedError struct {
	Volume string
	Reason string // in English
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("volume %s must not be written: %s", e.Volume, e.Reason)
}

// Patch makes a volume of l writable: changes go to disks, which are those of
// the layout in their order. It refuses, with a *RefusedError, what has a
// Problem (a member of an array, an encrypted volume, a mirror, a thin volume,
// a snapshot), the origin of a snapshot, a physical volume of LVM, and a volume
// that shares bytes with another one. The exception is a swap space with a
// hibernation image, which ScrubSwap takes.
//
// A change that is not wholly inside the volume is refused before anything is
// changed. The result is as safe for concurrent use as disks are.
func (l *Layout) Patch(v *Volume, disks []Patch) (Patch, error) {
	if len(disks) != len(l.Disks) {
		return nil, fmt.Errorf("volume: %d patches for %d disks", len(disks), len(l.Disks))
	}
	if reason := l.refuses(v); reason != "" {
		return nil, &RefusedError{v.Name, reason}
	}
	return &mapped{disks: disks, segments: v.Map, size: v.Size}, nil
}

// refuses says why v must not be written.
func (l *Layout) refuses(v *Volume) string {
	switch {
	case v.Problem != nil && (v.Content != "swap" || v.Problem.Kind != finding.GapUnsupported):
		return v.Problem.Detail
	case v.Content == "lvm2":
		return "it is a physical volume of LVM: its logical volumes are written instead"
	case l.origins[v] != "":
		return fmt.Sprintf("the snapshot %s shares its blocks", l.origins[v])
	case v.Map == nil && v.Size > 0:
		return "it lies in more pieces than can be listed"
	}
	shared := l.shared
	if shared == nil {
		shared = l.overlaps
	}
	return shared()[v]
}

// overlaps finds the volumes that share bytes of a disk with others, or with
// themselves, and says with whom. A physical volume that can be used does not
// count: its bytes are those of its logical volumes.
func (l *Layout) overlaps() map[*Volume]string {
	type piece struct {
		disk     int
		off, end int64
		v        *Volume
	}
	var all []piece
	for _, v := range l.Volumes {
		if v.Content == "lvm2" && v.Problem == nil {
			continue
		}
		for _, g := range v.Map {
			all = append(all, piece{g.Disk, g.DiskOffset, g.DiskOffset + g.Len, v})
		}
	}
	slices.SortFunc(all, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.disk, b.disk), cmp.Compare(a.off, b.off))
	})
	out := map[*Volume]string{}
	far := 0 // the piece that reaches furthest so far
	for k := 1; k < len(all); k++ {
		a, b := all[far], all[k]
		if a.disk == b.disk && b.off < a.end {
			why := "it shares bytes with %s, at byte %d of %s"
			out[a.v] = fmt.Sprintf(why, b.v.Name, b.off, l.Disks[b.disk].Name)
			out[b.v] = fmt.Sprintf(why, a.v.Name, b.off, l.Disks[b.disk].Name)
		}
		if a.disk != b.disk || b.end > a.end {
			far = k
		}
	}
	return out
}

// mapped is a volume on the patches of its disks.
type mapped struct {
	disks    []Patch
	segments []Segment
	size     int64
}

// each calls f for the pieces of [off, off+n), which is inside the volume, with
// the place of each on its disk and from where on it lies in the range.
func (m *mapped) each(off, n int64, f func(d Patch, at, from, to int64) error) error {
	k := sort.Search(len(m.segments), func(i int) bool { return m.segments[i].Offset+m.segments[i].Len > off })
	for done := int64(0); done < n; k++ {
		g := m.segments[k]
		in := off + done - g.Offset
		piece := min(n-done, g.Len-in)
		if err := f(m.disks[g.Disk], g.DiskOffset+in, done, done+piece); err != nil {
			return err
		}
		done += piece
	}
	return nil
}

// inside refuses a change that is not wholly in the volume.
func (m *mapped) inside(off, n int64) error {
	if off < 0 || n < 0 || off > m.size || n > m.size-off {
		return binread.Errorf("volume", off, "a change of %d bytes is outside the volume of %d", n, m.size)
	}
	return nil
}

// ReadAt implements io.ReaderAt.
func (m *mapped) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, binread.Errorf("volume", off, "negative offset")
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= m.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), m.size-off)
	err = m.each(off, want, func(d Patch, at, from, to int64) error {
		k, err := d.ReadAt(p[from:to], at)
		n += k
		if int64(k) == to-from {
			return nil
		}
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF // the disk ends, the volume does not
		}
		return err
	})
	if err == nil && want < int64(len(p)) {
		err = io.EOF
	}
	return n, err
}

// WriteAt implements io.WriterAt.
func (m *mapped) WriteAt(p []byte, off int64) (n int, err error) {
	if err := m.inside(off, int64(len(p))); err != nil {
		return 0, err
	}
	err = m.each(off, int64(len(p)), func(d Patch, at, from, to int64) error {
		k, err := d.WriteAt(p[from:to], at)
		n += k
		return err
	})
	return n, err
}

// Zero implements Patch.
func (m *mapped) Zero(off, n int64) error {
	if err := m.inside(off, n); err != nil {
		return err
	}
	return m.each(off, n, func(d Patch, at, from, to int64) error { return d.Zero(at, to-from) })
}
