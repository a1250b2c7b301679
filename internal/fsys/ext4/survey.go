package ext4

import (
	"fmt"
	"math/bits"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// resizeIno keeps blocks of the system zone, for descriptors to come.
const resizeIno = 7

// A survey is who owns which block, before the first change: a file's block
// that is freed must be nobody else's, and a block that is called free must
// be nobody's.
type survey struct {
	f      *FS
	system span.Set
	claims map[uint32][]byte // bitmaps of what files own, by group
	shared map[int64]uint32  // attribute blocks of several files: owners not seen yet
	lost   int64             // blocks in use, but of nobody
}

// survey checks all bitmaps and maps against each other.
func (e *Editor) survey() error {
	system, err := e.systemZone()
	if err != nil {
		return err
	}
	s := survey{f: e.FS, system: system, claims: map[uint32][]byte{}, shared: map[int64]uint32{}}
	if err := e.eachInode(func(in inode) error { return s.file(in) }); err != nil {
		return err
	}
	for blk, n := range s.shared {
		if n != 0 {
			return binread.Errorf(format, blk*e.bs, "an attribute block counts %d owners more than it has", n)
		}
	}
	for g := range e.groups {
		if err := s.group(g); err != nil {
			return err
		}
	}
	journal, err := e.Journal()
	if err != nil {
		return err
	}
	e.lost = s.lost
	e.system = span.Make(append(append([]span.Span(nil), system...), journal...))
	return nil
}

// eachInode visits every inode in use, reserved ones too, in disk order. The
// bytes of an inode are valid during the call only.
func (f *FS) eachInode(yield func(inode) error) error {
	size := int64(f.inodeSize)
	buf := make([]byte, scanChunk)
	per := int64(len(buf)) / size
	for g := range f.groups {
		used, d, n, err := f.usedInodes(g)
		if err != nil {
			return err
		}
		for bit := int64(0); bit < int64(n); {
			from := nextBit(used, bit, int64(n), 0xFF)
			bit = min(from+per, int64(n))
			b := buf[:(bit-from)*size]
			at := d.inodeTable*f.bs + from*size
			if err := binread.Full(f.dev, format, b, at); err != nil {
				return err
			}
			for i := from; i < bit; i++ {
				if used[i/8]&(1<<(i%8)) == 0 {
					continue
				}
				o := (i - from) * size
				in := inode{ino: uint32(int64(g)*int64(f.ipg)+i) + 1, off: at + o, b: b[o : o+size]}
				if err := yield(in); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// file claims all blocks of one inode.
func (s *survey) file(in inode) error {
	f := s.f
	if in.mode() == 0 && in.ino < f.firstIno {
		return nil
	}
	if err := f.checkInode(in); err != nil {
		return err
	}
	if err := s.attributes(in); err != nil {
		return err
	}
	if f.inline(in) || f.mapless(in) {
		return nil
	}
	w := mapWalk{f: f, in: in}
	w.yield = func(e extent) error { return s.claim(in, e.pblk, e.n) }
	w.meta = func(blk, lblk int64) error { return s.claim(in, blk, 1) }
	return w.run()
}

// attributes claims the block with an inode's attributes, once for all owners.
func (s *survey) attributes(in inode) error {
	blk := in.fileACL()
	if blk == 0 {
		return nil
	}
	b, err := s.f.xattrBlock(in, blk)
	if err != nil {
		return err
	}
	refs := le.Uint32(b[4:])
	left, seen := s.shared[blk]
	switch {
	case refs <= 1:
		return s.claim(in, blk, 1)
	case !seen:
		s.shared[blk] = refs - 1
		return s.claim(in, blk, 1)
	case left == 0:
		return binread.Errorf(format, blk*s.f.bs, "an attribute block has more owners than it counts")
	}
	s.shared[blk] = left - 1
	return nil
}

func (s *survey) claim(in inode, blk, n int64) error {
	f := s.f
	if len(overlapping(s.system, span.Span{Off: blk * f.bs, Len: n * f.bs})) > 0 {
		if in.ino == resizeIno {
			return nil
		}
		return binread.Errorf(format, in.off, "inode %d claims blocks %d+%d, which belong to the file system", in.ino, blk, n)
	}
	for n > 0 {
		no := uint32((blk - f.first) / f.bpg)
		from := blk - f.firstBlock(no)
		k := min(n, f.bpg-from)
		b := s.claims[no]
		if b == nil {
			b = make([]byte, (f.bpg+7)/8)
			s.claims[no] = b
		}
		if bit := nextBit(b, from, from+k, 0xFF); bit < from+k {
			return binread.Errorf(format, in.off, "inode %d claims block %d, which another file has", in.ino, f.firstBlock(no)+bit)
		}
		setBits(b, from, k)
		blk, n = blk+k, n-k
	}
	return nil
}

// setBits sets n bits of b from bit from on.
func setBits(b []byte, from, n int64) {
	for ; n > 0 && from%8 != 0; from, n = from+1, n-1 {
		b[from/8] |= 1 << (from % 8)
	}
	for i := from / 8; i < from/8+n/8; i++ {
		b[i] = 0xFF
	}
	for from += n &^ 7; n&7 > 0; from, n = from+1, n-1 {
		b[from/8] |= 1 << (from % 8)
	}
}

// group checks the bitmaps of one group: the counts of its descriptor, its
// metadata and what files claim.
func (s *survey) group(g uint32) error {
	f, claims := s.f, s.claims[g]
	base := f.firstBlock(g)
	blocks := min(f.bpg, f.blocks-base)
	owned := int64(0)
	err := f.freeOf(g, s.system, func(blk, n int64) error {
		owned += n
		if claims == nil {
			return nil
		}
		if bit := nextBit(claims, blk-base, blk-base+n, 0xFF); bit < blk-base+n {
			return alreadyFree(f, base+bit)
		}
		return nil
	})
	if err != nil {
		return err
	}
	here := span.Span{Off: base * f.bs, Len: blocks * f.bs}
	owned += span.Set(overlapping(s.system, here)).Intersect(span.Set{here}).Total() / f.bs
	for _, b := range claims {
		owned += int64(bits.OnesCount8(b))
	}
	s.lost += blocks - owned
	used, d, _, err := f.usedInodes(g)
	if err != nil {
		return err
	}
	n, free := int64(f.inodesOf(g)), int64(0)
	if used == nil {
		free = n
	} else {
		err = zeroRuns(used, n, func(from, to int64) error { free += to - from; return nil })
	}
	if err == nil && free != int64(d.freeInodes) {
		err = binread.Errorf(format, d.off, "group %d has %d free inodes, but says %d", g, free, d.freeInodes)
	}
	return err
}

// own says why an inode is the file system's own, and not to be changed.
func (f *FS) own(in inode) error {
	switch {
	case in.ino < f.firstIno && in.ino != rootIno,
		f.compat&compatOrphanFile != 0 && in.ino == f.orphanFile,
		f.compat&compatHasJournal != 0 && in.ino == f.journalIno:
		return cannot(in.ino, "belongs to the file system")
	case in.has(flagEAInode):
		return cannot(in.ino, "is the value of an attribute")
	case in.nlink() == 0:
		return fmt.Errorf("ext4: inode %d has no link: %w", in.ino, fsys.ErrNotExist)
	}
	return nil
}
