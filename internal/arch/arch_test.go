package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const mod = "assay"

// rooms is a statement of policy, read top to bottom: a room may import the
// rooms named on its line and nothing else of ours. "*" matches one element.
//
// Do not change this table to fix a build: change it when the house changes,
// and say why in HACKING.md.
var rooms = []struct{ room, may string }{
	// vocabulary
	{"finding", ""},
	{"check", "finding"},
	{"policy", ""},
	// bytes
	{"internal/binread", ""},
	{"internal/span", ""},
	{"internal/durable", ""},
	{"internal/disk", "internal/binread internal/span internal/disk/*"},
	{"internal/disk/image", "internal/binread internal/span"},
	{"internal/disk/disktest", "internal/disk/image internal/binread internal/span internal/need"},
	{"internal/disk/*", "internal/disk/image internal/binread internal/span"},
	{"internal/volume", "internal/binread internal/span internal/volume/* finding"},
	{"internal/volume/*", "internal/binread internal/span"},
	{"internal/fsys", "internal/binread internal/span finding"},
	{"internal/fsys/probe", "internal/fsys internal/fsys/* internal/binread"},
	{"internal/fsys/*", "internal/fsys internal/binread internal/span finding"},
	// names
	{"internal/artefact/sam", "internal/binread internal/artefact/regf"}, // accounts and secrets are values of hives
	{"internal/artefact/regf/regftest", ""},                              // a kit that makes hives for tests
	{"internal/artefact/sam/samtest", "internal/artefact/regf/regftest"}, // a kit that makes accounts for tests
	{"internal/artefact/regf/regftest", "internal/artefact/regf internal/binread"},
	{"internal/artefact/*", "internal/binread"},
	{"internal/standin", ""}, // tells a secret from what stands in its place
	{"internal/guest", "internal/fsys internal/fsys/* internal/volume internal/artefact/* internal/binread internal/span finding"},
	{"internal/secret", "finding internal/binread internal/standin internal/artefact/*"},
	{"internal/secret/*", "finding"},
	{"internal/unpack", "internal/unpack/* internal/binread internal/artefact/*"},
	{"internal/unpack/*", "internal/unpack/* internal/binread"},
	{"internal/content", "check finding internal/guest internal/fsys internal/span internal/secret internal/unpack"},
	// judgement
	{"internal/checks", "check internal/guest internal/cloud internal/checks/linux/* internal/checks/any/* internal/checks/windows/* internal/checks/account"},
	{"internal/checks/leftover", "check finding internal/guest internal/fsys"},
	{"internal/checks/credfile", "check finding internal/guest internal/fsys internal/standin internal/artefact/*"},
	{"internal/checks/*/*", "check finding internal/guest internal/fsys internal/artefact/* internal/checks/leftover internal/checks/credfile internal/content internal/secret internal/unpack internal/binread internal/span"},
	{"internal/checktest", "check finding internal/guest internal/fsys internal/fsys/memfs internal/artefact/regf/regftest internal/artefact/sam/samtest internal/plan internal/apply"},
	{"internal/recall", "check finding internal/checks internal/guest internal/fsys internal/fsys/memfs internal/checktest"}, // tests only
	{"internal/checks/account", "check finding policy internal/cloud"},
	// change
	{"internal/plan", "finding"},
	{"internal/needle", ""},
	{"internal/apply", "finding internal/plan internal/guest internal/volume internal/fsys internal/fsys/* internal/artefact/* internal/binread internal/span"},
	{"internal/attest", "finding internal/report"},
	// cloud and running machines
	{"internal/cloud", "policy finding"},
	{"internal/cloud/*", "finding internal/cloud policy"},
	{"internal/remote", "finding"}, // a shell on a running machine: ssh, Cloud Assistant
	{"internal/remote/*", "internal/remote internal/cloud"},
	{"internal/fleet", "finding internal/cloud internal/remote internal/artefact/* internal/durable policy"},
	{"internal/winapi", ""}, // Win32 calls behind one interface
	{"internal/winapi/*", "internal/winapi"},
	// telling
	{"internal/report", "finding"},
	{"internal/report/*", "internal/report finding"},
	{"internal/accept", "finding internal/report"},
	{"internal/iac", "finding internal/report policy"}, // reads code, speaks of checks like a catalogue does
	{"internal/cli", "finding internal/report"},
	// the process
	{"internal/sandbox", ""},
	{"internal/need", ""},
	// front door
	{".", "*"},
	{"cmd/*", ". check finding policy internal/plan internal/attest internal/cloud internal/cloud/* internal/remote internal/remote/* internal/fleet internal/cli internal/report internal/report/* internal/sandbox internal/accept internal/durable"},
	{"internal/demo", ""},
	{"internal/e2e", "internal/need"},
	{"internal/arch", ""},
}

// powers lists what reaches outside the process, and the rooms that may.
var powers = []struct{ pkgs, may string }{
	{"os", ". cmd/* internal/disk internal/fsys/hostfs internal/durable internal/store internal/cli internal/checktest internal/need internal/sandbox internal/demo internal/apply internal/remote internal/remote/* internal/winapi"},
	{"os/exec", "internal/sandbox internal/need internal/demo"},
	{"syscall", "cmd/* internal/sandbox internal/disk internal/fsys/hostfs internal/durable"}, // cmd: the signals that interrupt it; durable: a lock on Windows
	{"unsafe", "internal/winapi"},                                                             // Win32 takes structures by pointer
	{"golang.org/x/sys/windows golang.org/x/sys/windows/registry", "internal/winapi"},
	{"plugin", ""},
	{"net net/http", "internal/cloud/* internal/web internal/remote internal/remote/*"},
	{"log log/slog", "cmd/* internal/web internal/fleet"},
	{"math/rand math/rand/v2 crypto/rand", ". cmd/* internal/attest internal/fleet internal/remote internal/remote/* internal/cloud/* internal/demo internal/winapi"},
	{"golang.org/x/sys/unix", "internal/disk internal/fsys/hostfs internal/sandbox internal/durable internal/cli internal/need"}, // need: processor time, locks
}

