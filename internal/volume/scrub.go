package volume

import (
	"bytes"
	"fmt"
	"io"

	"assay/internal/binread"
	"assay/internal/span"
	"assay/internal/volume/sig"
)

// What stays at the ends of a disk with a GPT, wherever its header says that
// the table is: 34 blocks of 512 bytes or 6 of 4096 at the start, 33 or 5 at
// the end (UEFI specification, 5.3).
const (
	gptHead = 6 * 4096
	gptTail = 5 * 4096
)

// ldmTail is the database of Windows' Logical Disk Manager at the end of a
// disk with an MBR (libldm, ldm_format.h).
const ldmTail = 1 << 20

// maxLook is how much of what stays is read to see whether it is worth a word.
const maxLook = 64 << 20

// Scrubbable returns the bytes of a disk that no volume owns and that may be
// zeroed: gaps between partitions, free extents of LVM and its old metadata
// texts. Everything that something might still need stays: all before the
// first partition of a disk with an MBR, where boot loaders lie, partition
// tables and boot records, RAID metadata at the end, the free extents of a
// volume group that is not complete.
//
// The second result names what stays although it is not zero and nobody looks
// into it, with the reason, in English.
func (l *Layout) Scrubbable(disk int) (span.Set, []string) {
	d := l.Disks[disk]
	if l.partial != nil && l.partial[disk] {
		return nil, []string{fmt.Sprintf("%s: what lies between its volumes was left: volumes may lie there that could not be found", d.Name)}
	}
	var unused []span.Span
	unused = append(unused, l.Unused[disk]...)
	if l.stale != nil {
		unused = append(unused, l.stale[disk]...)
	}
	may := span.Make(unused)
	var keep []span.Span
	var notes []string
	for _, g := range append(l.edges(disk), l.guards...) {
		left := may.Intersect(span.Make([]span.Span{g.Span}))
		if g.disk != disk || len(left) == 0 {
			continue
		}
		keep = append(keep, g.Span)
		if !blank(d, left) {
			notes = append(notes, fmt.Sprintf("%s: %d bytes between byte %d and %d were left: %s", d.Name, left.Total(), left[0].Off, left[len(left)-1].End(), g.why))
		}
	}
	return may.Subtract(span.Make(keep)), notes
}

// edges lists what must stay at the start and the end of a disk.
func (l *Layout) edges(disk int) []guard {
	d := l.Disks[disk]
	var out []guard
	keep := func(off, n int64, why string) {
		off = max(off, 0)
		out = append(out, guard{disk, span.Span{Off: off, Len: min(n, d.Size-off)}, why})
	}
	first := l.firstVolume(disk)
	switch l.Tables[disk] {
	case "mbr":
		keep(0, first, "a boot loader may lie before the first partition")
	case "gpt":
		keep(0, gptHead, "the place of the partition table")
		keep(d.Size&^4095-gptTail, d.Size, "the place of the partition table's backup")
		if why := l.bootGap(disk, first); why != "" {
			keep(0, first, why)
		}
	}
	if l.dynamic(disk) {
		keep(d.Size-ldmTail, ldmTail, "the database of Windows' Logical Disk Manager")
	}
	if array, at, err := sig.ArrayAtEnd(d, d.Size); err != nil || array.Name != "" {
		keep(at, d.Size, "a RAID superblock")
	}
	return out
}

// firstVolume is where the first volume of a disk begins; the disk's size when
// there is none.
func (l *Layout) firstVolume(disk int) int64 {
	first := l.Disks[disk].Size
	for _, v := range l.Volumes {
		if v.Type == "" { // a logical volume: its partition is listed too
			continue
		}
		for _, g := range v.Map {
			if g.Disk == disk {
				first = min(first, g.DiskOffset)
			}
		}
	}
	return first
}

// biosBoot is the type of a partition that holds GRUB's core image.
const biosBoot = "21686148-6449-6E6F-744E-656564454649"

// bootGap says why what lies before the first partition of a disk with a GPT
// must stay: a boot record that has no partition to load its second stage
// from, or the first stage of a board that looks for it at a fixed place.
func (l *Layout) bootGap(disk int, first int64) string {
	d := l.Disks[disk]
	head := make([]byte, 440) // the boot code of an MBR
	if binread.Full(d, "gpt", head, 0) != nil {
		return "the boot record cannot be read"
	}
	grub := false
	for _, v := range l.Volumes {
		grub = grub || v.Type == biosBoot && len(v.Map) > 0 && v.Map[0].Disk == disk
	}
	if len(bytes.Trim(head, "\x00")) > 0 && !grub {
		return "a boot loader may lie before the first partition: there is a boot record, and no BIOS boot partition"
	}
	for _, m := range []struct {
		at    int64
		magic string
	}{
		{8<<10 + 4, "eGON.BT0"}, {128<<10 + 4, "eGON.BT0"}, // Allwinner (U-Boot include/sunxi_image.h)
		{32 << 10, "\x3b\x8c\xdc\xfc"}, // Rockchip, RC4 of 0x0ff0aa55 (U-Boot tools/rkcommon.c)
	} {
		b := make([]byte, len(m.magic))
		if m.at < first && binread.Full(d, "gpt", b, m.at) == nil && string(b) == m.magic {
			return "the boot loader of a board lies before the first partition"
		}
	}
	return ""
}

// dynamic reports whether Windows' Logical Disk Manager has the disk: by the
// type of an MBR's partition or by a private header in sector 6 or the last.
func (l *Layout) dynamic(disk int) bool {
	d := l.Disks[disk]
	for _, v := range l.Volumes {
		if v.Type == "0x42" && len(v.Map) > 0 && v.Map[0].Disk == disk {
			return true
		}
	}
	for _, at := range []int64{6 * 512, d.Size&^511 - 512} {
		b := make([]byte, 8)
		if at >= 0 && binread.Full(d, "ldm", b, at) == nil && string(b) == "PRIVHEAD" {
			return true
		}
	}
	return false
}

// blank reports whether a disk is zero in these ranges, so far as it is worth
// reading: what is longer than maxLook is taken for data.
func blank(d Disk, set span.Set) bool {
	if k, ok := d.ReaderAt.(dataer); ok {
		if known, err := k.Data(); err == nil {
			set = set.Intersect(known)
		}
	}
	if set.Total() > maxLook {
		return false
	}
	buf := make([]byte, 64<<10)
	for _, x := range set {
		for off := x.Off; off < x.End(); off += int64(len(buf)) {
			b := buf[:min(int64(len(buf)), x.End()-off)]
			if n, err := d.ReadAt(b, off); n < len(b) && err != io.EOF || len(bytes.Trim(b[:n], "\x00")) > 0 {
				return false
			}
		}
	}
	return true
}
