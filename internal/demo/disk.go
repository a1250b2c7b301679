package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"unicode/utf16"
)

// Fixed ids keep the demo reproducible.
const (
	rootUUID = "5b1c1f3e-7c43-4b0e-9d57-a5a5c0ffee01"
	swapUUID = "5b1c1f3e-7c43-4b0e-9d57-a5a5c0ffee02"
	sector   = 512
	firstLBA = 2048
)

// GUIDs as they lie on the disk: Linux x86-64 root and Linux swap, see the UAPI
// group's Discoverable Partitions Specification.
var (
	typeRoot = [16]byte{0xe3, 0xbc, 0x68, 0x4f, 0xcd, 0xe8, 0xb1, 0x4d, 0x96, 0xe7, 0xfb, 0xca, 0xf9, 0x84, 0xb7, 0x09}
	typeSwap = [16]byte{0x6d, 0xfd, 0x57, 0x06, 0xab, 0xa4, 0xc4, 0x43, 0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f}
)

// disk writes the raw disk: GPT, root, swap with what was in memory.
func (g *generator) disk(out, root string) error {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	rootLBA, swapLBA := int64(firstLBA), int64(firstLBA+rootSize/sector)
	sectors := swapLBA + swapSize/sector + firstLBA
	if err := f.Truncate(sectors * sector); err != nil {
		return err
	}
	in, err := os.Open(root)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := copySparse(f, rootLBA*sector, in); err != nil {
		return err
	}
	if _, err := f.WriteAt(g.swap(), swapLBA*sector); err != nil {
		return err
	}
	var table bytes.Buffer
	table.Write(entry(typeRoot, 1, rootLBA, rootSize/sector, "root"))
	table.Write(entry(typeSwap, 2, swapLBA, swapSize/sector, "swap"))
	table.Write(make([]byte, 128*128-table.Len()))
	for _, w := range []struct {
		at   int64
		data []byte
	}{
		{0, protective(sectors)},
		{1, header(1, sectors-1, 2, sectors, table.Bytes())},
		{2, table.Bytes()},
		{sectors - 33, table.Bytes()},
		{sectors - 1, header(sectors-1, 1, sectors-33, sectors, table.Bytes())},
	} {
		if _, err := f.WriteAt(w.data, w.at*sector); err != nil {
			return err
		}
	}
	return f.Close()
}

func copySparse(to io.WriterAt, at int64, from io.Reader) error {
	buf, zero := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(from, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, err := to.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// protective is the MBR in front of a GPT (UEFI 2.10, 5.2.3).
func protective(sectors int64) []byte {
	b := make([]byte, sector)
	b[446+4] = 0xee
	binary.LittleEndian.PutUint32(b[446+8:], 1)
	binary.LittleEndian.PutUint32(b[446+12:], uint32(sectors-1))
	b[510], b[511] = 0x55, 0xaa
	return b
}

// header is a GPT header (UEFI 2.10, 5.3.2).
func header(self, other, table, sectors int64, entries []byte) []byte {
	b := make([]byte, sector)
	le := binary.LittleEndian
	copy(b, "EFI PART\x00\x00\x01\x00")
	le.PutUint32(b[12:], 92)
	le.PutUint64(b[24:], uint64(self))
	le.PutUint64(b[32:], uint64(other))
	le.PutUint64(b[40:], 34)
	le.PutUint64(b[48:], uint64(sectors-34))
	copy(b[56:], "assay-demo-disk!")
	le.PutUint64(b[72:], uint64(table))
	le.PutUint32(b[80:], 128)
	le.PutUint32(b[84:], 128)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b[:92]))
	return b
}

func entry(kind [16]byte, n byte, first, sectors int64, name string) []byte {
	b := make([]byte, 128)
	copy(b, kind[:])
	copy(b[16:], "assay-demo-part")
	b[31] = n
	binary.LittleEndian.PutUint64(b[32:], uint64(first))
	binary.LittleEndian.PutUint64(b[40:], uint64(first+sectors-1))
	for i, r := range utf16.Encode([]rune(name)) {
		binary.LittleEndian.PutUint16(b[56+2*i:], r)
	}
	return b
}

// swap is a swap area (mkswap's header, include/linux/swap.h) in which pages
// of a process still lie.
func (g *generator) swap() []byte {
	b := make([]byte, 1<<20)
	le := binary.LittleEndian
	le.PutUint32(b[1024:], 1)
	le.PutUint32(b[1028:], swapSize/4096-1)
	for i := range 16 {
		fmt.Sscanf(strings.ReplaceAll(swapUUID, "-", "")[2*i:2*i+2], "%02x", &b[1036+i])
	}
	copy(b[4096-10:], "SWAPSPACE2")
	copy(b[40960:], "POST /login HTTP/1.1\r\nHost: shop.example\r\n\r\nuser=admin&password="+g.token(14))
	return b
}
