package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		out = append(out, e.Name())
	}
	return out
}

func TestWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	f, err := Create(name, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Fatal("stands under its name before Commit")
	}
	f.Abort()
	if n := names(t, dir); len(n) != 0 {
		t.Fatalf("debris %v", n)
	}
	if err := WriteFile(name, []byte("one"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(name, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	info, _ := os.Stat(name)
	if err != nil || string(b) != "two" || info.Mode().Perm() != 0o600 || len(names(t, dir)) != 1 {
		t.Fatalf("%q, %v, %v, %v", b, err, info.Mode(), names(t, dir))
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", ".", "missing/x"} {
		if err := WriteFile(filepath.Join(dir, name), nil, 0o600); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if n := names(t, dir); len(n) != 1 {
		t.Errorf("debris %v", n)
	}
}
