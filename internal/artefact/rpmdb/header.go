package rpmdb

import (
	"bytes"
	"strings"

	"assay/internal/binread"
)

const format = "rpm header"

// Bounds of one header (rpm's own are 64 KiB entries and 256 MiB of data).
const (
	maxEntries = 1 << 16
	maxFiles   = 1 << 20
)

// Tags, from rpmtag.h.
const (
	tagName        = 1000
	tagVersion     = 1001
	tagRelease     = 1002
	tagPreIn       = 1023
	tagPostIn      = 1024
	tagOldNames    = 1027
	tagFileStates  = 1029
	tagFileDigests = 1035
	tagFileFlags   = 1037
	tagDirIndexes  = 1116
	tagBaseNames   = 1117
	tagDirNames    = 1118
	tagDigestAlgo  = 5011
)

// Types of an entry's data, from rpmtag.h.
const (
	typeChar   = 1 // file states
	typeInt8   = 2
	typeInt16  = 3
	typeInt32  = 4
	typeString = 6
	typeArray  = 8
	typeI18N   = 9
)

// fileConfig is RPMFILE_CONFIG of rpmfiles.h.
const fileConfig = 1

// algos are the digest algorithms of OpenPGP (RFC 4880, 9.4) that rpm uses.
var algos = map[uint32]string{1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}

// A Package is what a header says that anybody asks for.
type Package struct {
	Name, Version, Release string
	Algo                   string // of the files' digests: "md5", "sha256", …; "" for one that is not known
	Files                  []File
	Scripts                []string // before and after installation
}

// A File is one file that is installed: those of another architecture's
// colour and those that another package replaced are left out.
type File struct {
	Path   string
	Digest string // hex as rpm keeps it; "" for what has no content
	Config bool
}

// header is a blob: the number of entries and of data bytes, then the entries,
// 16 bytes each, then the data (header.c).
type header struct {
	entries map[uint32]entry
	data    []byte
}

type entry struct {
	kind, offset, count uint32
}

// Parse reads a header blob as it is stored in a database.
func Parse(blob []byte) (Package, error) {
	b := binread.Buf{B: blob}
	il, dl := int64(b.BE32(0)), int64(b.BE32(4))
	if il == 0 || il > maxEntries || 8+16*il+dl > int64(len(blob)) {
		return Package{}, binread.Errorf(format, 0, "%d entries and %d bytes of data in a header of %d bytes", il, dl, len(blob))
	}
	h := header{map[uint32]entry{}, blob[8+16*il : 8+16*il+dl]}
	for i := range int(il) {
		at := 8 + 16*i
		h.entries[b.BE32(at)] = entry{b.BE32(at + 4), b.BE32(at + 8), b.BE32(at + 12)}
	}
	p := Package{Name: h.text(tagName), Version: h.text(tagVersion), Release: h.text(tagRelease), Algo: "md5"}
	if p.Name == "" {
		return p, binread.Errorf(format, 0, "a package without a name")
	}
	if a := h.numbers(tagDigestAlgo); len(a) > 0 {
		p.Algo = algos[a[0]]
	}
	for _, tag := range []uint32{tagPreIn, tagPostIn} {
		if s := h.text(tag); s != "" {
			p.Scripts = append(p.Scripts, s)
		}
	}
	p.Files = h.files()
	return p, nil
}

func (h header) files() []File {
	names := h.strings(tagOldNames) // before rpm 4.0
	bases, dirs, index := h.strings(tagBaseNames), h.strings(tagDirNames), h.numbers(tagDirIndexes)
	digests, flags, states := h.strings(tagFileDigests), h.numbers(tagFileFlags), h.numbers(tagFileStates)
	out := make([]File, 0, max(len(bases), len(names)))
	add := func(i int, path string) {
		if i < len(states) && states[i] != 0 || !strings.HasPrefix(path, "/") {
			return
		}
		f := File{Path: path}
		if i < len(digests) {
			f.Digest = digests[i]
		}
		f.Config = i < len(flags) && flags[i]&fileConfig != 0
		out = append(out, f)
	}
	for i, name := range names {
		add(i, name)
	}
	for i, base := range bases {
		if i < len(index) && int64(index[i]) < int64(len(dirs)) {
			add(i, dirs[index[i]]+base)
		}
	}
	return out
}

// text returns a string, or the first of an array.
func (h header) text(tag uint32) string {
	if s := h.strings(tag); len(s) > 0 {
		return s[0]
	}
	return ""
}

func (h header) strings(tag uint32) []string {
	e, ok := h.entries[tag]
	if !ok || int64(e.offset) > int64(len(h.data)) {
		return nil
	}
	n := min(e.count, maxFiles)
	switch e.kind {
	case typeString:
		n = 1
	case typeArray, typeI18N:
	default:
		return nil
	}
	var out []string
	for rest := h.data[e.offset:]; n > 0; n-- {
		s, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			break
		}
		out = append(out, string(s))
		rest = after
	}
	return out
}

func (h header) numbers(tag uint32) []uint32 {
	e, ok := h.entries[tag]
	if !ok {
		return nil
	}
	size := map[uint32]int64{typeChar: 1, typeInt8: 1, typeInt16: 2, typeInt32: 4}[e.kind]
	if size == 0 || int64(e.offset)+size*int64(min(e.count, maxFiles)) > int64(len(h.data)) {
		return nil
	}
	b := binread.Buf{B: h.data}
	out := make([]uint32, min(e.count, maxFiles))
	for i := range out {
		at := int(int64(e.offset) + size*int64(i))
		switch size {
		case 1:
			out[i] = uint32(b.U8(at))
		case 2:
			out[i] = uint32(b.BE16(at))
		default:
			out[i] = b.BE32(at)
		}
	}
	return out
}
