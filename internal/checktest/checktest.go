package checktest

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

// Key is the fingerprint key of all tests.
var Key = []byte("checktest")

// Run tests every check of a catalogue against its testdata: for the check
// "any/ssh/authorized-keys" the files testdata/authorized_keys/*.txtar below
// the catalogue's package. Every check must have at least one file with
// findings and one with decoys that wants none, or both kinds in one file.
//
// A file holds:
//
//	-- in/etc/passwd --      a regular file of the guest
//	-- in64/bin/x --         the same, in base64
//	-- reg/Windows/x --      a registry hive, see regftest.Parse
//	-- machine --            the hives SAM, SYSTEM and SECURITY, a samtest.Machine in JSON
//	-- meta --               lines: PATH key=value…; keys: mode (octal), uid,
//	                         gid, link, kind (dir, fifo, char, block, socket),
//	                         size, nlink, flags (immutable, append), mtime (seconds); %XX in PATH is a byte
//	-- want --               one line a finding: severity path[:line] [@user] anchor | English title
//
// The anchor is "-" when empty. Secrets (lines of the section "secrets") must
// not appear in anything that the check reports. With UPDATE_WANT=1 the want
// section is rewritten: read the change before you commit it.
func Run(t *testing.T, suite []*check.Check[*guest.Guest]) {
	t.Helper()
	if err := check.Validate(suite); err != nil {
		t.Error(err)
	}
	for _, c := range suite {
		name := strings.ReplaceAll(c.ID[strings.LastIndexByte(c.ID, '/')+1:], "-", "_")
		files, _ := filepath.Glob(filepath.Join("testdata", name, "*.txtar"))
		if len(files) == 0 {
			t.Errorf("check %s has no testdata/%s/*.txtar", c.ID, name)
			continue
		}
		found, quiet := false, false
		for _, file := range files {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				n, planted := one(t, c, file)
				found = found || n > 0
				quiet = quiet || planted > n
			})
		}
		if !found || !quiet {
			t.Errorf("check %s: its tests need findings and decoys (finds: %v, decoys: %v)", c.ID, found, quiet)
		}
	}
}

