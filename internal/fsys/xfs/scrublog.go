package xfs

import (
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
