package sqlite

import (
	"encoding/binary"
	"io"
	"math"

	"assay/internal/binread"
)

const format = "sqlite"

// Bounds on one database.
const (
	maxDepth   = 40       // levels of a b-tree; 20 suffice for 2^31 pages
	maxPayload = 64 << 20 // bytes of one row
	headerSize = 100
)

// A DB is an open database. It is not safe for concurrent use.
type DB struct {
	r        io.ReaderAt
	size     int64
	pageSize int64
	usable   int64 // page size less the reserved bytes at its end
	pages    int64
	wal      io.ReaderAt
	log      map[uint32]int64 // page number to the offset of its newest committed copy in wal
	spill    int64            // overflow pages that the present walk may still read
}

// Open reads the header. wal may be nil; a log that does not belong to the
// database or holds no committed page is as good as none, as for SQLite.
func Open(r io.ReaderAt, size int64, wal io.ReaderAt, walSize int64) (*DB, error) {
	h, err := binread.At(r, format, 0, headerSize, 0)
	if err != nil || string(h[:16]) != "SQLite format 3\x00" {
		return nil, binread.ErrNotMine
	}
	d := &DB{r: r, size: size, pageSize: int64(binary.BigEndian.Uint16(h[16:]))}
	if d.pageSize == 1 {
		d.pageSize = 65536
	}
	if d.pageSize < 512 || d.pageSize&(d.pageSize-1) != 0 {
		return nil, binread.Errorf(format, 16, "page size %d", d.pageSize)
	}
	d.usable = d.pageSize - int64(h[20])
	if d.usable < 480 {
		return nil, binread.Errorf(format, 20, "%d bytes of a page are reserved", h[20])
	}
	if enc := binary.BigEndian.Uint32(h[56:]); enc > 1 {
		return nil, binread.Unsupported(format, "text encoding %d", enc)
	}
	d.pages = size / d.pageSize
	if wal != nil {
		d.readWAL(wal, walSize)
	}
	return d, nil
}

// page reads a page by number, from 1.
func (d *DB) page(n uint32) ([]byte, error) {
	if at, ok := d.log[n]; ok {
		return binread.At(d.wal, format+" wal", at, d.pageSize, 0)
	}
	off := (int64(n) - 1) * d.pageSize
	if n == 0 || int64(n) > d.pages {
		return nil, binread.Errorf(format, max(off, 0), "page %d of %d", n, d.pages)
	}
	return binread.At(d.r, format, off, d.pageSize, 0)
}

// A Row is one row of a table. Values are nil, int64, float64, string or
// []byte.
type Row struct {
	ID     int64
	Values []any
}

// Table calls yield for each row of a table in the order of its ids. An error
// of yield ends it. A table that does not exist has no rows. Rows before a
// damaged page are still given.
func (d *DB) Table(name string, yield func(Row) error) error {
	root := uint32(0)
	err := d.Rows(1, func(r Row) error { // sqlite_schema: type, name, tbl_name, rootpage, sql
		if len(r.Values) >= 4 && r.Values[0] == "table" && r.Values[1] == name {
			if n, ok := r.Values[3].(int64); ok && n > 0 && n <= math.MaxUint32 {
				root = uint32(n)
			}
		}
		return nil
	})
	if err != nil || root == 0 {
		return err
	}
	return d.Rows(root, yield)
}

// Rows calls yield for each row of the table b-tree at a page.
func (d *DB) Rows(root uint32, yield func(Row) error) error {
	d.spill = d.pages + int64(len(d.log)) // an overflow page belongs to one row
	return d.walk(root, 0, map[uint32]bool{}, yield)
}

