package xfs

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// maxCycle bounds the round numbers of a log; a file system reaches it only by
// lying.
const maxCycle = 1 << 30

// scrubLog makes the log empty.
func (e *Editor) scrubLog() error {
	b, where, err := e.cleanLog()
	if err != nil {
		return err
	}
	if e.failed == nil {
		e.failed = writeLog(e.p, b, where)
	}
	e.zeroed += where.Len
	return e.failed
}

// cleanLog returns the bytes of a log that ends in nothing but an unmount
// record, as mkfs.xfs and xfs_repair leave one: a new round, in which only
// that record was written, over an old one whose sectors have just its number.
// So no metadata is newer than the log (the kernel refuses that), and no old
// record is left. It returns the record alone, and where the log is.
func (fs *FS) cleanLog() (record []byte, where span.Span, err error) {
	where = fs.log.Where
	l := &ring{dev: fs.dev.base, off: where.Off, n: where.Len / sector}
	cycle, err := l.newest()
	if err != nil {
		return nil, where, err
	}
	record = fs.unmountRecord(cycle + 1)
	if int64(len(record)) > where.Len/2 {
		return nil, where, l.bad(0, "a log of %d bytes with records of %d", where.Len, len(record))
	}
	return record, where, nil
}

// newest is the highest round number in the log: that of its first sector,
// unless it is blank.
func (l *ring) newest() (uint32, error) {
	first, err := l.cycle(0)
	if err != nil {
		return 0, err
	}
	last, err := l.cycle(l.n - 1)
	if err != nil {
		return 0, err
	}
	c := max(first, last)
	if c > maxCycle {
		return 0, l.bad(0, "round %d", c)
	}
	return c, nil
}

// unmountRecord is the record with which an unmounted log ends
// (libxfs_log_header of xfsprogs): struct xlog_rec_header, further headers
// where records can be longer than 32 KiB, and one operation.
func (s *super) unmountRecord(cycle uint32) []byte {
	size := int64(cycleData)
	n := int64(2)
	if s.logVersion == 2 && s.logUnit > 1 {
		size = max(size, int64(s.logUnit))
		n = max(n, int64(s.logUnit)/sector)
	}
	heads := (size + cycleData - 1) / cycleData
	n = max(n, heads+1)
	b := make([]byte, n*sector)
	lsn := uint64(cycle) << 32
	be.PutUint32(b, recordMagic)
	be.PutUint32(b[4:], cycle)
	be.PutUint32(b[8:], uint32(s.logVersion))
	be.PutUint32(b[12:], uint32((n-heads)*sector))
	be.PutUint64(b[16:], lsn)
	be.PutUint64(b[24:], lsn)
	be.PutUint32(b[36:], ^uint32(0)) // h_prev_block: none
	be.PutUint32(b[40:], 1)          // h_num_logops
	be.PutUint32(b[300:], 1)         // h_fmt: XLOG_FMT_LINUX_LE
	copy(b[304:320], s.uuid[:])
	be.PutUint32(b[320:], uint32(size))
	for k := int64(1); k < heads; k++ {
		be.PutUint32(b[k*sector:], cycle)
	}
	// struct xlog_op_header; its first word, the transaction, gives way to the
	// round number and is kept in h_cycle_data.
	const transaction = 0xb0c0d0d0
	op := b[heads*sector:]
	be.PutUint32(op, transaction)
	be.PutUint32(op[4:], 8)
	op[8], op[9] = clientLog, opUnmount
	le.PutUint16(op[12:], 0x556e) // XLOG_UNMOUNT_TYPE, "Un"
	be.PutUint32(b[44:], transaction)
	for k := range n - heads {
		be.PutUint32(op[k*sector:], cycle)
	}
	if h := (recordHeader{hdrs: heads, raw: b[:heads*sector]}); s.v5 {
		le.PutUint32(b[32:], h.compute(op, 328))
	}
	return b
}

