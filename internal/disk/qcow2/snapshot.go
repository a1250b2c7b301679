package qcow2

import (
	"assay/internal/binread"
)

type snapshot struct {
	name    string
	vmState uint64 // bytes of saved machine state
}

// maxSnapshotTable bounds the bytes read of a snapshot table, so that 65536
// entries with long names stay affordable.
const maxSnapshotTable = 8 << 20

// readSnapshots lists the internal snapshots, as many as can be read.
func (im *Image) readSnapshots() ([]snapshot, error) {
	var out []snapshot
	if im.h.nbSnapshots > maxSnapshots {
		return nil, binread.Errorf(format, 60, "%d snapshots are over the bound of %d", im.h.nbSnapshots, maxSnapshots)
	}
	off := im.h.snapshots
	for range im.h.nbSnapshots {
		s, n, err := im.readSnapshot(off)
		if err != nil {
			return out, err
		}
		out = append(out, s)
		off += n
		if off-im.h.snapshots > maxSnapshotTable {
			return out, binread.Errorf(format, off, "the snapshot table passes %d bytes", maxSnapshotTable)
		}
	}
	im.snapshotsEnd = off
	return out, nil
}

// readSnapshot reads the entry at off: 40 fixed bytes, extra data, an id and a
// name, padded to 8 bytes. n is its whole length.
func (im *Image) readSnapshot(off int64) (s snapshot, n int64, err error) {
	fixed, err := binread.At(im.r, format, off, 40, 40)
	if err != nil {
		return s, 0, err
	}
	b := binread.Buf{B: fixed}
	id, name, extra := int64(b.BE16(12)), int64(b.BE16(14)), int64(b.BE32(36))
	if extra > 1024 {
		return s, 0, binread.Errorf(format, off+36, "%d bytes of extra snapshot data", extra)
	}
	rest, err := binread.At(im.r, format, off+40, extra+id+name, 1024+2<<16)
	if err != nil {
		return s, 0, err
	}
	s = snapshot{name: string(rest[extra+id:]), vmState: uint64(b.BE32(32))}
	if extra >= 8 { // a 64-bit size that overrides the 32-bit one
		e := binread.Buf{B: rest}
		s.vmState = e.BE64(0)
	}
	return s, (40 + extra + id + name + 7) &^ 7, nil
}