// acts lists what no import betrays, and the rooms that may.
var acts = []struct{ act, may string }{
	{"go", ". check internal/content internal/disk internal/disk/* internal/cloud internal/cloud/* internal/remote internal/remote/* internal/fleet internal/web internal/sandbox"}, // start a goroutine
	{"fmt.Print fmt.Println fmt.Printf os.Stdout os.Stderr", "cmd/* internal/cli internal/demo"},                                                                                    // speak
	{"os.Exit log.Fatal log.Fatalf", "cmd/* internal/demo"},                                                                                                                         // end the process
	{"time.Now", ". cmd/* internal/cli internal/sandbox internal/cloud/* internal/remote internal/remote/* internal/fleet internal/need"},                                           // read the clock
}

func in(list, room string) bool {
	for _, pat := range strings.Fields(list) {
		if ok, _ := path.Match(pat, room); ok || pat == "*" && list == "*" {
			return true
		}
	}
	return false
}

// forTests reports whether a room is a kit that only tests import (the map
// grants it to nobody): it may do what tests may.
func forTests(room string) bool { return strings.HasSuffix(room, "test") }

// faults lists everything that one file does and its room may not.
func faults(name, room string, f *ast.File) (out []string) {
	may, found := "", false
	for _, r := range rooms {
		if in(r.room, room) {
			may, found = r.may, true
			break
		}
	}
	if !found {
		return []string{room + ": no such room; add a line to rooms and say what it may import"}
	}
	for _, spec := range f.Imports {
		imp, _ := strconv.Unquote(spec.Path.Value)
		if rest, ours := strings.CutPrefix(imp+"/", mod+"/"); ours {
			if to := path.Clean(rest); !in(may, to) && may != "*" {
				out = append(out, name+": "+room+" may not import "+to)
			}
			continue
		}
		for _, w := range powers {
			if in(w.pkgs, imp) && !in(w.may, room) && !forTests(room) {
				out = append(out, name+": "+room+" may not import "+imp)
			}
		}
	}
	if forTests(room) {
		return out
	}
	ast.Inspect(f, func(n ast.Node) bool {
		act := ""
		switch n := n.(type) {
		case *ast.GoStmt:
			act = "go"
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				act = x.Name + "." + n.Sel.Name
			}
			if n.Sel.Name == "Go" { // WaitGroup.Go, errgroup.Group.Go
				act = "go"
			}
		}
		for _, w := range acts {
			if act != "" && in(w.act, act) && !in(w.may, room) {
				out = append(out, name+": "+room+" may not "+act)
			}
		}
		return true
	})
	return out
}

func TestHouse(t *testing.T) {
	root := filepath.Join("..", "..")
	cards := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() && (base == "testdata" || strings.HasPrefix(base, ".") && len(base) > 2) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if ignored(f) {
			return nil
		}
		rel, _ := filepath.Rel(root, filepath.Dir(name))
		room := filepath.ToSlash(rel)
		cards[filepath.Dir(name)] = cards[filepath.Dir(name)] || f.Doc != nil
		for _, fault := range faults(name, room, f) {
			t.Error(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, ok := range cards {
		if !ok {
			t.Errorf("%s has no room card: write its doc.go", dir)
		}
	}
}

// TestPlanted shows that the map catches what it is there to catch.
func TestPlanted(t *testing.T) {
	for _, c := range []struct{ room, src string }{
		{"internal/fsys/ext4", `import "os"`},
		{"internal/fsys/ext4", `import "assay/internal/fsys/xfs"`},
		{"internal/fsys/ext4", `func f() { go f() }`},
		{"internal/checks/any/ssh", `import "fmt"; func f() { fmt.Println() }`},
		{"internal/checks/any/ssh", `import "assay/internal/checks/linux/account"`},
		{"internal/checks/any/ssh", `import "assay/internal/disk"`},
		{"finding", `import "assay/check"`},
		{"internal/guest", `import "time"; func f() { time.Now() }`},
		{"internal/report/html", `import "net/http"`},
		{"internal/volume", `import "unsafe"`},
		{"internal/secret", `import "sync"; func f() { var g sync.WaitGroup; g.Go(f) }`},
		{"internal/elsewhere", ``},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x;"+c.src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(faults("x.go", c.room, f)) == 0 {
			t.Errorf("%s may %s, says the map", c.room, c.src)
		}
	}
}

// TestLimits holds the house limits: a file has at most 600 lines.
func TestLimits(t *testing.T) {
	root := filepath.Join("..", "..")
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			b, err := os.ReadFile(name)
			if n := strings.Count(string(b), "\n"); err != nil || n > 600 {
				t.Errorf("%s has %d lines (%v)", name, n, err)
			}
		}
		return nil
	})
}

func ignored(f *ast.File) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if g.Pos() < f.Package && strings.HasPrefix(c.Text, "//go:build ignore") {
				return true
			}
		}
	}
	return false
}
