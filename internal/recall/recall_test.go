package recall

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/checks"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

// A row is one line of the catalogue.
type row struct {
	id     string
	checks []string // that cover it; none where reason says why
	reason string   // why no check covers it, or why it is not planted here
}

func table(t *testing.T, name string, columns int) (out [][]string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		f := strings.Split(l, "\t")
		for len(f) < columns { // empty fields at the end may be trimmed
			f = append(f, "")
		}
		if len(f) != columns {
			t.Fatalf("%s:%d: %d fields, want %d", name, i+1, len(f), columns)
		}
		if i > 0 {
			out = append(out, f)
		}
	}
	return out
}

func catalogue(t *testing.T) (out []row) {
	t.Helper()
	for _, f := range table(t, "catalogue.tsv", 4) {
		r := row{id: f[0], reason: f[3]}
		if f[2] != "-" {
			r.checks = strings.Split(f[2], ",")
		}
		out = append(out, r)
	}
	return out
}

// The catalogue and the Covers of the checks say the same.
func TestCatalogue(t *testing.T) {
	covers := map[string][]string{}
	for _, c := range checks.Machine {
		for _, r := range c.Covers {
			if linuxRow(r) {
				covers[r] = append(covers[r], c.ID)
			}
		}
	}
	listed := map[string]bool{}
	for _, r := range catalogue(t) {
		if listed[r.id] {
			t.Errorf("row %s is listed twice", r.id)
		}
		listed[r.id] = true
		got := covers[r.id]
		slices.Sort(got)
		if !slices.Equal(got, r.checks) {
			t.Errorf("row %s: covered by %v, the catalogue says %v", r.id, got, r.checks)
		}
		if len(r.checks) == 0 && r.reason == "" {
			t.Errorf("row %s: neither a check nor a reason", r.id)
		}
	}
	for r, by := range covers {
		if !listed[r] {
			t.Errorf("checks %v cover row %s, which the catalogue does not know", by, r)
		}
	}
	for group, n := range rows {
		for i := 1; i <= n; i++ {
			if id := group + "-" + strconv.Itoa(1000 + i)[1:]; !listed[id] {
				t.Errorf("row %s is not listed", id)
			}
		}
	}
}

// rows is how many rows each group of the catalogue has.
var rows = map[string]int{"ACC": 33, "SSH": 20, "HIS": 21, "CLD": 25, "APP": 40, "LOG": 28, "TMP": 25, "IDN": 43, "DBD": 13, "IMG": 10}

func linuxRow(id string) bool {
	group, _, _ := strings.Cut(id, "-")
	return rows[group] > 0
}

// A plant is one planted instance of a row.
type plant struct{ row, path string }

// plants reads testdata/plants.tsv: row ("+" for a file that only belongs to
// the scene), path, content as a Go string; no content names a file that
// another line plants.
func plants(t *testing.T) (out []plant, files []memfs.File) {
	t.Helper()
	private, public := keys(t)
	fill := strings.NewReplacer("{{KEY}}", private, "{{PUB}}", public, "{{SWAP}}", swap())
	at := map[string]int{}
	for _, f := range table(t, "plants.tsv", 3) {
		if f[0] != "+" {
			out = append(out, plant{f[0], f[1]})
		}
		if f[2] == "" {
			continue
		}
		data, err := strconv.Unquote(f[2])
		if err != nil {
			t.Fatalf("%s %s: %v", f[0], f[1], err)
		}
		if _, twice := at[f[1]]; twice {
			t.Fatalf("%s is planted twice", f[1])
		}
		at[f[1]] = len(files)
		files = append(files, memfs.File{Path: f[1], Data: fill.Replace(data)})
	}
	files[at["/root/.ssh/authorized_keys"]].Meta.Flags = fsys.Immutable
	files[at["/home/deploy/.ssh/id_ed25519"]].Meta.Nlink = 2
	files = append(files, memfs.File{Path: "/home/twin/.ssh", Link: "/data/ssh"}, memfs.File{Path: "/data/ssh/authorized_keys", Data: public + "\n"})
	for _, d := range []string{"/home/open", "/home/old", "/home/ecs-user"} {
		files = append(files, memfs.File{Path: d, Meta: fsys.Meta{Kind: fsys.Directory}})
	}
	return out, files
}

// keys makes a key pair, as PEM and as a line of authorized_keys.
func keys(t *testing.T) (private, public string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, said"))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	blob := "\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + string(key.Public().(ed25519.PublicKey))
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "ssh-ed25519 " + base64.StdEncoding.EncodeToString([]byte(blob))
}

// swap is a swap file that holds a page of somebody's memory.
func swap() string {
	header := make([]byte, 4096)
	header[1024] = 1 // version, then last_page (mkswap(8))
	header[1028] = 3
	copy(header[4086:], "SWAPSPACE2")
	return string(header) + strings.Repeat("secret page ", 1024)
}

// Every planted instance is named by a finding of a check that covers its row.
func TestPlants(t *testing.T) {
	list, files := plants(t)
	byCheck := map[string][]finding.Finding{}
	err := check.Run(context.Background(), guest.New(memfs.Tree(files...)), checks.Machine, check.Options{
		Key:    []byte("recall"),
		Report: func(f finding.Finding) { byCheck[f.Check] = append(byCheck[f.Check], f) },
		Gap: func(g finding.Gap) {
			if strings.Contains(g.Detail, "internal error") {
				t.Errorf("%s: %s", g.Check, g.Detail)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	planted := map[string]bool{}
	covered := map[string][]string{}
	for _, r := range catalogue(t) {
		covered[r.id] = r.checks
	}
	for _, p := range list {
		planted[p.row] = true
		found := ""
		for _, id := range covered[p.row] {
			for _, f := range byCheck[id] {
				if names(f, p.path) {
					found = cmp.Or(found, id)
				}
			}
		}
		if found == "" {
			t.Errorf("row %s: nothing of %v names %s", p.row, covered[p.row], p.path)
		}
	}
	for _, r := range catalogue(t) {
		if !planted[r.id] && r.reason == "" {
			t.Errorf("row %s: neither planted nor a reason why not", r.id)
		}
	}
	t.Logf("%d plants of %d rows", len(list), len(planted))
}

// names reports whether a finding leads to a file: by its path, by one of its
// places, or by a directory where the finding is about a directory as a whole.
func names(f finding.Finding, name string) bool {
	if f.Where.Path == name {
		return true
	}
	for _, w := range f.Places {
		if w.Path == name {
			return true
		}
	}
	return len(f.Places) == 0 && strings.HasPrefix(name, f.Where.Path+"/")
}
