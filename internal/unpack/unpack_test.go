package unpack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"assay/internal/need"
)

// got is what a walk gave: the digest of each part by its path, and the gaps.
type got struct {
	parts map[string]string // "kind path" to digest
	data  map[string][]byte
	gaps  []Gap
}

func walk(t testing.TB, name string, b []byte, lim Limits) got {
	t.Helper()
	g := got{parts: map[string]string{}, data: map[string][]byte{}}
	gaps, err := Walk(context.Background(), name, bytes.NewReader(b), int64(len(b)), lim, func(p Part) error {
		key := p.Kind.String() + " " + p.Path
		v, err := io.ReadAll(p.Reader)
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if p.At != nil {
			v2, err := io.ReadAll(io.NewSectionReader(p.At, 0, p.Size))
			if err != nil || !bytes.Equal(v, v2) {
				t.Errorf("%s: At gives other bytes (%v)", key, err)
			}
		}
		for g.parts[key] != "" {
			key += "'"
		}
		g.parts[key], g.data[key] = digest(v), v
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	g.gaps = gaps
	return g
}

func digest(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:8]) }

// sample makes a folder of files of many sizes and returns their bytes.
func sample(t testing.TB) (dir string, files map[string][]byte) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "in")
	files = map[string][]byte{}
	for i, n := range []int{1, 511, 512, 513, 4095, 4096, 70_000, 1_000_000} {
		name := fmt.Sprintf("d%d/file-%d.txt", i%3, n)
		files[name] = noise(n, uint32(i))
	}
	for name, b := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

// noise is text that compresses by about a half.
func noise(n int, seed uint32) []byte {
	b := make([]byte, n)
	x := seed*2654435761 + 12345
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = "abcdefgh =\npasswd"[x>>24%16]
		if i > 100 && x>>28 == 3 {
			b[i] = b[i-97]
		}
	}
	return b
}

// same compares the files that came out with those that went in.
func (g got) same(t *testing.T, prefix string, files map[string][]byte, gaps int) {
	t.Helper()
	for name, b := range files {
		key := "file " + prefix + name
		if g.parts[key] != digest(b) {
			t.Errorf("%s: %d bytes, want %d", key, len(g.data[key]), len(b))
		}
	}
	if len(g.parts) != len(files) {
		var names []string
		for k, v := range g.data {
			names = append(names, fmt.Sprintf("%s (%d)", k, len(v)))
		}
		sort.Strings(names)
		t.Errorf("%d parts, want %d:\n%s", len(g.parts), len(files), strings.Join(names, "\n"))
	}
	if len(g.gaps) != gaps {
		t.Errorf("gaps %v, want %d", g.gaps, gaps)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sh runs a script in a folder.
func sh(t testing.TB, dir, script string, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		need.Tool(t, tool)
	}
	need.Run(t, "sh", "-ec", "cd '"+dir+"'; "+script)
}

func TestTar(t *testing.T) {
	dir, files := sample(t)
	for _, format := range []string{"v7", "ustar", "pax", "gnu", "oldgnu"} {
		out := filepath.Join(t.TempDir(), "a.tar")
		sh(t, dir, "tar --format="+format+" -cf "+out+" d0 d1 d2; gzip -k "+out, "tar", "gzip")
		walk(t, "a.tar", read(t, out), Limits{}).same(t, "a.tar!/", files, 0)
		walk(t, "a.tar.gz", read(t, out+".gz"), Limits{}).same(t, "a.tar.gz!/", files, 0)
	}
}

func TestZip(t *testing.T) {
	dir, files := sample(t)
	for _, opt := range []string{"-9", "-0", "-1 -fd", "-fz"} {
		out := filepath.Join(t.TempDir(), "a.zip")
		sh(t, dir, "zip -q -r "+opt+" "+out+" d0 d1 d2; gzip -k "+out, "zip", "gzip")
		walk(t, "a.zip", read(t, out), Limits{}).same(t, "a.zip!/", files, 0)
		walk(t, "a.zip.gz", read(t, out+".gz"), Limits{}).same(t, "a.zip.gz!/", files, 0)
	}
}
