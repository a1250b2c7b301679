package sig

import (
	"fmt"
	"strings"
)

// ext: superblock at byte 1024, magic at 56 (Linux fs/ext4/ext4.h). Which of
// the four it is follows from the features, as in blkid.
func ext(w *window) *Content {
	if !w.is(1024+56, "\x53\xef") {
		return nil
	}
	const (
		hasJournal = 0x4              // compat
		journalDev = 0x8              // incompat
		roOld      = 0x1 | 0x2 | 0x4  // sparse_super, large_file, btree_dir
		incompat2  = 0x2 | 0x10       // filetype, meta_bg
		incompat3  = 0x2 | 0x10 | 0x4 // and needs_recovery
		blockSizes = 6                // s_log_block_size of 64 KiB
	)
	b := w.buf(1024, 1024)
	compat, inc, ro := b.LE32(92), b.LE32(96), b.LE32(100)
	if b.LE32(24) > blockSizes || b.LE32(32) == 0 || b.LE32(40) == 0 && inc&journalDev == 0 {
		return nil // block size or group size that cannot be: the magic is two bytes only
	}
	c := &Content{Name: "ext4", UUID: uuid(b.Bytes(104, 16)), Label: label(b.Bytes(120, 16))}
	switch {
	case inc&journalDev != 0:
		c.Name, c.Refuse = "jbd", "the external journal of another file system"
	case compat&hasJournal == 0 && ro&^roOld == 0 && inc&^incompat2 == 0:
		c.Name = "ext2"
	case compat&hasJournal != 0 && ro&^roOld == 0 && inc&^incompat3 == 0:
		c.Name = "ext3"
	}
	return c
}

// xfs: superblock at byte 0 (Linux fs/xfs/libxfs/xfs_format.h).
func xfs(w *window) *Content {
	b := w.buf(0, 512)
	if !w.is(0, "XFSB") || b.BE32(4) < 512 || b.BE32(4) > 65536 {
		return nil
	}
	return &Content{Name: "xfs", UUID: uuid(b.Bytes(32, 16)), Label: label(b.Bytes(108, 12))}
}

// btrfs: superblock at 64 KiB (Linux fs/btrfs/fs.h).
func btrfs(w *window) *Content {
	const at = 64 << 10
	if !w.is(at+0x40, "_BHRfS_M") {
		return nil
	}
	b := w.buf(at, 4096)
	return &Content{Name: "btrfs", UUID: uuid(b.Bytes(0x20, 16)), Label: label(b.Bytes(0x12b, 256))}
}

// swap: magic in the last ten bytes of the first page, whose size depends on
// the machine (Linux include/linux/swap.h, kernel/power/swap.c).
func swap(w *window) *Content {
	for _, page := range []int64{4096, 8192, 16384, 65536} {
		magic := string(w.at(page-10, 10))
		c := &Content{Name: "swap"}
		switch {
		case magic == "SWAPSPACE2" || magic == "SWAP-SPACE":
		case magic == "S1SUSPEND\x00" || magic == "S2SUSPEND\x00" || magic == "ULSUSPEND\x00" || magic == "LINHIB0001":
			c.Refuse = fmt.Sprintf("a hibernation image (%s): it holds the memory of a running machine", strings.TrimRight(magic, "\x00"))
		default:
			continue
		}
		if magic != "SWAP-SPACE" { // version 0 has neither
			b := w.buf(1024, 512)
			c.UUID, c.Label = uuid(b.Bytes(12, 16)), label(b.Bytes(28, 16))
		}
		return c
	}
	return nil
}

// luks: header at byte 0 in both versions (LUKS1 and LUKS2 On-Disk Format
// Specification).
func luks(w *window) *Content {
	if !w.is(0, "LUKS\xba\xbe") {
		return nil
	}
	return luksHeader(w, 0)
}

// luksBackup: LUKS2 keeps a second header at one of some places. It names a
// volume whose first one was wiped, but also outlives being overwritten, so it
// counts only when nothing else does.
func luksBackup(w *window) *Content {
	for at := int64(16 << 10); at <= 4<<20; at *= 2 {
		if w.is(at, "SKUL\xba\xbe") {
			return luksHeader(w, at)
		}
	}
	return nil
}

func luksHeader(w *window, at int64) *Content {
	b := w.buf(at, 512)
	c := &Content{Name: "luks", Encrypted: true, UUID: label(b.Bytes(168, 40)), Refuse: fmt.Sprintf("LUKS version %d", b.BE16(6))}
	if b.BE16(6) == 2 {
		c.Label = label(b.Bytes(24, 48))
	}
	return c
}

// lvm: "LABELONE" in one of the first four sectors (LVM2 lib/label/label.h).
func lvm(w *window) *Content {
	for at := int64(0); at < 2048; at += 512 {
		if !w.is(at, "LABELONE") || !w.is(at+24, "LVM2 001") {
			continue
		}
		b := w.buf(at, 512)
		if b.LE64(8) != uint64(at/512) {
			continue
		}
		id := b.Bytes(int(min(b.LE32(20), 512)), 32)
		if id == nil {
			return nil
		}
		s := string(id)
		return &Content{Name: "lvm2", UUID: s[:6] + "-" + s[6:10] + "-" + s[10:14] + "-" + s[14:18] + "-" +
			s[18:22] + "-" + s[22:26] + "-" + s[26:]}
	}
	return nil
}

// zfs: uberblocks from 128 KiB on in each of the two labels at the start
// (OpenZFS include/sys/vdev_impl.h, uberblock_impl.h), in either byte order.
// blkid wants four of them, since single ones outlive the pool.
func zfs(w *window) *Content {
	const little, big = "\x0c\xb1\xba\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\xba\xb1\x0c"
	found := 0
	for _, vdev := range []int64{0, 256 << 10} {
		ring := w.at(vdev+128<<10, 128<<10)
		for off := 0; off < len(ring); off += 1024 {
			if m := string(ring[off : off+8]); m == little || m == big {
				found++
			}
		}
	}
	if found < 4 {
		return nil
	}
	return &Content{Name: "zfs", Refuse: "a member of a ZFS pool"}
}
