package ntfs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// A scrubber is one Scrub under way.
type scrubber struct {
	*Editor
	left      []string
	encrypted int // streams whose last clusters were left
	unpacked  int // streams with a unit that could not be packed again
}

// Scrub implements fsys.Editor. In this order: the contents of the page,
// swap and hibernation files; shadow copies; for each record its tail, its
// streams' tails, its index blocks' tails and the change journal; unused
// records; clusters and sectors that nobody owns; and last, when all else is
// done, the log. It fills the log with 0xFF, as Windows' format and ntfs-3g
// do: a log that is empty.
func (e *Editor) Scrub() (fsys.Report, error) {
	s := &scrubber{Editor: e}
	for _, step := range []func() error{s.memory, s.shadows, s.records, s.free, s.trailing, s.emptyLog} {
		if err := step(); err != nil {
			return fsys.Report{Zeroed: e.zeroed, Left: s.left}, err
		}
	}
	if s.encrypted > 0 {
		s.leave("the last clusters of %d encrypted streams", s.encrypted)
	}
	if s.unpacked > 0 {
		s.leave("%d compressed streams have bytes past their end that could not be packed again", s.unpacked)
	}
	out := fsys.Report{Zeroed: e.zeroed, Left: s.left}
	e.zeroed = 0
	return out, nil
}

// maxLeft bounds the notes of one Scrub.
const maxLeft = 100

func (s *scrubber) leave(format string, args ...any) {
	if len(s.left) < maxLeft {
		s.left = append(s.left, fmt.Sprintf(format, args...))
	}
}

