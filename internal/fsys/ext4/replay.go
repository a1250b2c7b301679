package ext4

import (
	"cmp"
	"slices"

	"assay/internal/binread"
)

// Bounds on one replay: a journal of 1 GiB, the largest that mke2fs makes by
// itself, has 2^18 blocks of 4 KiB.
const (
	maxRecords = 2 << 20
	maxRevokes = 2 << 20
)

// Flags of a tag (JBD2_FLAG_).
const (
	tagEscape   = 1
	tagSameUUID = 2
	tagLast     = 8
)

// A record is one block that a transaction logs.
type record struct {
	patch
	seq uint32 // of the transaction
	sum uint32 // of version 2 (16 bits) or 3
}

// A replayer reads the log as fs/jbd2/recovery.c does, but in one pass: what a
// transaction logs counts only once its commit block is found good.
type replayer struct {
	j       *journal
	seq     uint32 // of the transaction that is read now; at the end, of the first not replayed
	records []record
	revoked map[int64]uint32 // block → the last transaction that revoked it

	txRecords []record
	txRevoked []int64
	txBad     int64  // byte offset of a block of this transaction with a wrong checksum, or 0
	sumV1     uint32 // running version 1 checksum
	lastTime  uint64 // of the last good commit
}

// scan collects all whole transactions. The log ends without an error where
// the next block is not of the next transaction.
func (l *replayer) scan() error {
	j := l.j
	l.seq, l.sumV1 = j.seq, ^uint32(0)
	n := j.start
	for left := int64(j.last - j.first); left > 0; left-- {
		b, at, err := j.block(n)
		if err != nil {
			return err
		}
		n = j.next(n)
		if be.Uint32(b) != journalMagic || be.Uint32(b[8:]) != l.seq {
			return nil
		}
		switch be.Uint32(b[4:]) {
		case blockDescriptor:
			used, err := l.descriptor(b, at, n)
			if err != nil {
				return err
			}
			for range min(used, left) {
				n = j.next(n)
			}
			left -= used
		case blockRevoke:
			if err := l.revoke(b, at); err != nil {
				return err
			}
		case blockCommit:
			if more, err := l.commit(b, at); !more {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// tagSize is journal_tag_bytes.
func (j *journal) tagSize() int {
	if j.incompat&journalCsumV3 != 0 {
		return 16
	}
	n := 8
	if j.incompat&journal64Bit != 0 {
		n += 4
	}
	if j.incompat&journalCsumV2 != 0 {
		n += 2
	}
	return n
}

// descriptor reads the tags of the blocks that follow it, from n on, and
// returns their number.
func (l *replayer) descriptor(b []byte, at int64, n uint32) (int64, error) {
	j := l.j
	end, size := len(b), j.tagSize()
	if j.sums() {
		end -= 4
		l.checkTail(b, at)
	}
	v1 := j.compat&journalChecksum != 0 && l.txBad == 0
	if v1 {
		l.sumV1 = crc32BE(l.sumV1, b)
	}
	count := int64(0)
	for o := 12; o+size <= end; {
		t := b[o:]
		flags := be.Uint16(t[6:])
		r := record{patch: patch{blk: int64(be.Uint32(t)), escaped: flags&tagEscape != 0}, seq: l.seq}
		if j.incompat&journalCsumV3 != 0 {
			r.sum = be.Uint32(t[12:])
		} else {
			r.sum = uint32(be.Uint16(t[4:]))
		}
		if j.incompat&journal64Bit != 0 {
			r.blk |= int64(be.Uint32(t[8:])&0x7FFF) << 32
		}
		var err error
		if r.from, err = j.physical(n); err != nil {
			return count, err
		}
		if v1 {
			data, _, err := j.block(n)
			if err != nil {
				return count, err
			}
			l.sumV1 = crc32BE(l.sumV1, data)
		}
		if len(l.records)+len(l.txRecords) >= maxRecords {
			return count, binread.Errorf(format, at+int64(o), "the journal logs more than %d blocks", maxRecords)
		}
		l.txRecords = append(l.txRecords, r)
		n = j.next(n)
		count++
		o += size
		if flags&tagSameUUID == 0 {
			o += 16
		}
		if flags&tagLast != 0 || count > int64(j.last-j.first) {
			break
		}
	}
	return count, nil
}

// checkTail checks the checksum at the end of a descriptor or revoke block
// (jbd2_journal_block_tail). Whether a wrong one matters is known only at the
// commit block: the block may be left over from an older use of the log.
func (l *replayer) checkTail(b []byte, at int64) {
	tail := len(b) - 4
	if l.txBad == 0 && crc32cHole(l.j.seed, b, tail, 4) != be.Uint32(b[tail:]) {
		l.txBad = at
	}
}

// revoke reads a revoke block: what it names must not be replayed from this
// transaction or an older one.
func (l *replayer) revoke(b []byte, at int64) error {
	j := l.j
	room, size := len(b), 4
	if j.sums() {
		room -= 4
		l.checkTail(b, at)
	}
	if j.incompat&journal64Bit != 0 {
		size = 8
	}
	used := be.Uint32(b[12:])
	if int64(used) > int64(room) {
		if l.txBad == 0 {
			l.txBad = at
		}
		return nil
	}
	for o := 16; o+size <= int(used); o += size {
		blk := int64(be.Uint32(b[o:]))
		if size == 8 {
			blk = blk<<32 | int64(be.Uint32(b[o+4:]))
		}
		if len(l.txRevoked)+len(l.revoked) >= maxRevokes {
			return binread.Errorf(format, at+int64(o), "the journal revokes more than %d blocks", maxRevokes)
		}
		l.txRevoked = append(l.txRevoked, blk)
	}
	return nil
}

// commit ends a transaction. Without more, the log ends here: in silence when
// the commit block is older than the last good one, as a leftover, or else
// with an error.
func (l *replayer) commit(b []byte, at int64) (more bool, err error) {
	j := l.j
	when := be.Uint64(b[0x30:])
	bad := l.txBad != 0
	if bad {
		at = l.txBad
	}
	if !bad && j.compat&journalChecksum != 0 {
		kind, size, sum := b[12], b[13], be.Uint32(b[16:])
		unused := kind == 0 && size == 0 && sum == 0
		bad = !unused && (kind != 1 || size != 4 || sum != l.sumV1)
		l.sumV1 = ^uint32(0)
	}
	if !bad && j.sums() {
		bad = crc32cHole(j.seed, b, 16, 4) != be.Uint32(b[16:])
	}
	if bad {
		if when < l.lastTime {
			return false, nil
		}
		return false, binread.Errorf(format, at, "transaction %d of the journal has a wrong checksum", l.seq)
	}
	l.lastTime = when
	l.records = append(l.records, l.txRecords...)
	for _, blk := range l.txRevoked {
		l.revoked[blk] = l.seq
	}
	l.txRecords, l.txRevoked = l.txRecords[:0], l.txRevoked[:0]
	l.seq++
	return true, nil
}

// patches turns the records into an overlay: not those revoked later, and of
// several for one block the last. The error is the first block left out
// because its checksum or its place is wrong.
func (l *replayer) patches() ([]patch, error) {
	var broken error
	good := l.records[:0]
	for _, r := range l.records {
		if seq, ok := l.revoked[r.blk]; ok && int32(seq-r.seq) >= 0 {
			continue
		}
		if err := l.check(r); err != nil {
			if broken == nil {
				broken = err
			}
			continue
		}
		good = append(good, r)
	}
	slices.SortStableFunc(good, func(a, b record) int { return cmp.Compare(a.blk, b.blk) })
	var out []patch
	for i, r := range good {
		if i+1 == len(good) || good[i+1].blk != r.blk {
			out = append(out, r.patch)
		}
	}
	return out, broken
}

func (l *replayer) check(r record) error {
	f, at := l.j.f, r.from*l.j.f.bs
	if r.blk >= f.blocks {
		return binread.Errorf(format, at, "the journal logs block %d of %d", r.blk, f.blocks)
	}
	if !l.j.sums() {
		return nil
	}
	b, err := f.cache.bytes(at, f.bs)
	if err != nil {
		return err
	}
	var seq [4]byte
	be.PutUint32(seq[:], r.seq)
	sum := crc32c(crc32c(l.j.seed, seq[:]), b)
	if l.j.incompat&journalCsumV3 == 0 {
		sum &= 0xFFFF
	}
	if sum != r.sum {
		return binread.Errorf(format, at, "block %d in the journal has a wrong checksum", r.blk)
	}
	return nil
}
