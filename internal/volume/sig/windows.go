package sig

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"assay/internal/binread"
)

// bitlocker: OEM name in the boot block. BitLocker To Go looks like FAT and
// carries an identifier at byte 424 instead (libbde, BDE format, section 2).
func bitlocker(w *window) *Content {
	const toGo = "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"
	switch {
	case w.is(3, "-FVE-FS-"):
		return &Content{Name: "bitlocker", Encrypted: true, Refuse: "BitLocker"}
	case w.is(3, "MSWIN4.1") && w.is(424, toGo):
		return &Content{Name: "bitlocker", Encrypted: true, Refuse: "BitLocker To Go"}
	}
	return nil
}

// ntfs: boot block, then record 3 of the MFT for the label ($Volume with its
// attribute $VOLUME_NAME; Linux fs/ntfs3/ntfs.h).
func ntfs(w *window) *Content {
	if !w.is(3, "NTFS    ") {
		return nil
	}
	b := w.buf(0, 512)
	sector, perCluster := int64(b.LE16(11)), int64(b.U8(13))
	if sector < 256 || sector > 4096 || sector&(sector-1) != 0 || perCluster == 0 {
		return nil
	}
	if perCluster > 0x80 { // then it is a negative power of two
		perCluster = 1 << min(256-perCluster, 20)
	}
	c := &Content{Name: "ntfs", UUID: fmt.Sprintf("%016X", b.LE64(72))}
	cluster := sector * perCluster
	record := int64(int8(b.U8(64)))
	switch {
	case record > 0:
		record *= cluster
	case record > -20:
		record = 1 << -record
	}
	mft := b.LE64(48)
	if record < 512 || record > 64<<10 || mft > uint64(w.size/cluster) {
		return c
	}
	c.Label = ntfsLabel(w.buf(int64(mft)*cluster+3*record, record))
	return c
}

func ntfsLabel(b binread.Buf) string {
	if string(b.Bytes(0, 4)) != "FILE" {
		return ""
	}
	const volumeName = 0x60
	for at := int(b.LE16(20)); !b.Over(); {
		typ, n := b.LE32(at), int(b.LE32(at+4))
		if typ > volumeName || n < 24 || n > len(b.B) {
			return ""
		}
		if typ == volumeName && b.U8(at+8) == 0 {
			return utf16LE(b.Bytes(at+int(b.LE16(at+20)), int(min(b.LE32(at+16), 256))))
		}
		at += n
	}
	return ""
}

// exfat: boot block; the label is entry 0x83 of the root directory (exFAT file
// system specification, sections 3.1 and 7.3). Its first cluster is searched.
func exfat(w *window) *Content {
	if !w.is(3, "EXFAT   ") {
		return nil
	}
	b := w.buf(0, 512)
	shift, perCluster := b.U8(108), b.U8(109)
	if shift < 9 || shift > 12 || perCluster > 25-shift {
		return nil
	}
	c := &Content{Name: "exfat", UUID: serial(b.LE32(100))}
	heap, root := int64(b.LE32(88))<<shift, int64(b.LE32(96))
	cluster := int64(1) << (shift + perCluster)
	if root < 2 {
		return c
	}
	dir := w.buf(heap+(root-2)*cluster, min(cluster, 64<<10))
	for at := 0; at < len(dir.B) && dir.U8(at) != 0; at += 32 {
		if dir.U8(at) == 0x83 {
			c.Label = utf16LE(dir.Bytes(at+2, 2*int(min(dir.U8(at+1), 11))))
			break
		}
	}
	return c
}

// serial prints a FAT volume serial number.
func serial(n uint32) string { return fmt.Sprintf("%04X-%04X", n>>16, n&0xffff) }

func utf16LE(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	s, _, _ := strings.Cut(string(utf16.Decode(u)), "\x00")
	return s
}

// fat: a boot block with a plausible BIOS parameter block (Microsoft,
// fatgen103). The label is that of the root directory, not the boot block's,
// which tools leave behind.
func fat(w *window) *Content {
	b := w.buf(0, 512)
	sector, perCluster := int64(b.LE16(11)), int64(b.U8(13))
	reserved, fats, media := int64(b.LE16(14)), int64(b.U8(16)), b.U8(21)
	if sector < 512 || sector > 4096 || sector&(sector-1) != 0 || perCluster == 0 || perCluster&(perCluster-1) != 0 ||
		reserved == 0 || fats == 0 || fats > 2 || media < 0xf8 && media != 0xf0 {
		return nil
	}
	jump := b.U8(0) == 0xeb || b.U8(0) == 0xe9
	if !(w.is(510, "\x55\xaa") && jump) && !w.is(54, "FAT") && !w.is(82, "FAT32") {
		return nil
	}
	c := &Content{Name: "vfat"}
	rootEntries, fatSectors := int64(b.LE16(17)), int64(b.LE16(22))
	if fatSectors != 0 { // FAT12 and FAT16: a root directory of fixed size
		if b.U8(38) == 0x29 || b.U8(38) == 0x28 {
			c.UUID = serial(b.LE32(39))
		}
		c.Label, _ = fatLabel(w.at((reserved+fats*fatSectors)*sector, rootEntries*32))
		return c
	}
	fatSectors = int64(b.LE32(36))
	if fatSectors == 0 {
		return nil
	}
	if b.U8(66) == 0x29 || b.U8(66) == 0x28 {
		c.UUID = serial(b.LE32(67))
	}
	data, cluster := (reserved+fats*fatSectors)*sector, perCluster*sector
	next := int64(b.LE32(44))
	for range 64 { // clusters of the root directory; a loop ends here as well
		if next < 2 || next >= 0x0ffffff7 || data+(next-2)*cluster >= w.size {
			break
		}
		found, end := "", false
		if found, end = fatLabel(w.at(data+(next-2)*cluster, min(cluster, 256<<10))); end {
			c.Label = found
			break
		}
		entry := w.buf(reserved*sector+4*next, 4)
		next = int64(entry.LE32(0) & 0x0fffffff)
	}
	return c
}

// fatLabel searches directory entries for the volume label. end says that
// there is nothing to find further on.
func fatLabel(dir []byte) (name string, end bool) {
	for ; len(dir) >= 32; dir = dir[32:] {
		switch attr := dir[11]; {
		case dir[0] == 0:
			return "", true
		case dir[0] == 0xe5 || attr&0x3f == 0x0f:
		case attr&0x18 == 0x08:
			b := append([]byte(nil), dir[:11]...)
			if b[0] == 0x05 {
				b[0] = 0xe5
			}
			return label(b), true
		}
	}
	return "", false
}
