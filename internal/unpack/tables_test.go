package unpack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"assay/internal/need"
)

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "a.db")
	need.Run(t, "sqlite3", db, `PRAGMA secure_delete=0; CREATE TABLE users(id INTEGER PRIMARY KEY, "pass word" TEXT, note BLOB, n NUMERIC(4,2) DEFAULT(1));
CREATE TABLE gone(a); CREATE VIEW v AS SELECT 'view-secret';
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<5000) INSERT INTO users SELECT i, 'secret-'||i, CAST('blob'||i AS BLOB), i FROM c;
INSERT INTO users VALUES(9999, replace(hex(zeroblob(50000)),'00','xy'), NULL, 1);
INSERT INTO gone SELECT 'deleted-'||id FROM users; DROP TABLE gone;`)
	b := read(t, db)
	g := walk(t, "a.db", b, Limits{})
	want := need.Run(t, "sqlite3", db, `SELECT CASE WHEN note IS NULL THEN '' ELSE 'note='||note||char(10) END, "pass word" FROM users ORDER BY id`)
	var w strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(want, "\n"), "\n") { // "note=…", "|pass" or "|pass"
		if note, ok := strings.CutPrefix(line, "note="); ok {
			w.WriteString("\x01" + note)
			continue
		}
		w.WriteString("\x02" + strings.TrimPrefix(line, "|") + "\n")
	}
	got := string(g.data["rows a.db!/users"])
	if strings.Count(got, "\n\n") != 5001 || !strings.Contains(got, "pass word=secret-77\nnote=blob77\n\n") || !strings.Contains(got, "pass word="+strings.Repeat("xy", 50000)+"\n\n") {
		t.Errorf("rows: %d bytes %.200q", len(got), got)
	}
	for i := 1; i <= 5000; i++ {
		if !strings.Contains(w.String(), fmt.Sprintf("\x01blob%d\x02secret-%d\n", i, i)) {
			t.Fatal("the oracle lacks row", i)
		}
	}
	if !strings.Contains(string(g.data["rows a.db!/sqlite_schema"]), "view-secret") {
		t.Error("no schema")
	}
	raw := ""
	for k, v := range g.data {
		if strings.HasPrefix(k, "raw a.db") {
			raw += string(v)
		}
	}
	if !strings.Contains(raw, "deleted-4000") || len(g.gaps) > 0 {
		t.Errorf("%d raw bytes, gaps %v", len(raw), g.gaps)
	}
	sh(t, dir, "gzip -k a.db", "gzip")
	z := walk(t, "a.db.gz", read(t, db+".gz"), Limits{})
	if z.parts["rows a.db.gz!/users"] != g.parts["rows a.db!/users"] {
		t.Errorf("packed: %v %v", z.parts, z.gaps)
	}
	need.Run(t, "sqlite3", db, `CREATE TABLE w(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID; INSERT INTO w VALUES('a','odd-secret')`)
	g = walk(t, "a.db", read(t, db), Limits{})
	if !bytes.Contains(g.data["raw a.db"], []byte("odd-secret")) || len(g.gaps) != 1 {
		t.Errorf("without rowid: %v", g.gaps)
	}
}

func TestColumns(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE t(a, b TEXT,c)":                        "a|b|c",
		"CREATE TABLE \"t\" (\n [a b] INT, `c,d` X(1,2), e":  "a b|c,d",
		"CREATE TABLE t(a DEFAULT 'x,y)', PRIMARY KEY(a,b))": "a|PRIMARY",
		"CREATE TABLE t": "", "": "",
	} {
		if got := strings.Join(columns(sql), "|"); got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}

