package unpack

import (
	"bytes"
	"encoding/binary"
)

// Format is what the first bytes of a stream say that it is.
type Format uint8

// The formats that Sniff tells apart.
const (
	Plain Format = iota
	Gzip
	Bzip2
	XZ
	LZMA
	Zstd
	LZ4
	Zip
	Tar
	Cpio
	Ar
	RPM
	SQLite
	SystemdJournal
	SevenZip // from here on: recognised, not read
	RAR
	Cabinet
	SquashFS
	Lzip
	Lzop
	Compress
	maybeZip // a program or script, which may have a zip after it
)

var formatNames = [...]string{"plain", "gzip", "bzip2", "xz", "lzma", "zstd", "lz4", "zip", "tar", "cpio", "ar", "rpm",
	"sqlite", "journal", "7z", "rar", "cab", "squashfs", "lzip", "lzop", "compress", "plain"}

func (f Format) String() string { return formatNames[f] }

// Container reports whether Walk looks for other files inside of it for sure;
// behind a program there may be a zip.
func (f Format) Container() bool { return f != Plain && f != maybeZip }

// stored reports whether entries lie in the container as they are, so that the
// rest of a broken one is worth reading.
func (f Format) stored() bool {
	switch f {
	case Zip, Tar, Cpio, Ar, RPM, SQLite, SystemdJournal:
		return true
	}
	return false
}

// SniffLen is how many bytes Sniff looks at.
const SniffLen = 512

// Sniff says what a stream is by its first SniffLen bytes, or fewer where it is
// shorter. It allocates nothing. A stream that Walk would give as one part is
// Plain, save that a program or script is not, as a zip may follow it.
func Sniff(b []byte) Format {
	if len(b) < 6 {
		return Plain
	}
	switch b[0] {
	case 0x1f:
		switch {
		case b[1] == 0x8b && b[2] == 8 && b[3]&0xe0 == 0: // RFC 1952, 2.3
			return Gzip
		case b[1] == 0x9d && b[2]&0x60 == 0 && b[2]&0x1f >= 9 && b[2]&0x1f <= 16: // compress(1)
			return Compress
		}
	case 'B':
		if string(b[:3]) == "BZh" && b[3] >= '1' && b[3] <= '9' && len(b) >= 10 &&
			(string(b[4:10]) == "1AY&SY" || string(b[4:10]) == "\x17\x72\x45\x38\x50\x90") {
			return Bzip2
		}
	case 0xfd:
		if string(b[:6]) == "\xfd7zXZ\x00" {
			return XZ
		}
	case 0x28, 0x02, 0x04, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 'L', 'h':
		if f := sniffWord(b); f != Plain {
			return f
		}
	}
	if f := sniffArchive(b); f != Plain {
		return f
	}
	if isTar(b) {
		return Tar
	}
	switch {
	case string(b[:2]) == "#!", string(b[:2]) == "MZ", string(b[:4]) == "\x7fELF":
		return maybeZip
	}
	return Plain
}

// sniffWord knows the formats whose magic is a little-endian word, and LZMA.
func sniffWord(b []byte) Format {
	m := binary.LittleEndian.Uint32(b)
	switch {
	case m == 0xfd2fb528, m&0xfffffff0 == 0x184d2a50 && len(b) >= 8: // RFC 8878, 3.1
		return Zstd
	case m == 0x184d2204, m == 0x184c2102: // lz4_Frame_format.md; the legacy one, of the kernel
		return LZ4
	case m == 0x04034b50, m == 0x06054b50 && len(b) >= 22: // APPNOTE 4.3.7, 4.3.16
		return Zip
	case string(b[:5]) == "LZIP\x01":
		return Lzip
	case string(b[:4]) == "hsqs":
		return SquashFS
	case isLZMA(b):
		return LZMA
	}
	return Plain
}

// isLZMA knows an .lzma header as xz does, by the values that real files have:
// it has no magic.
func isLZMA(b []byte) bool {
	if len(b) < 18 || b[0] != 0x5d || b[13] != 0 { // lc=3 lp=0 pb=2; the range coder's first byte
		return false
	}
	dict := binary.LittleEndian.Uint32(b[1:])
	if dict < 4096 || dict&(dict-1) != 0 && dict&(dict-1)&((dict&(dict-1))-1) != 0 {
		return false // neither 2^n nor 2^n + 2^m
	}
	size := binary.LittleEndian.Uint64(b[5:])
	return size == ^uint64(0) || size < 1<<38
}

func sniffArchive(b []byte) Format {
	switch b[0] {
	case '0':
		if string(b[:4]) == "0707" && isCpio(b) {
			return Cpio
		}
	case 0xc7, 0x71:
		if isOldCpio(b) {
			return Cpio
		}
	case '!':
		if bytes.HasPrefix(b, []byte("!<arch>\n")) {
			return Ar
		}
	case 0xed:
		if string(b[:4]) == "\xed\xab\xee\xdb" && len(b) >= 112 && (b[4] == 3 || b[4] == 4) {
			return RPM
		}
	case 'S':
		if bytes.HasPrefix(b, []byte("SQLite format 3\x00")) {
			return SQLite
		}
	case 'L':
		if bytes.HasPrefix(b, []byte("LPKSHHRH")) {
			return SystemdJournal
		}
	case '7':
		if string(b[:6]) == "7z\xbc\xaf\x27\x1c" {
			return SevenZip
		}
	case 'R':
		if string(b[:6]) == "Rar!\x1a\x07" {
			return RAR
		}
	case 'M':
		if bytes.HasPrefix(b, []byte("MSCF\x00\x00\x00\x00")) {
			return Cabinet
		}
	case 0x89:
		if bytes.HasPrefix(b, []byte("\x89LZO\x00\r\n\x1a\n")) {
			return Lzop
		}
	}
	return Plain
}

// isTar knows a tar by the checksum of its first header, which every kind has
// (POSIX.1-1988, 10.1.1); some writers summed signed bytes.
func isTar(b []byte) bool {
	if len(b) < 512 || b[0] == 0 || b[148] != ' ' && (b[148] < '0' || b[148] > '7') {
		return false
	}
	want, digits := int64(0), 0
	for _, c := range b[148:156] {
		if c >= '0' && c <= '7' {
			want, digits = want<<3|int64(c-'0'), digits+1
		} else if c != ' ' || digits > 0 {
			break
		}
	}
	if digits < 4 { // six are usual; one digit fits too many files of random bytes
		return false
	}
	var unsigned, signed int64
	for i, c := range b[:512] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}