// one runs one file and returns the number of findings and of planted files.
func one(t *testing.T, c *check.Check[*guest.Guest], file string) (findings, planted int) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ar := Parse(string(raw))
	files := Files(t, ar)
	var got, all []string
	var found []finding.Finding
	err = check.Run(context.Background(), guest.New(tree(t, files)), []*check.Check[*guest.Guest]{c}, check.Options{
		Key: Key,
		Report: func(f finding.Finding) {
			got = append(got, line(f))
			found = append(found, f)
			all = append(all, fmt.Sprintf("%+v %+v %+v %+v", f, f.Evidence, f.Fix, f.Reason))
			valid(t, f)
		},
		Gap: func(g finding.Gap) {
			got = append(got, "gap "+string(g.Kind)+" "+quote(g.Where.Path))
			all = append(all, fmt.Sprintf("%+v", g))
			if strings.Contains(g.Detail, "internal error") {
				t.Error(g.Detail)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range strings.Split(strings.TrimSpace(ar["secrets"]), "\n") {
		if s != "" && strings.Contains(strings.Join(all, "\n"), s) {
			t.Errorf("the secret %q leaks into a finding", s)
		}
	}
	slices.Sort(got)
	g, w := strings.Join(got, "\n"), strings.TrimSpace(ar["want"])
	if g != w {
		if os.Getenv("UPDATE_WANT") == "1" {
			update(t, file, string(raw), g)
		}
		t.Errorf("findings:\n%s\nwant:\n%s", g, w)
	}
	fixes(t, c, func() []memfs.File { return Files(t, ar) }, found)
	return len(got), len(files)
}

// valid asks of every finding what a reader needs.
func valid(t *testing.T, f finding.Finding) {
	t.Helper()
	if f.Title.EN == "" || f.Title.ZH == "" {
		t.Errorf("%s: a title is missing in one language: %+v", f.Check, f.Title)
	}
	if f.Fix != nil && (f.Fix.Title.EN == "" || f.Fix.Title.ZH == "") {
		t.Errorf("%s: a fix without its title in both languages", f.Check)
	}
	if f.Fix != nil && !f.Fix.Safe && len(f.Fix.Edits)+len(f.Fix.Redact) > 0 && f.Fix.Risk == nil {
		t.Errorf("%s: an unsafe fix must say what can break", f.Check)
	}
}

func line(f finding.Finding) string {
	s := f.Severity.String() + " " + quote(f.Where.Path)
	if f.Where.Line > 0 {
		s += ":" + strconv.Itoa(f.Where.Line)
	}
	if f.Where.User != "" {
		s += " @" + f.Where.User
	}
	anchor := f.Anchor
	if anchor == "" {
		anchor = "-"
	}
	return s + " " + quote(anchor) + " | " + f.Title.EN
}

// quote shows bytes that would break a line or are not UTF-8 as %XX.
func quote(s string) string {
	var b strings.Builder
	for _, r := range []byte(s) {
		if r <= ' ' || r == '%' || r >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", r)
			continue
		}
		b.WriteByte(r)
	}
	return b.String()
}

func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func update(t *testing.T, file, raw, want string) {
	t.Helper()
	at := strings.Index(raw, "-- want --\n")
	if at < 0 {
		raw, at = raw+"-- want --\n", len(raw)
	}
	rest := raw[at+len("-- want --\n"):]
	tail := ""
	if i := strings.Index("\n"+rest, "\n-- "); i >= 0 {
		tail = rest[i:]
	}
	if want != "" {
		want += "\n"
	}
	if err := os.WriteFile(file, []byte(raw[:at]+"-- want --\n"+want+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Parse splits a txtar archive into its sections.
func Parse(s string) map[string]string {
	m := map[string]string{}
	name := ""
	for l := range strings.Lines(s) {
		if x := strings.TrimSpace(l); strings.HasPrefix(x, "-- ") && strings.HasSuffix(x, " --") {
			name = strings.TrimSpace(x[3 : len(x)-3])
			m[name] = ""
			continue
		}
		if name != "" {
			m[name] += l
		}
	}
	return m
}

// Files makes the tree of an archive.
func Files(t *testing.T, ar map[string]string) []memfs.File {
	t.Helper()
	byPath := map[string]*memfs.File{}
	var order []string
	get := func(p string) *memfs.File {
		if byPath[p] == nil {
			byPath[p] = &memfs.File{Path: p}
			order = append(order, p)
		}
		return byPath[p]
	}
	for n, data := range ar {
		if p, ok := strings.CutPrefix(n, "in/"); ok {
			get("/" + unquote(p)).Data = data
		}
		if p, ok := strings.CutPrefix(n, "in64/"); ok {
			b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), ""))
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			get("/" + unquote(p)).Data = string(b)
		}
	}
	for p, data := range registry(t, ar) {
		get(p).Data = data
	}
	for l := range strings.Lines(ar["meta"]) {
		f := strings.Fields(l)
		if len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			set(t, get(unquote(f[0])), f[1:])
		}
	}
	slices.Sort(order)
	var out []memfs.File
	for _, p := range order {
		out = append(out, *byPath[p])
	}
	return out
}

var kinds = map[string]fsys.Kind{"dir": fsys.Directory, "fifo": fsys.FIFO, "char": fsys.CharDevice,
	"block": fsys.BlockDevice, "socket": fsys.Socket, "file": fsys.Regular}

var flags = map[string]fsys.Flags{"immutable": fsys.Immutable, "append": fsys.AppendOnly}

func set(t *testing.T, f *memfs.File, kv []string) {
	t.Helper()
	for _, x := range kv {
		k, v, _ := strings.Cut(x, "=")
		base := 10
		if k == "mode" {
			base = 8
		}
		n, err := strconv.ParseInt(v, base, 64)
		switch k {
		case "mode":
			f.Meta.Mode = uint16(n)
		case "uid":
			f.Meta.UID = uint32(n)
		case "gid":
			f.Meta.GID = uint32(n)
		case "nlink":
			f.Meta.Nlink = uint32(n)
		case "size":
			f.Size = n
		case "mtime":
			f.Meta.Mtime.Sec = n
		case "link":
			f.Link, err = unquote(v), nil
		case "flags":
			f.Meta.Flags, err = flags[v], nil
		case "kind":
			f.Meta.Kind, err = kinds[v], nil
		default:
			t.Fatalf("meta of %s: unknown key %q", f.Path, k)
		}
		if err != nil {
			t.Fatalf("meta of %s: %v", f.Path, err)
		}
	}
}