// remote is the tool of systemd that writes journals from exported entries.
func remote(t testing.TB) string {
	t.Helper()
	for _, p := range []string{"/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return need.Tool(t, "systemd-journal-remote")
}

func TestJournal(t *testing.T) {
	need.Tool(t, "journalctl")
	tool := remote(t)
	dir := t.TempDir()
	var in strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&in, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=0123456789abcdef0123456789abcdef\nPRIORITY=%d\n_CMDLINE=mysql -p%d\n", 1600000000000000+i, i+1, i%7, i%50)
		msg := fmt.Sprintf("message %d password=%x", i, i*7919)
		if i%40 == 0 {
			msg += string(bytes.ReplaceAll(noise(3000+i, uint32(i)), []byte("\n"), nil))
		}
		fmt.Fprintf(&in, "MESSAGE=%s\n\n", msg)
	}
	src := filepath.Join(dir, "in")
	if err := os.WriteFile(src, []byte(in.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ compress, compact string }{{"yes", "0"}, {"yes", "1"}, {"no", "0"}, {"no", "1"}} {
		out := filepath.Join(dir, c.compress+c.compact+".journal")
		cmd := exec.Command("sh", "-ec", tool+" --compress="+c.compress+" -o "+out+" - <"+src)
		cmd.Env = append(os.Environ(), "SYSTEMD_JOURNAL_COMPACT="+c.compact)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, b)
		}
		checkJournal(t, out, 0)
	}
	for kind, pack := range map[byte]string{1: "xz --check=none -c", 2: "lz4 -9 -q -c --no-frame-crc -B7"} {
		for _, compact := range []string{"0", "1"} {
			out := filepath.Join(dir, "no"+compact+".journal")
			b := read(t, out)
			repack(t, b, kind, pack)
			out += fmt.Sprint(kind)
			if err := os.WriteFile(out+".journal", b, 0o644); err != nil {
				t.Fatal(err)
			}
			checkJournal(t, out+".journal", 0)
		}
	}
}

// repack packs the long fields of a journal where they lie, as older systemd
// did: journalctl must still read it, and is asked.
func repack(t *testing.T, b []byte, kind byte, pack string) {
	t.Helper()
	head := 64
	if b[12]&16 != 0 {
		head = 72
	}
	b[12] |= kind
	n := 0
	for off := int(le64(b[88:])); off+16 < len(b); {
		size := int(le64(b[off+8:]))
		if size == 0 {
			break
		}
		if b[off] == 1 && size > 2000 && b[off+1] == 0 {
			cmd := exec.Command("sh", "-ec", pack)
			cmd.Stdin = bytes.NewReader(b[off+head : off+size])
			p, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if kind == 2 { // a frame of one block: its length at 7, its bytes at 11, an end mark
				blk := p[11 : 11+int(uint32(p[7])|uint32(p[8])<<8|uint32(p[9])<<16|uint32(p[10]&0x7f)<<24)]
				if p[10]&0x80 != 0 {
					t.Fatal("not compressed")
				}
				plain := uint64(size - head)
				p = make([]byte, 8, 8+len(blk))
				for i := range 8 {
					p[i] = byte(plain >> (8 * i))
				}
				p = append(p, blk...)
			}
			if len(p) < size-head {
				clear(b[off+head : off+size])
				copy(b[off+head:], p)
				b[off+1] = kind
				for i := range 8 {
					b[off+8+i] = byte(uint64(head+len(p)) >> (8 * i))
				}
				n++
			}
		}
		off += (size + 7) &^ 7
	}
	if n < 20 {
		t.Fatalf("%d fields repacked", n)
	}
}

func le64(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

// checkJournal compares the distinct fields with what journalctl exports.
func checkJournal(t *testing.T, path string, gaps int) {
	t.Helper()
	cmd := exec.Command("journalctl", "--file", path, "-o", "export", "--no-pager", "-a")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, line := range strings.Split(string(out), "\n") {
		if line != "" && !strings.HasPrefix(line, "__") {
			want[line] = true
		}
	}
	g := walk(t, "j", read(t, path), Limits{})
	got := map[string]bool{}
	for _, line := range strings.Split(string(g.data["journal j"]), "\n") {
		if line != "" {
			got[line] = true
		}
	}
	var miss []string
	for k := range want {
		if !got[k] {
			miss = append(miss, fmt.Sprintf("%.60q", k))
		}
	}
	sort.Strings(miss)
	if len(want) < 2000 || len(miss) > 0 || len(got) != len(want) || len(g.gaps) != gaps {
		t.Errorf("%s: journalctl has %d fields, we have %d; missing %d %.5v; gaps %v", filepath.Base(path), len(want), len(got), len(miss), miss, g.gaps)
	}
}
