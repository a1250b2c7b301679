package unpack

import (
	"context"
	"io"
)

// Kind says what the bytes of a Part are.
type Kind uint8

const (
	// File is one file, as a program that opens it would read it.
	File Kind = iota
	// Raw is what a container holds outside of its entries, or where its
	// structure is broken. It may begin and end in the middle of anything.
	Raw
	// Rows is one table of a database: a line "column=value" for each text and
	// blob value, an empty line after each row. Its offsets are those of this
	// rendering, not of the database file.
	Rows
	// Journal is the fields of a systemd journal: a line "FIELD=value" for each
	// distinct value, in the order of the file. Its offsets are those of this
	// rendering. A value may hold line breaks of its own.
	Journal
)

func (k Kind) String() string {
	switch k {
	case Raw:
		return "raw"
	case Rows:
		return "rows"
	case Journal:
		return "journal"
	}
	return "file"
}

// A Part is one stream found in the file.
type Part struct {
	// Path is the name given to Walk, then "!/" and the entry's name for each
	// archive on the way: "app.war!/WEB-INF/lib/a.jar!/application.yml". The
	// names are those of the archive, shortened to 1 KiB each: they may hold
	// "..", NUL and control bytes.
	Path string
	// Via lists the formats that were opened on the way, outermost first:
	// "gzip+tar". It is empty for a file that is no container.
	Via  string
	Kind Kind
	// Size is the number of bytes Reader gives, or -1 when that is not known
	// before it was read. It is never a promise.
	Size int64
	// Base is the offset of Reader's first byte in the file that Path names
	// (after decompression). It is 0 unless Kind is Raw.
	Base int64
	// Reader gives the bytes. It is valid only during the call of visit, which
	// need not read to the end. Its only errors are io.EOF and the context's:
	// where bytes are damaged it ends, and Walk returns a gap.
	Reader io.Reader
	// At gives the same bytes at random where that costs nothing (the file
	// itself, a stored entry of an archive), and is nil otherwise.
	At io.ReaderAt
}

// GapKind is the reason why something was not unpacked.
type GapKind string

const (
	Limit       GapKind = "limit"       // over one of Limits, or refused as a bomb
	Encrypted   GapKind = "encrypted"   // no key
	Unsupported GapKind = "unsupported" // recognised, not read
	Corrupt     GapKind = "corrupt"     // the structure is broken
)

// A Gap is what was not looked at.
type Gap struct {
	Path   string // as Part.Path
	Kind   GapKind
	Offset int64  // in the file that Path names, or where the entry begins in its archive; -1 when none fits
	Detail string // what and why
}

// Limits bound one walk. A zero field means its default.
type Limits struct {
	Depth   int   // containers within each other; default 8
	Ratio   int64 // bytes that one byte may become; default 1000
	Floor   int64 // bytes that may come out whatever the ratio; default 64 MiB
	Total   int64 // bytes that decoders may give in one walk, all levels added; default 16 GiB
	Entries int   // entries of all archives; default 1,000,000
	Memory  int64 // bytes of windows, dictionaries and buffers; default 32 MiB
}

// maxGaps bounds how many gaps one walk names; a last one counts the others.
const maxGaps = 100

// maxName is the longest name of an entry that is shown.
const maxName = 1024

func (l Limits) withDefaults() Limits {
	set := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	if l.Depth <= 0 {
		l.Depth = 8
	}
	if l.Entries <= 0 {
		l.Entries = 1_000_000
	}
	set(&l.Ratio, 1000)
	set(&l.Floor, 64<<20)
	set(&l.Total, 16<<30)
	set(&l.Memory, 32<<20)
	return l
}

// Walk calls visit for every part of the file, and returns what it could not
// unpack. A file that is no container is one part whose Reader and At are the
// file. The error is that of visit or of the context; nothing found in the
// file is an error. The bytes of a recognised container that cannot be opened
// (too deep, not supported, a database over the memory) are given as they are,
// besides the gap.
func Walk(ctx context.Context, name string, r io.ReaderAt, size int64, limits Limits, visit func(Part) error) ([]Gap, error) {
	w := &walker{ctx: ctx, lim: limits.withDefaults(), visit: visit}
	w.left = w.lim.Total
	if size < w.lim.Total/w.lim.Ratio {
		w.left = min(w.lim.Total, max(w.lim.Floor, size*w.lim.Ratio))
	}
	w.mem = w.lim.Memory
	s := w.atSource(name, r, size)
	err := w.open(s)
	w.release(s)
	if w.more > 0 {
		w.gaps = append(w.gaps, Gap{name, w.moreKind, -1, plural(w.more, "further gap") + " in this file"})
	}
	if err == errSpent {
		err = nil
	}
	return w.gaps, err
}
