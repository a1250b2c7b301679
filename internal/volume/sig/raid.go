package sig

import (
	"encoding/binary"
	"fmt"
	"io"

	"assay/internal/binread"
)

const mdMagic = 0xa92b4efc // MD_SB_MAGIC

// ArrayAtEnd returns what an md superblock at the end of r says, and its byte
// offset; the zero Content when there is none. It is for whole disks, where a
// superblock of version 0.90 may belong to the disk or to its last partition.
func ArrayAtEnd(r io.ReaderAt, size int64) (Content, int64, error) {
	w := &window{r: r, size: size}
	for _, at := range []int64{md1End(size), md0End(size)} {
		c := md1(w, at, "1.0")
		if c == nil {
			c = md0(w, at)
		}
		if w.err != nil {
			return Content{}, 0, w.err
		}
		if c != nil {
			return *c, at, nil
		}
	}
	return Content{}, 0, nil
}

// md1End and md0End are where versions 1.0 and 0.90 keep their superblock:
// at least 8 KiB before the end, on 4 KiB; in the last 64 KiB that are whole.
func md1End(size int64) int64 { return (size/512 - 16) &^ 7 * 512 }
func md0End(size int64) int64 { return size&^(64<<10-1) - 64<<10 }

// mdAtEnd finds versions 1.0 and 0.90. The bytes before them may look like the
// file system of a mirror.
func mdAtEnd(w *window) *Content {
	if c := md1(w, md1End(w.size), "1.0"); c != nil {
		return c
	}
	return md0(w, md0End(w.size))
}

// mdAtStart finds versions 1.1 (at byte 0) and 1.2 (at 4 KiB).
func mdAtStart(w *window) *Content {
	if c := md1(w, 0, "1.1"); c != nil {
		return c
	}
	return md1(w, 4096, "1.2")
}

// md1 reads a version 1 superblock (Linux include/uapi/linux/raid/md_p.h,
// struct mdp_superblock_1). It says itself at which sector it must be.
func md1(w *window, at int64, version string) *Content {
	if at < 0 || at > w.size-1024 || !w.is(at, "\xfc\x4e\x2b\xa9\x01\x00\x00\x00") {
		return nil
	}
	b := w.buf(at, 4096)
	devices := b.LE32(220)
	if b.LE64(144) != uint64(at/512) || devices > (4096-256)/2 {
		return nil
	}
	if md1Sum(b, int(devices)) != b.LE32(216) {
		return nil
	}
	name := label(b.Bytes(32, 32))
	return &Content{Name: "md", UUID: uuid(b.Bytes(16, 16)), Label: name,
		Refuse: fmt.Sprintf("a member of the array %q (%s, %d devices, metadata %s)", name, level(int32(b.LE32(72))), b.LE32(92), version)}
}

// md1Sum adds the header's 32-bit words and its devices' 16-bit roles, less
// the field that holds the sum (calc_sb_1_csum in drivers/md/md.c).
func md1Sum(b binread.Buf, devices int) uint32 {
	n := 256 + 2*devices
	sum := uint64(0)
	for off := 0; off+4 <= n; off += 4 {
		if off != 216 {
			sum += uint64(b.LE32(off))
		}
	}
	if n%4 == 2 {
		sum += uint64(b.LE16(n - 2))
	}
	return uint32(sum) + uint32(sum>>32)
}

// md0 reads a version 0.90 superblock, in the byte order of its machine (same
// header file, struct mdp_superblock_s).
func md0(w *window, at int64) *Content {
	if at < 0 {
		return nil
	}
	b := w.buf(at, 4096)
	u32 := b.LE32
	if b.BE32(0) == mdMagic {
		u32 = b.BE32
	}
	if u32(0) != mdMagic || u32(4) != 0 || u32(8) > 91 || int64(u32(32)) > at/1024 {
		return nil // field 8 is the array's size on this member, in KiB
	}
	var id [16]byte
	for i, off := range []int{20, 52, 56, 60} {
		v := u32(off)
		binary.BigEndian.PutUint32(id[4*i:], v) // printed as four numbers, unlike in version 1
	}
	return &Content{Name: "md", UUID: uuid(id[:]),
		Refuse: fmt.Sprintf("a member of the array md%d (%s, %d devices, metadata 0.90)", u32(44), level(int32(u32(28))), u32(40))}
}

func level(n int32) string {
	switch n {
	case -1:
		return "linear"
	case -4:
		return "multipath"
	case -5:
		return "faulty"
	}
	return fmt.Sprintf("RAID%d", n)
}

// firmwareRAID finds members of arrays that a BIOS assembles: DDF (SNIA Common
// RAID Disk Data Format 2.0, anchor header in the last block) and Intel's
// (mdadm super-intel.c, second last block).
func firmwareRAID(w *window) *Content {
	end := w.size &^ 511
	switch {
	case w.is(end-512, "\xde\x11\xde\x11"), w.is(end-512, "\x11\xde\x11\xde"):
		return &Content{Name: "ddf", Refuse: "a member of a DDF RAID array"}
	case w.is(end-1024, "Intel Raid ISM Cfg Sig. "):
		return &Content{Name: "isw", Refuse: "a member of an Intel RAID array"}
	}
	return nil
}
