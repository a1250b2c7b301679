package xfs

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// settle writes what the replay of a dirty log changed into the patch, with
// what the kernel would do next (finish), the counters that the kernel would work out on mounting, and leaves a clean
// log. It returns the file system opened again.
func settle(fs *FS, p fsys.Patch) (*FS, error) {
	if fs.dev.pages == nil {
		fs.dev.pages = map[int64][]byte{}
	}
	if err := fs.finish(); err != nil {
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
	again.desc.Replayed = fs.log.Replayed
	return again, nil
}

// settleSuper sets the counters of the super block that are only right after
// an unmount (sb_icount, sb_ifree, sb_fdblocks), forgets that the log has
// special features, and has quotas counted again.
func (fs *FS) settleSuper(p fsys.Patch) error {
	b, err := binread.At(fs.dev, format, 0, fs.sectorSize, 0)
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
