package xfs

import (
	"bytes"

	"assay/internal/binread"
)

const (
	bufferInodes = 1 << 0 // XFS_BLF_INODE_BUF: only di_next_unlinked counts
	bufferCancel = 1 << 1 // XFS_BLF_CANCEL
	bufferQuota  = 1<<2 | 1<<3 | 1<<4

	// The kind of content is in the upper 5 bits of the flags: XFS_BLFT_*.
	bufferKind = 11
	kindInodes = 8
	kindBitmap = 19 // realtime bitmap and summary have no headers
	kindSum    = 20

	bufferChunk = 128       // bytes that one bit of the map stands for
	maxBuffer   = 256 << 10 // bytes of one logged buffer; inode clusters and directory blocks reach 64 KiB
)

// A bufferItem is struct xfs_buf_log_format.
type bufferItem struct {
	flags uint16
	key   bufferKey
	bits  []byte // 32-bit words of the map of logged chunks
}

func (f *bufferItem) bit(i int) bool { return le.Uint32(f.bits[i/32*4:])>>(i%32)&1 != 0 }
func (f *bufferItem) count() int     { return len(f.bits) * 8 }

func (f *bufferItem) inodes() bool {
	return f.flags&bufferInodes != 0 || f.flags>>bufferKind == kindInodes
}

// header recognises the version 5 header of a buffer.
func (f *bufferItem) header(b []byte) (kind, bool) {
	if k := f.flags >> bufferKind; f.inodes() || k == kindBitmap || k == kindSum {
		return kind{}, false
	}
	return kindOf(b)
}

func (r *replayer) bufferFormat(it *item) (*bufferItem, error) {
	d := it.desc()
	if len(d) < 20 {
		return nil, r.log.bad(0, "a buffer item of %d bytes", len(d))
	}
	f := &bufferItem{flags: le.Uint16(d[4:]), key: bufferKey{int64(le.Uint64(d[8:])), int64(le.Uint16(d[6:]))}}
	words := int64(le.Uint32(d[16:]))
	if words*4 > int64(len(d)-20) || f.key.at < 0 || f.key.at > r.fs.dev.size/sector-f.key.n {
		return nil, r.log.bad(0, "a buffer of %d sectors at %d with a map of %d words", f.key.n, f.key.at, words)
	}
	f.bits = d[20 : 20+4*words]
	return f, nil
}

// buffer replays one buffer (xlog_recover_buf_commit_pass2).
func (r *replayer) buffer(it *item, lsn uint64) error {
	f, err := r.bufferFormat(it)
	if err != nil {
		return err
	}
	if f.flags&bufferCancel != 0 {
		if r.cancelled[f.key]--; r.cancelled[f.key] <= 0 {
			delete(r.cancelled, f.key)
		}
		return nil
	}
	if r.cancelled[f.key] > 0 {
		r.fs.log.Stale++
		return nil
	}
	if f.flags&bufferQuota != 0 {
		return nil
	}
	off := f.key.at * sector
	b, err := binread.At(r.fs.dev, format, off, f.key.n*sector, maxBuffer)
	if err != nil {
		return err
	}
	if age, ok := r.lsnOf(f, b); ok && age != 0 && age >= lsn {
		r.fs.log.Stale++
		return nil
	}
	if f.flags&bufferInodes != 0 {
		err = r.unlinkedFields(it, f, b)
	} else {
		err = r.regions(it, f, func(at int, region []byte) bool {
			return at <= len(b) && copy(b[at:], region) == len(region)
		})
	}
	if err != nil {
		return err
	}
	r.fs.log.Buffers++
	r.seal(f, b)
	return r.fs.dev.patch(off, b)
}

// regions calls put with each logged region and its offset in the buffer. A
// run of bits can be split over several regions, where a page of the buffer
// ended.
func (r *replayer) regions(it *item, f *bufferItem, put func(at int, region []byte) bool) error {
	rest := it.regions[1:]
	for i := 0; i < f.count(); {
		if !f.bit(i) {
			i++
			continue
		}
		run := 1
		for i+run < f.count() && f.bit(i+run) {
			run++
		}
		if len(rest) == 0 {
			return r.log.bad(0, "a buffer item with too few regions")
		}
		n := min(len(rest[0]), run*bufferChunk) / bufferChunk
		if n == 0 || !put(i*bufferChunk, rest[0][:n*bufferChunk]) {
			return r.log.bad(0, "a buffer item with a region of %d bytes at %d", len(rest[0]), i*bufferChunk)
		}
		i, rest = i+n, rest[1:]
	}
	return nil
}

// unlinkedFields replays an inode buffer: of each inode only di_next_unlinked
// (xlog_recover_do_inode_buffer).
func (r *replayer) unlinkedFields(it *item, f *bufferItem, b []byte) error {
	size := int(r.fs.inodeSize)
	return r.regions(it, f, func(at int, region []byte) bool {
		first := (at - nextUnlinked + size - 1) / size * size
		for o := max(0, first) + nextUnlinked; o+4 <= at+len(region) && o+4 <= len(b); o += size {
			copy(b[o:o+4], region[o-at:])
		}
		return true
	})
}

// lsnOf returns the age of a version 5 buffer (xlog_recover_get_buf_lsn). It
// is not ok where there is none, or the block was something else before.
func (r *replayer) lsnOf(f *bufferItem, b []byte) (uint64, bool) {
	if !r.fs.v5 {
		return 0, false
	}
	k, ok := f.header(b)
	if !ok || k.unordered {
		return 0, false
	}
	uuid := r.fs.metaUUID[:]
	if k.super {
		uuid = r.fs.uuid[:]
	}
	if !bytes.Equal(b[k.uuid:k.uuid+16], uuid) {
		return 0, false
	}
	lsn := be.Uint64(b[k.lsn:])
	return lsn, lsn != ^uint64(0)
}

// seal sets the checksums of a replayed buffer, as the kernel does when it
// writes it back.
func (r *replayer) seal(f *bufferItem, b []byte) {
	if !r.fs.v5 {
		return
	}
	if k, ok := f.header(b); ok {
		setSum(b, k.sum)
		return
	}
	size := int(r.fs.inodeSize)
	for o := 0; f.inodes() && o+size <= len(b) && be.Uint16(b[o:]) == inodeMagic; o += size {
		setSum(b[o:o+size], 100)
	}
}
