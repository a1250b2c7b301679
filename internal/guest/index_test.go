package guest

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
)

// many plants n files in directories of 20, with names that repeat.
func many(n int) []memfs.File {
	ext := []string{"txt", "pem", "log", "so.1", "py"}
	files := make([]memfs.File, n)
	for i := range files {
		d := i / 20
		files[i] = text(fmt.Sprintf("/usr/share/p%d/d%d/f%d.%s", d%50, d, i%(n/2+1), ext[i%len(ext)]), "x")
	}
	return files
}

func TestIndexAgainstWalk(t *testing.T) {
	g := plant(append(many(400), text("/x/id_rsa", "k"), text("/id_rsa", "k"), text("/x/id_rsa.pub", "k"), text("/x/.pem", ""),
		memfs.File{Path: "/x/ln.pem", Link: "/nowhere"}, text("/x/a[b", "x"))...)
	x := g.Index()
	patterns := []string{"*.pem", "id_*", "id_rsa", "*", "f1*", "f?.txt", "f*5.txt", "*[0-3].log", "a[", "nothing", "", "ln*", "*_rsa*"}
	for i, p := range patterns {
		set := []string{p, patterns[(i+3)%len(patterns)]}
		var want []string
		err := g.Tree.Walk("/", func(name string, _ fsys.Place, e fsys.Entry, err error) error {
			for _, p := range set {
				if ok, _ := path.Match(p, e.Name); ok {
					want = append(want, name)
					break
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range x.Like(set...) {
			got = append(got, x.Path(f))
			if _, resolved, err := g.Tree.Lookup(x.Path(f), false); err != nil || resolved != x.Path(f) {
				t.Errorf("%s: %v", x.Path(f), err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %d, want %d: %.200q %.200q", set, len(got), len(want), got, want)
		}
	}
	if n := x.Named("id_rsa"); len(n) != 2 || x.Path(n[0]) != "/id_rsa" || x.Path(n[1]) != "/x/id_rsa" {
		t.Errorf("Named: %+v", n)
	}
}

func TestIndexFaults(t *testing.T) {
	bad := errors.New("bad directory block")
	g := plant(text("/a/b", "x"), memfs.File{Path: "/broken/", Err: bad}, text("/c", "x"))
	x := g.Index()
	if len(x.Faults) != 1 || x.Faults[0].Where.Path != "/broken" || len(x.Named("c")) != 1 {
		t.Errorf("%+v", x.Faults)
	}
}

func TestIndexLive(t *testing.T) {
	tree := memfs.Tree(text("/proc/1/environ", "x"), text("/etc/proc/environ", "x"), text("/run/a/environ", "x"))
	g := New(tree)
	g.Live = true
	if n := g.Index().Named("environ"); len(n) != 1 {
		t.Errorf("live: %+v", n)
	}
	if m, _ := g.Match("/**/environ", "/**/a/environ"); len(m) != 1 {
		t.Errorf("live match: %+v", m)
	}
	if n := New(tree).Index().Named("environ"); len(n) != 3 {
		t.Errorf("image: %+v", n)
	}
}

func TestMatch(t *testing.T) {
	g := plant(
		text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1:1::/home/bob:/bin/sh\n"),
		text("/root/.ssh/id_rsa", "k"), text("/root/.ssh/keys/deep/id_rsa", "k"), text("/home/bob/.bash_history", "ls"),
		text("/home/bob/.zsh_history", ""), text("/etc/skel/.bash_history", "x"),
		text("/var/log/a.log", "x"), text("/var/log/sub/b.log", "x"), text("/var/log/sub/sub/c.txt", "x"),
		memfs.File{Path: "/var/alias", Link: "log"}, memfs.File{Path: "/var/log/ln.log", Link: "a.log"},
		text("/opt/x/.git/config", "x"), text("/opt/x/y/.git/config", "x"), memfs.File{Path: "/loop", Link: "/loop"},
	)
	for _, c := range []struct{ patterns, want string }{
		{"~/.*_history", "/home/bob/.bash_history@bob /home/bob/.zsh_history@bob /etc/skel/.bash_history@+"},
		{"~/.ssh/id_*", "/root/.ssh/id_rsa@root"},
		{"~/.ssh/**/id_rsa", "/root/.ssh/id_rsa@root /root/.ssh/keys/deep/id_rsa@root"},
		{"/var/log/*.log", "/var/log/a.log@ /var/log/ln.log@"},
		{"/var/alias/*.log", "/var/log/a.log@ /var/log/ln.log@"},
		{"/var/log/**/*.log", "/var/log/a.log@ /var/log/ln.log@ /var/log/sub/b.log@"},
		{"/var/log/sub/**", "/var/log/sub/b.log@ /var/log/sub/sub@ /var/log/sub/sub/c.txt@"},
		{"/**/.git/config", "/opt/x/.git/config@ /opt/x/y/.git/config@"},
		{"/**/config", "/opt/x/.git/config@ /opt/x/y/.git/config@"},
		{"/opt/**/.git/*", "/opt/x/.git/config@ /opt/x/y/.git/config@"},
		{"/**/**/b.log", "/var/log/sub/b.log@"},
		{"/var/log/a.log /var/log/*.log", "/var/log/a.log@ /var/log/ln.log@"},
		{"/loop/x /nothing /etc/passwd/x", ""},
		{"/loop", "/loop@"},
	} {
		ms, whole := g.Match(strings.Fields(c.patterns)...)
		var got []string
		for _, m := range ms {
			skel := ""
			if m.Skel {
				skel = "+"
			}
			got = append(got, m.Path+"@"+m.User+skel)
		}
		if s := strings.Join(got, " "); s != c.want || !whole {
			t.Errorf("%s:\ngot  %s\nwant %s", c.patterns, s, c.want)
		}
	}
	if f := g.Files("~/.*_history"); len(f) != 2 {
		t.Errorf("Files: %+v", f)
	}
}

func BenchmarkIndex200k(b *testing.B) {
	tree := memfs.Tree(many(200_000)...)
	var before, after runtime.MemStats
	g := New(tree)
	g.Tree.Walk("/", func(string, fsys.Place, fsys.Entry, error) error { return nil }) // fill the tree's cache
	for b.Loop() {
		g = New(tree)
		runtime.GC()
		runtime.ReadMemStats(&before)
		g.Index()
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/200_000, "B/file")
	runtime.KeepAlive(g)
}

func BenchmarkMatch200k(b *testing.B) {
	g := plant(many(200_000)...)
	g.Index()
	for _, p := range []string{"/**/*.pem", "/**/id_*", "/usr/**/x/y", "/usr/share/*/d1*/f1*"} {
		b.Run(strings.ReplaceAll(p, "/", "_"), func(b *testing.B) {
			for b.Loop() {
				g.Match(p)
			}
		})
	}
}
