package ext4

import (
	"errors"
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// The journal (include/linux/jbd2.h); all of it is big endian.
const (
	journalMagic = 0xC03B3998

	blockDescriptor = 1
	blockCommit     = 2
	blockSuperV1    = 3
	blockSuperV2    = 4
	blockRevoke     = 5

	journalChecksum    = 0x1 // s_feature_compat: version 1 checksums
	journalRevoke      = 0x1 // s_feature_incompat
	journal64Bit       = 0x2
	journalAsyncCommit = 0x4
	journalCsumV2      = 0x8
	journalCsumV3      = 0x10
	journalFastCommit  = 0x20
	journalKnown       = journalRevoke | journal64Bit | journalAsyncCommit | journalCsumV2 | journalCsumV3 | journalFastCommit

	defaultFastBlocks = 256 // JBD2_DEFAULT_FAST_COMMIT_BLOCKS
)

// A journal is the log inside one file system.
type journal struct {
	f           *FS
	file        *file
	compat      uint32
	incompat    uint32
	first, last uint32 // the log is the blocks [first, last) of the file, and circular
	start, seq  uint32 // where the oldest transaction is, and its number; start 0: the log is empty
	seed        uint32
	failed      bool // s_errno: the file system had aborted
}

// journalInode reads the inode of the journal.
func (f *FS) journalInode() (inode, error) {
	if f.compat&compatHasJournal == 0 {
		return inode{}, errors.New("ext4: there is no journal")
	}
	if f.journalIno == 0 {
		return inode{}, binread.Unsupported(format, "an external journal")
	}
	in, err := f.readInode(f.journalIno)
	if err == nil && (in.kind() != fsys.Regular || in.nlink() == 0 || f.inline(in)) {
		err = binread.Errorf(format, in.off, "inode %d is no journal", f.journalIno)
	}
	return in, err
}

// openJournal reads and checks the superblock of the internal journal.
func (f *FS) openJournal() (*journal, error) {
	in, err := f.journalInode()
	if err != nil {
		return nil, err
	}
	j := &journal{f: f, file: &file{f: f, in: in, size: f.size(in)}}
	b, at, err := j.block(0)
	if err != nil {
		return nil, err
	}
	kind, maxlen := be.Uint32(b[4:]), be.Uint32(b[0x10:])
	if be.Uint32(b) != journalMagic || kind != blockSuperV1 && kind != blockSuperV2 {
		return nil, binread.Errorf(format, at, "the journal has no superblock")
	}
	if kind == blockSuperV2 {
		j.compat, j.incompat = be.Uint32(b[0x24:]), be.Uint32(b[0x28:])
	}
	if bad := j.incompat &^ journalKnown; bad != 0 {
		return nil, binread.Unsupported(format, "the journal's feature set %#x", bad)
	}
	if j.sums() {
		if crc32cHole(^uint32(0), b[:1024], 0xFC, 4) != be.Uint32(b[0xFC:]) {
			return nil, binread.Errorf(format, at, "the journal's superblock has a wrong checksum")
		}
		j.seed = crc32c(^uint32(0), b[0x30:0x40])
	}
	j.first, j.last = be.Uint32(b[0x14:]), maxlen
	j.seq, j.start = be.Uint32(b[0x18:]), be.Uint32(b[0x1C:])
	j.failed = be.Uint32(b[0x20:]) != 0
	if j.incompat&journalFastCommit != 0 {
		fast := be.Uint32(b[0x54:])
		if fast == 0 {
			fast = defaultFastBlocks
		}
		j.last -= min(fast, j.last)
	}
	switch {
	case int64(be.Uint32(b[0xC:])) != f.bs:
		return nil, binread.Errorf(format, at+0xC, "the journal has blocks of %d bytes", be.Uint32(b[0xC:]))
	case int64(maxlen) > j.file.size/f.bs:
		return nil, binread.Errorf(format, at+0x10, "the journal claims %d blocks, but has %d", maxlen, j.file.size/f.bs)
	case j.first == 0 || j.first >= j.last, j.start != 0 && (j.start < j.first || j.start >= j.last):
		return nil, binread.Errorf(format, at+0x14, "the journal's log is [%d, %d) and begins at %d", j.first, j.last, j.start)
	}
	return j, nil
}

// sums says that blocks of the log have checksums of version 2 or 3.
func (j *journal) sums() bool { return j.incompat&(journalCsumV2|journalCsumV3) != 0 }

// next is the block of the log after n.
func (j *journal) next(n uint32) uint32 {
	if n++; n >= j.last {
		return j.first
	}
	return n
}

// physical is the block of the volume that holds block n of the journal.
func (j *journal) physical(n uint32) (int64, error) {
	w, err := j.file.window(int64(n))
	if err != nil {
		return 0, err
	}
	if e := w.find(int64(n)); e.pblk != 0 {
		return e.pblk + int64(n) - e.lblk, nil
	}
	return 0, binread.Errorf(format, j.file.in.off, "the journal has a hole at block %d", n)
}

// block reads block n of the journal and says at which byte it is.
func (j *journal) block(n uint32) ([]byte, int64, error) {
	p, err := j.physical(n)
	if err != nil {
		return nil, -1, err
	}
	b, err := j.f.cache.bytes(p*j.f.bs, j.f.bs)
	return b, p * j.f.bs, err
}

// fastCommits says whether fast commits follow the transaction numbered seq:
// the area behind the log then begins with a head tag of that number
// (EXT4_FC_TAG_HEAD, fs/ext4/fast_commit.h).
func (j *journal) fastCommits(seq uint32) bool {
	if j.incompat&journalFastCommit == 0 {
		return false
	}
	for _, n := range []uint32{j.last, j.last + 1} {
		b, _, err := j.block(n)
		if err == nil && le.Uint16(b) == 9 && le.Uint16(b[2:]) >= 8 && le.Uint32(b[8:]) == seq {
			return true
		}
	}
	return false
}

// replay reads the log of a file system that was not unmounted and returns the
// overlay with its transactions. What cannot be replayed is the error; the
// overlay is good up to there, and nil when there is nothing in it.
func (f *FS) replay() (*overlay, error) {
	j, err := f.openJournal()
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be replayed: %w", err)
	}
	f.aborted = j.failed
	if j.start == 0 {
		return nil, nil
	}
	l := replayer{j: j, revoked: map[int64]uint32{}}
	broken := l.scan()
	patches, err := l.patches()
	if broken == nil {
		broken = err
	}
	if broken == nil && j.fastCommits(l.seq) {
		broken = binread.Unsupported(format, "replaying fast commits")
	}
	if broken != nil {
		broken = fmt.Errorf("the journal is replayed only in part: %w", broken)
	}
	if len(patches) == 0 {
		return nil, broken
	}
	return &overlay{f.dev, f.bs, patches}, broken
}
