package sqlite

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/need"
)

// rows prints a table the way the query in TestAgainstSQLite does.
func rows(d *DB) (string, error) {
	var b strings.Builder
	err := d.Table("t", func(r Row) error {
		fmt.Fprint(&b, r.ID)
		for _, v := range r.Values {
			switch x := v.(type) {
			case nil:
				b.WriteString("|NULL")
			case []byte:
				b.WriteString("|x" + strings.ToUpper(hex.EncodeToString(x)))
			case string:
				b.WriteString("|'" + x + "'")
			default:
				fmt.Fprintf(&b, "|%v", x)
			}
		}
		b.WriteByte('\n')
		return nil
	})
	return b.String(), err
}

const script = `CREATE TABLE other(a); INSERT INTO other VALUES(1);
CREATE TABLE t(a, b, c);
INSERT INTO t VALUES(0, 1, -1), (127, -32768, 8388607), (-2147483648, 140737488355327, -9223372036854775808), (NULL, 2.5, 'text'), ('', x'', 1.0);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, 'row ' || i, zeroblob(i % 50) FROM n;
INSERT INTO t VALUES(1, 'big', randomblob(300000)), (2, hex(randomblob(2000)), randomblob(5000));
DELETE FROM t WHERE a % 7 = 3;
`

const query = `SELECT rowid || '|' || CASE typeof(a) WHEN 'null' THEN 'NULL' WHEN 'blob' THEN 'x' || hex(a) WHEN 'text' THEN '''' || a || '''' ELSE a END
 || '|' || CASE typeof(b) WHEN 'null' THEN 'NULL' WHEN 'blob' THEN 'x' || hex(b) WHEN 'text' THEN '''' || b || '''' ELSE b END
 || '|' || CASE typeof(c) WHEN 'null' THEN 'NULL' WHEN 'blob' THEN 'x' || hex(c) WHEN 'text' THEN '''' || c || '''' WHEN 'real' THEN CAST(c AS INT) ELSE c END FROM t ORDER BY rowid;`

func open(t *testing.T, name string) *DB {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := os.ReadFile(name + "-wal")
	var wal *bytes.Reader
	d, err := (*DB)(nil), error(nil)
	if w == nil {
		d, err = Open(bytes.NewReader(b), int64(len(b)), nil, 0)
	} else {
		wal = bytes.NewReader(w)
		d, err = Open(bytes.NewReader(b), int64(len(b)), wal, int64(len(w)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAgainstSQLite(t *testing.T) {
	tool := need.Tool(t, "sqlite3")
	for _, size := range []int{512, 1024, 4096, 65536} {
		for _, mode := range []string{"DELETE", "WAL"} {
			name := filepath.Join(t.TempDir(), "x.db")
			sql := fmt.Sprintf("PRAGMA page_size=%d; PRAGMA journal_mode=%s;\n%s", size, mode, script)
			if mode == "WAL" { // without a checkpoint, so that rows are in the log only
				sql = fmt.Sprintf("PRAGMA page_size=%d; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; .filectrl persist_wal 1\n", size) +
					".dbconfig no_ckpt_on_close on\n" + script + "BEGIN; UPDATE t SET b='changed' WHERE a=5; COMMIT; BEGIN; DELETE FROM t; ROLLBACK;\n"
				sql = strings.Replace(sql, "; .filectrl", ";\n.filectrl", 1)
			}
			need.Run(t, tool, name, "VACUUM")
			cmd := exec.Command(tool, name)
			cmd.Stdin = strings.NewReader(sql)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			d := open(t, name)
			if mode == "WAL" && len(d.log) == 0 {
				t.Error("the log has no pages: the test does not test it")
			}
			got, err := rows(d)
			if err != nil {
				t.Errorf("page size %d, %s: %v", size, mode, err)
			}
			out, err := exec.Command(tool, name, query).Output()
			if err != nil {
				t.Fatal(err)
			}
			if got != string(out) || strings.Count(got, "\n") < 2000 {
				t.Errorf("page size %d, %s: %d rows differ from sqlite's %d\n%.300s\n%.300s", size, mode, strings.Count(got, "\n"), strings.Count(string(out), "\n"), got, out)
			}
		}
	}
}

// TestTorn cuts and spoils the log: rows of a commit of several frames that is
// not whole must not show.
func TestTorn(t *testing.T) {
	tool := need.Tool(t, "sqlite3")
	name := filepath.Join(t.TempDir(), "x.db")
	cmd := exec.Command(tool, name)
	cmd.Stdin = strings.NewReader("PRAGMA journal_mode=WAL;\nCREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n.dbconfig no_ckpt_on_close on\nINSERT INTO t VALUES(2),(zeroblob(20000));\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w, err := os.ReadFile(name + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	frame := frameHeader + 4096
	spoiled := bytes.Clone(w)
	spoiled[len(w)-1] ^= 1
	for what, log := range map[string][]byte{"spoiled": spoiled, "cut": w[:len(w)-frame], "cut in a frame": w[:len(w)-10]} {
		if err := os.WriteFile(name+"-wal", log, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := rows(open(t, name)); err != nil || got != "1|1\n" {
			t.Errorf("%s: %.40q, %v", what, got, err)
		}
	}
}

func TestNotMine(t *testing.T) {
	if _, err := Open(strings.NewReader("hello"), 5, nil, 0); !errors.Is(err, binread.ErrNotMine) {
		t.Error(err)
	}
}

func FuzzSQLite(f *testing.F) {
	if p, err := exec.LookPath("sqlite3"); err == nil {
		name := filepath.Join(f.TempDir(), "x.db")
		cmd := exec.Command(p, name)
		cmd.Stdin = strings.NewReader("PRAGMA page_size=512; CREATE TABLE t(a); INSERT INTO t VALUES(1),('a'),(randomblob(900)),(zeroblob(400)),(zeroblob(400));\n")
		_ = cmd.Run()
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b, []byte{})
		}
	}
	f.Fuzz(func(t *testing.T, b, wal []byte) {
		d, err := Open(bytes.NewReader(b), int64(len(b)), bytes.NewReader(wal), int64(len(wal)))
		if err != nil {
			return
		}
		_, _ = rows(d)
		_ = d.Rows(2, func(Row) error { return nil })
	})
}