// walk descends a b-tree. A page is visited once in a whole walk: the tree of
// a sound file has no page twice, and this bounds the work on a broken one.
func (d *DB) walk(n uint32, depth int, seen map[uint32]bool, yield func(Row) error) error {
	off := (int64(n) - 1) * d.pageSize
	if seen[n] || depth > maxDepth {
		return binread.Errorf(format, max(off, 0), "page %d occurs twice in a b-tree, or too deep", n)
	}
	seen[n] = true
	p, err := d.page(n)
	if err != nil {
		return err
	}
	at := 0
	if n == 1 {
		at = headerSize
	}
	kind, cells := p[at], int(binary.BigEndian.Uint16(p[at+3:]))
	header := 8
	if kind == 5 {
		header = 12
	}
	if kind != 5 && kind != 13 {
		return binread.Errorf(format, off, "page %d has type %d, not that of a table", n, kind)
	}
	if at+header+2*cells > len(p) {
		return binread.Errorf(format, off+int64(at)+3, "%d cells on a page", cells)
	}
	for i := range cells {
		c := int(binary.BigEndian.Uint16(p[at+header+2*i:]))
		if int64(c)+4 > d.usable {
			return binread.Errorf(format, off+int64(at+header+2*i), "a cell at %d of its page", c)
		}
		if kind == 5 {
			err = d.walk(binary.BigEndian.Uint32(p[c:]), depth+1, seen, yield)
		} else {
			err = d.leaf(p[:d.usable], c, off, yield)
		}
		if err != nil {
			return err
		}
	}
	if kind == 5 {
		return d.walk(binary.BigEndian.Uint32(p[at+8:]), depth+1, seen, yield)
	}
	return nil
}

// leaf reads one cell of a leaf page: payload size, row id, payload, and the
// first overflow page when the payload does not fit (section 1.6).
func (d *DB) leaf(p []byte, c int, off int64, yield func(Row) error) error {
	size, n1 := varint(p[c:])
	id, n2 := varint(p[min(c+n1, len(p)):])
	if n1 == 0 || n2 == 0 || size < 0 || size > maxPayload {
		return binread.Errorf(format, off+int64(c), "a row of %d bytes", size)
	}
	start := int64(c + n1 + n2)
	local := size
	if limit := d.usable - 35; size > limit {
		least := (d.usable-12)*32/255 - 23
		if local = least + (size-least)%(d.usable-4); local > limit {
			local = least
		}
	}
	if start+local > int64(len(p)) {
		return binread.Errorf(format, off+int64(c), "a row runs over its page")
	}
	body := append([]byte(nil), p[start:start+local]...)
	if local < size {
		if start+local+4 > int64(len(p)) {
			return binread.Errorf(format, off+int64(c), "a row runs over its page")
		}
		rest, err := d.overflow(binary.BigEndian.Uint32(p[start+local:]), size-local)
		if err != nil {
			return err
		}
		body = append(body, rest...)
	}
	values, err := record(body, off+int64(c))
	if err != nil {
		return err
	}
	return yield(Row{id, values})
}

// overflow reads size bytes from a chain of overflow pages. Its length is
// bounded by size and by the pages there are, so a loop ends too.
func (d *DB) overflow(n uint32, size int64) ([]byte, error) {
	var out []byte
	for size > 0 {
		if d.spill--; d.spill < 0 {
			return nil, binread.Errorf(format, (int64(n)-1)*d.pageSize, "overflow pages are used twice")
		}
		p, err := d.page(n)
		if err != nil {
			return nil, err
		}
		take := min(size, d.usable-4)
		out = append(out, p[4:4+take]...)
		size -= take
		n = binary.BigEndian.Uint32(p)
	}
	return out, nil
}

// record decodes the record format (section 2.1).
func record(b []byte, off int64) ([]any, error) {
	broken := func() ([]any, error) { return nil, binread.Errorf(format, off, "a broken record") }
	header, n := varint(b)
	if n == 0 || header < int64(n) || header > int64(len(b)) {
		return broken()
	}
	types, body := b[n:header], b[header:]
	var out []any
	for len(types) > 0 {
		t, n := varint(types)
		if n == 0 || t < 0 {
			return broken()
		}
		types = types[n:]
		size := contentSize(t)
		if size > int64(len(body)) {
			return broken()
		}
		out = append(out, content(t, body[:size]))
		body = body[size:]
	}
	return out, nil
}

func contentSize(t int64) int64 {
	if t >= 12 {
		return (t - 12) / 2
	}
	return []int64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[t]
}

func content(t int64, b []byte) any {
	switch {
	case t == 0 || t == 10 || t == 11:
		return nil
	case t == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case t == 8 || t == 9:
		return t - 8
	case t >= 12 && t%2 == 0:
		return b
	case t >= 13:
		return string(b)
	}
	v := int64(int8(b[0])) // 1 to 6: a signed integer of len(b) bytes
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}

// varint reads SQLite's big-endian variable-length integer. It returns 0 bytes
// read when b ends early.
func varint(b []byte) (int64, int) {
	var v uint64
	for i := 0; i < len(b) && i < 9; i++ {
		if i == 8 {
			return int64(v<<8 | uint64(b[i])), 9
		}
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return int64(v), i + 1
		}
	}
	return 0, 0
}