// writeLog zeroes the log but for the number of the old round in each sector,
// and writes the record at its start.
func writeLog(p fsys.Patch, record []byte, where span.Span) error {
	cycle := be.Uint32(record[4:])
	if err := p.Zero(where.Off, where.Len); err != nil {
		return err
	}
	old := make([]byte, 64<<10)
	for k := 0; k < len(old); k += sector {
		be.PutUint32(old[k:], cycle-1)
	}
	for at := int64(0); at < where.Len && cycle > 1; at += int64(len(old)) {
		if _, err := p.WriteAt(old[:min(int64(len(old)), where.Len-at)], where.Off+at); err != nil {
			return err
		}
	}
	_, err := p.WriteAt(record, where.Off)
	return err
}

// settle writes what the replay of a dirty log changed into the patch, with
// the counters that the kernel would work out on mounting, and leaves a clean
// log. It returns the file system opened again.
func settle(fs *FS, p fsys.Patch) (*FS, error) {
	if err := fs.finished(); err != nil {
		return nil, err
	}
	record, where, err := fs.cleanLog()
	if err != nil {
		return nil, refuseFor(err)
	}
	for num, page := range fs.dev.pages {
		n := min(pageSize, fs.dev.size-num*pageSize)
		if _, err := p.WriteAt(page[:n], num*pageSize); err != nil {
			return nil, err
		}
	}
	if err := fs.settleSuper(p); err != nil {
		return nil, err
	}
	if err := writeLog(p, record, where); err != nil {
		return nil, err
	}
	again, err := Open(p, fs.dev.size)
	if err != nil {
		return nil, err
	}
	if !again.log.Clean {
		return nil, fmt.Errorf("xfs: the log is not clean after it was written: %s", again.log.Reason)
	}
	again.desc.Replayed = true
	return again, nil
}

// finished refuses a log whose replay leaves work that only the kernel does.
func (fs *FS) finished() error {
	const boot = "; start the machine once and shut it down, or mount and unmount the volume"
	if n := len(fs.log.Unfinished); n > 0 {
		return refuse("the log holds unfinished work of %d kinds%s", n, boot)
	}
	deleted, err := fs.Unlinked()
	switch {
	case err != nil:
		return refuseFor(err)
	case len(deleted) > 0:
		return refuse("%d files were deleted while they were open%s", len(deleted), boot)
	}
	return nil
}

// settleSuper sets the counters of the super block that are only right after
// an unmount (sb_icount, sb_ifree, sb_fdblocks), forgets that the log has
// special features, and has quotas counted again.
func (fs *FS) settleSuper(p fsys.Patch) error {
	b, err := binread.At(p, format, 0, fs.sectorSize, 0)
	if err != nil {
		return err
	}
	if fs.lazyCount {
		var inodes, free, blocks uint64
		for ag := range fs.agCount {
			agf, _, err := fs.groupHeader(ag, 1, agfMagic)
			if err != nil {
				return err
			}
			agi, _, err := fs.groupHeader(ag, 2, agiMagic)
			if err != nil {
				return err
			}
			inodes += uint64(be.Uint32(agi[16:]))
			free += uint64(be.Uint32(agi[28:]))
			blocks += uint64(be.Uint32(agf[52:])) + uint64(be.Uint32(agf[48:])) + uint64(be.Uint32(agf[60:]))
		}
		be.PutUint64(b[128:], inodes)
		be.PutUint64(b[136:], free)
		be.PutUint64(b[144:], blocks)
	}
	const checked = 0x4 | 0x20 | 0x100 | 0x400 // of sb_qflags: XFS_UQUOTA_CHKD and those of groups and projects
	be.PutUint16(b[176:], be.Uint16(b[176:])&^checked)
	if fs.v5 {
		be.PutUint32(b[220:], 0) // sb_features_log_incompat
		setSum(b, 224)
	}
	_, err = p.WriteAt(b, 0)
	return err
}
