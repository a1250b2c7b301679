package unpack

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"assay/internal/artefact/sqlite"
	"assay/internal/binread"
)

// maxTables bounds the tables of one database.
const maxTables = 4096

var errEnough = errors.New("enough") // ends a walk over rows

// A sqliteTable is one row of sqlite_schema.
type sqliteTable struct {
	name    string
	root    uint32
	columns []string
}

// openSQLite gives each table, the schema as one of them, and the pages of the
// freelist. A table that cannot be read (one WITHOUT ROWID is none to the
// reader) is a gap, and then the whole file comes as it is besides.
func openSQLite(w *walker, s *source) error {
	done, err := w.hold(s)
	defer done()
	if err != nil {
		return err
	}
	d, err := sqlite.Open(s.at, s.size, nil, 0)
	if err != nil {
		return err
	}
	tables := []sqliteTable{{"sqlite_schema", 1, []string{"type", "name", "tbl_name", "rootpage", "sql"}}}
	err = d.Rows(1, func(r sqlite.Row) error {
		if t, ok := schemaRow(r); ok {
			tables = append(tables, t)
		}
		if len(tables) > maxTables {
			w.gap(s.path, Limit, 0, "sqlite: more than %d tables; the rest was not read", maxTables)
			return errEnough
		}
		return nil
	})
	failed := err != nil && err != errEnough
	if stop := w.check(); stop != nil {
		return stop
	}
	for _, t := range tables {
		gaps := len(w.gaps) + w.more
		err := w.table(s, SQLite, t.name, Rows, func(emit func([]byte) bool) error { return sqliteRows(d, t, emit) })
		if err != nil {
			return err
		}
		failed = failed || len(w.gaps)+w.more > gaps
	}
	if failed {
		return errReported // so that the file comes as it is
	}
	if err := w.freePages(s); err != nil {
		return err
	}
	return s.skip(s.size - s.pos())
}

// schemaRow reads type, name, tbl_name, rootpage, sql.
func schemaRow(r sqlite.Row) (t sqliteTable, ok bool) {
	if len(r.Values) < 5 || r.Values[0] != "table" {
		return t, false
	}
	t.name, _ = r.Values[1].(string)
	root, _ := r.Values[3].(int64)
	sql, _ := r.Values[4].(string)
	if root < 1 || root > math.MaxUint32 {
		return t, false // a virtual table has no pages of its own
	}
	t.root, t.columns = uint32(root), columns(sql)
	return t, true
}

// columns finds the names in a CREATE TABLE statement: the first word of each
// definition. They are labels: a wrong one harms nothing.
func columns(sql string) (names []string) {
	_, sql, _ = strings.Cut(sql, "(")
	depth, start, quote := 0, 0, byte(0)
	for i := 0; i < len(sql) && depth >= 0 && len(names) < 2000; i++ {
		switch c := sql[i]; {
		case quote != 0:
			if c == quote || quote == '[' && c == ']' {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`' || c == '[':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
		if c := sql[i]; quote == 0 && (depth == 0 && c == ',' || depth < 0) {
			def := strings.TrimLeft(sql[start:i], " \t\r\n")
			names = append(names, word(def))
			start = i + 1
		}
	}
	return names
}

func word(def string) string {
	if def == "" {
		return ""
	}
	end := " \t\r\n(,"
	if strings.IndexByte("\"'`[", def[0]) >= 0 {
		end = strings.Replace(def[:1], "[", "]", 1)
		def = def[1:]
	}
	if i := strings.IndexAny(def, end); i >= 0 {
		def = def[:i]
	}
	return def[:min(len(def), 128)]
}

// sqliteRows renders a table.
func sqliteRows(d *sqlite.DB, t sqliteTable, emit func([]byte) bool) error {
	var line []byte
	err := d.Rows(t.root, func(r sqlite.Row) error {
		line = line[:0]
		for i, v := range r.Values {
			name := ""
			if i < len(t.columns) {
				name = t.columns[i]
			}
			switch v := v.(type) {
			case string:
				line = append(append(append(append(line, name...), '='), v...), '\n')
			case []byte:
				line = append(append(append(append(line, name...), '='), v...), '\n')
			}
		}
		if len(line) > 0 && !emit(append(line, '\n')) {
			return errEnough
		}
		if cap(line) > 1<<20 {
			line = nil
		}
		return nil
	})
	if err == errEnough {
		err = nil
	}
	return err
}

// freePages gives the pages of the freelist (fileformat2, 1.5), which hold
// what was deleted: a run of neighbours is one part.
func (w *walker) freePages(s *source) error {
	h, err := binread.At(s.at, "sqlite", 0, 100, 0)
	if err != nil {
		return err
	}
	size := int64(binary.BigEndian.Uint16(h[16:]))
	if size == 1 {
		size = 65536
	}
	pages := s.size / size
	const most = 1 << 20
	if !w.take(min(pages, most) * 8) {
		return noMemory("the list of free pages", min(pages, most)*8)
	}
	defer w.give(min(pages, most) * 8)
	var free []uint32
	trunk := binary.BigEndian.Uint32(h[32:])
	for n := int64(0); trunk != 0 && int64(trunk) <= pages && n < pages && len(free) < most; n++ {
		if err := w.check(); err != nil {
			return err
		}
		p, err := binread.At(s.at, "sqlite", (int64(trunk)-1)*size, size, 0)
		if err != nil {
			return err
		}
		free = append(free, trunk)
		count := min(int64(binary.BigEndian.Uint32(p[4:])), size/4-2, pages-int64(len(free)))
		for i := range max(count, 0) {
			if leaf := binary.BigEndian.Uint32(p[8+4*i:]); leaf > 0 && int64(leaf) <= pages {
				free = append(free, leaf)
			}
		}
		trunk = binary.BigEndian.Uint32(p)
	}
	slices.Sort(free)
	free = slices.Compact(free)
	for len(free) > 0 {
		n := 1
		for n < len(free) && free[n] == free[0]+uint32(n) {
			n++
		}
		off := (int64(free[0]) - 1) * size
		free = free[n:]
		if err := w.entry(s); err != nil {
			return err
		}
		c := w.section(s, SQLite, "", off, int64(n)*size)
		if c == nil {
			return io.ErrUnexpectedEOF
		}
		c.origin = off
		err := w.part(c, Raw)
		w.release(c)
		if err != nil {
			return err
		}
	}
	return nil
}