// memory zeroes what was paged out. preflight has seen that no hibernation is
// to be resumed.
func (s *scrubber) memory() error {
	for _, name := range []string{"pagefile.sys", "swapfile.sys", "hiberfil.sys"} {
		in, err := s.inRoot(name)
		if errors.Is(err, fsys.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		a := in.first(typeData, "")
		if a == nil || a.size == 0 || in.dir() {
			continue
		}
		x, err := in.stream(a)
		if err != nil {
			return err
		}
		if x.flags&attrEncrypted != 0 {
			s.leave("%s is encrypted", name)
			continue
		}
		if err := s.clear(x, 0, x.size); err != nil {
			return err
		}
	}
	return nil
}

// records goes through the MFT.
func (s *scrubber) records() error {
	return s.pass(func(r *record, listed bool, err error) error {
		switch {
		case err != nil && listed:
			return err // the census has seen none
		case err != nil:
			return s.forgotten(r)
		case !r.inUse():
			return s.unused(r)
		}
		if err := s.recordTails(r); err != nil {
			return err
		}
		if number(r.base()) != 0 {
			return nil
		}
		switch r.no {
		case recordLog, recordBoot, recordBad:
			return nil
		}
		in, err := s.load(&record{r.no, r.at, bytes.Clone(r.b)})
		if err != nil {
			return err
		}
		return s.streams(in)
	})
}

// forgotten zeroes a slot of the MFT that is free and holds no record.
func (s *scrubber) forgotten(r *record) error {
	if zeros(r.b) {
		return nil
	}
	off := int64(r.no) * s.recordSize
	s.cache.drop(off / chunkSize)
	return s.zero(s.mft.runs, off, s.recordSize)
}

// unused takes the attributes from a record that is not in use: a small file
// had its content there. Number, sequence and header stay, as Windows uses
// them when it gives the record to another file.
func (s *scrubber) unused(r *record) error {
	old := bytes.Clone(r.b)
	clear(r.b[r.first():])
	le.PutUint32(r.b[r.first():], typeEnd)
	le.PutUint32(r.b[0x18:], uint32(r.first()+8))
	return s.putIf(r, old)
}

// putIf writes a record that differs from what it was.
func (s *scrubber) putIf(r *record, old []byte) error {
	if bytes.Equal(old, r.b) {
		return nil
	}
	s.zeroed += s.recordSize - int64(r.used())
	return s.put(r)
}

// recordTails clears what is in a record in use and belongs to no attribute:
// behind the last one, behind values and mapping pairs, and in the root of an
// index.
func (s *scrubber) recordTails(r *record) error {
	old := bytes.Clone(r.b)
	end := r.first()
	err := r.each(func(a *attr) error {
		end = a.off + a.len
		if !a.resident {
			p := a.pairs
			for p < end && r.b[p] != 0 {
				p += 1 + int(r.b[p]&15) + int(r.b[p]>>4)
			}
			clear(r.b[min(p, end):end])
			return nil
		}
		if a.typ == typeIndexRoot && a.valueLen >= 0x20 {
			v := a.value()
			if used := int64(le.Uint32(v[0x14:])) + 0x10; used >= 0x20 && used <= int64(len(v)) {
				clear(v[used:])
			}
		}
		if int(le.Uint16(r.b[a.off+10:])) < a.valueOff-a.off { // the name is before the value
			clear(r.b[a.valueOff+a.valueLen : end])
		}
		return nil
	})
	if err != nil {
		return err
	}
	clear(r.b[end+4:])
	return s.putIf(r, old)
}

// streams zeroes what the streams of a file have beyond their bytes.
func (s *scrubber) streams(in *inode) error {
	journal := in.metafile() && in.called("$UsnJrnl")
	for _, a := range in.attrs {
		if a.resident || a.lowest != 0 {
			continue
		}
		x, err := in.stream(a)
		if err != nil {
			return err
		}
		switch {
		case journal && a.is(typeData, "$J"):
			err = s.zero(x.runs, 0, -1)
		case x.flags&attrEncrypted != 0:
			s.encrypted++
		case x.unit > 0:
			var whole bool
			if whole, err = s.unitTails(x); !whole {
				s.unpacked++
			}
		default:
			err = s.zero(x.runs, min(x.init, x.size), -1)
		}
		if err != nil {
			return err
		}
		if a.typ == typeIndex {
			if err := s.index(in, decodeName(a.name)); err != nil {
				return err
			}
		}
	}
	if transactions(in) {
		s.leave("MFT record %d: a log of transactions (TxF) that are finished", in.base.no)
	}
	return nil
}

// called reports whether one of the file's names is name, which is ASCII.
func (in *inode) called(name string) bool {
	for _, a := range in.attrs {
		if a.typ == typeName && a.resident && a.valueLen >= nameFixed {
			v := a.value()
			if n := nameFixed + 2*int(v[0x40]); n <= len(v) && strings.EqualFold(decodeName(v[nameFixed:n]), name) {
				return true
			}
		}
	}
	return false
}

// transactions reports whether the file is a container of transactional NTFS'
// log, which keeps what was changed.
func transactions(in *inode) bool {
	a := in.first(typeData, "")
	return a != nil && a.size > 0 && (in.called("$TxfLogContainer00000000000000000001") || in.called("$TxfLogContainer00000000000000000002"))
}

// index clears what is behind the entries of index blocks, and the entries of
// blocks that are not in use.
func (s *scrubber) index(in *inode, name string) error {
	x, err := in.indexOf(name)
	if err != nil || x == nil || x.blocks == nil {
		return err
	}
	b := make([]byte, x.size)
	for no := range x.count() {
		at, err := x.block(no, b)
		if err != nil && x.used(no) {
			return err
		}
		if err != nil { // never formatted
			if err := s.zero(x.blocks.runs, no*x.size, x.size); err != nil {
				return err
			}
			continue
		}
		old := bytes.Clone(b)
		if err := clearBlock(b, at, x.used(no), name == "$I30"); err != nil {
			return err
		}
		if bytes.Equal(b, old) {
			continue
		}
		s.zeroed += int64(len(b))
		if err := s.putBlock(x, no, b); err != nil {
			return err
		}
	}
	return s.zero(x.blocks.runs, x.count()*x.size, -1)
}

// clearBlock clears an unprotected index block. One that is not in use keeps
// only the entry that ends it.
func clearBlock(b []byte, at int64, used, names bool) error {
	first := blockHead + int64(le.Uint32(b[blockHead:]))
	end := blockHead + int64(le.Uint32(b[blockHead+4:]))
	if !used {
		if first < blockHead+0x10 || first+entryKey > int64(len(b)) || first%8 != 0 {
			return binread.Errorf(format, at, "an unused index block with entries at %d", first)
		}
		clear(b[first:])
		le.PutUint16(b[first+8:], entryKey)
		le.PutUint16(b[first+12:], entryEnd)
		le.PutUint32(b[blockHead+4:], uint32(first+entryKey-blockHead))
		b[blockHead+12] = 0 // no children
		return nil
	}
	err := list(b, blockHead, at, func(_ int, e []byte) error {
		if names { // other indexes have data behind the key
			clear(e[entryKey+int(le.Uint16(e[10:])):])
		}
		return nil
	})
	if err != nil {
		return err
	}
	clear(b[end:])
	return nil
}

// free zeroes the clusters that $Bitmap has free.
func (s *scrubber) free() error {
	err := s.census.ranges(s.census.free, func(r span.Span) error { return s.zeroAt(r.Off, r.Len) })
	if err != nil {
		return err
	}
	return s.census.ranges(s.census.leaked, func(r span.Span) error {
		s.leave("%d bytes at byte %d that $Bitmap has in use and no file owns", r.Len, r.Off)
		return nil
	})
}

// trailing zeroes what follows the last whole cluster, but for boot sectors:
// the backup comes right after the file system, and at the end of the volume
// when that was made larger.
func (s *scrubber) trailing() error {
	if err := s.zeroAt(s.clusters*s.cluster, s.size()-s.clusters*s.cluster); err != nil {
		return err
	}
	from, to := s.size()+s.sector, s.volume
	if to-from >= s.sector && s.bootAt(to-s.sector) {
		to -= s.sector
	}
	if to > from {
		return s.zeroAt(from, to-from)
	}
	return nil
}

func (s *scrubber) bootAt(at int64) bool {
	var b [11]byte
	return binread.Full(s.p, format, b[:], at) != nil || string(b[3:]) == "NTFS    "
}

// emptyLog fills $LogFile.
func (s *scrubber) emptyLog() error {
	x, err := s.systemStream(recordLog, typeData, "")
	if err != nil || len(x.runs) == 0 {
		return err
	}
	ff := bytes.Repeat([]byte{0xFF}, 1<<20)
	return s.pieces(x.runs, 0, x.runs[len(x.runs)-1].end()*s.cluster, x.at, func(p piece) error {
		if p.at == hole {
			return nil
		}
		for done := int64(0); done < p.n; done += int64(len(ff)) {
			if _, err := s.p.WriteAt(ff[:min(p.n-done, int64(len(ff)))], p.at+done); err != nil {
				return err
			}
		}
		s.zeroed += p.n
		return nil
	})
}
