package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// skips lists the calls of Skip, Skipf and SkipNow in a file, but for those
// that name the variable which makes the test run.
func skips(name string, f *ast.File, fset *token.FileSet) (out []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok || s.Sel.Name != "Skip" && s.Sel.Name != "Skipf" && s.Sel.Name != "SkipNow" {
			return true
		}
		if len(c.Args) > 0 {
			if why, ok := c.Args[0].(*ast.BasicLit); ok && strings.Contains(why.Value, "ASSAY_") {
				return true
			}
		}
		out = append(out, fset.Position(c.Pos()).String())
		return true
	})
	return out
}

// TestNothingIsSkippedInSilence: a test that misses something says so through
// internal/need, so that ASSAY_REQUIRE=1 makes a failure of it. One that only
// runs when it is asked for names the variable.
func TestNothingIsSkippedInSilence(t *testing.T) {
	const root = "../.."
	fset := token.NewFileSet()
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || name == filepath.Join(root, "internal/need") || strings.HasPrefix(d.Name(), ".") && name != root):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return err
		}
		files++
		for _, at := range skips(name, f, fset) {
			if strings.HasSuffix(name, "_test.go") || forTests(filepath.ToSlash(filepath.Dir(name))) {
				t.Errorf("%s: skips in silence: use internal/need, or name the variable that makes it run", at)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
	for src, n := range map[string]int{
		`t.Skip("no perl")`: 1, `t.Skip(err)`: 1, `t.SkipNow()`: 1, `b.Skipf("no %s", x)`: 1,
		`t.Skip("runs with ASSAY_SOAK=1")`: 0, `need.Tool(t, "perl")`: 0,
	} {
		f, err := parser.ParseFile(fset, "x.go", "package x; func f() { "+src+" }", 0)
		if err != nil || len(skips("x.go", f, fset)) != n {
			t.Errorf("%s: %v, want %d", src, err, n)
		}
	}
}
