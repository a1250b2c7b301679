package ext4

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// Bounds on what exercise does to one image.
const (
	exerciseNames = 5000
	exerciseBytes = 2 << 20 // of one file
	exerciseTotal = 16 << 20
)

// exercise calls everything that f offers and reports errors that are not of
// the kinds the contract allows.
func exercise(t testing.TB, f *FS) (names, failed int) {
	t.Helper()
	check := func(err error) bool {
		var fe *binread.FormatError
		var ue *binread.UnsupportedError
		if err == nil {
			return true
		}
		failed++
		if !errors.As(err, &fe) && !errors.As(err, &ue) && !errors.Is(err, fsys.ErrNotExist) &&
			!errors.Is(err, fsys.ErrNotDir) && !errors.Is(err, fsys.ErrNotFile) {
			t.Errorf("error %T of a kind of its own: %v", err, err)
		}
		return false
	}
	f.Describe()
	for _, fn := range []func() error{
		func() error { _, err := f.Free(); return err },
		func() error { _, err := f.UnusedInodes(); return err },
		func() error { _, err := f.Journal(); return err },
	} {
		check(fn())
	}
	buf := make([]byte, 256<<10)
	total := 0
	file := func(n fsys.Node) {
		_, err := f.Extents(n)
		check(err)
		_, err = f.Slack(n)
		check(err)
		_, err = f.Xattrs(n)
		check(err)
		c, err := f.Open(n)
		if !check(err) {
			return
		}
		for off := int64(0); off < min(c.Size(), exerciseBytes) && total < exerciseTotal; off += int64(len(buf)) {
			total += len(buf)
			if _, err := c.ReadAt(buf, off); err != io.EOF && !check(err) {
				return
			}
		}
		c.ReadAt(buf[:1], c.Size()-1)
	}
	scanned := 0
	check(f.Scan(func(n fsys.Node, m fsys.Meta) error {
		if scanned++; scanned > exerciseNames {
			return fsys.ErrStop
		}
		file(n)
		return nil
	}))
	seen := map[fsys.Node]bool{}
	var visit func(n fsys.Node)
	visit = func(n fsys.Node) {
		if seen[n] || names > exerciseNames {
			return
		}
		seen[n] = true
		m, err := f.Stat(n)
		if !check(err) {
			return
		}
		switch m.Kind {
		case fsys.Regular:
			file(n)
		case fsys.Symlink:
			_, err := f.Readlink(n)
			check(err)
		case fsys.Directory:
			var below []fsys.Node
			check(f.ReadDir(n, func(e fsys.Entry) error {
				if names++; e.Name == "" || strings.ContainsAny(e.Name, "/\x00") || e.Name == "." || e.Name == ".." {
					t.Errorf("impossible name %q", e.Name)
				}
				if names > exerciseNames {
					return fsys.ErrStop
				}
				below = append(below, e.Node)
				return nil
			}))
			for _, b := range below {
				visit(b)
			}
		}
	}
	visit(f.Root())
	return names, failed
}

// corpusImages unpacks the images of e2fsprogs' own tests into dir.
func corpusImages(t testing.TB, pattern string, each func(name string, img []byte)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(need.Corpus(t, "fs/e2fsprogs"), pattern+"__image.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no images: %v", err)
	}
	for _, p := range files {
		r, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		img, err := io.ReadAll(io.LimitReader(z, 256<<20))
		r.Close()
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		each(strings.TrimSuffix(filepath.Base(p), "__image.gz"), img)
	}
}

// TestCorpus reads the images of e2fsprogs' tests, each broken in one way.
func TestCorpus(t *testing.T) {
	opened, images := 0, 0
	corpusImages(t, "*", func(name string, img []byte) {
		images++
		begin := time.Now()
		f, err := Open(bytes.NewReader(img), int64(len(img)))
		if err != nil {
			t.Logf("%-34s not opened: %v", name, err)
			return
		}
		opened++
		names, failed := exercise(t, f)
		d := f.Describe()
		t.Logf("%-34s %s replayed=%v names=%d errors=%d problems=%v", name, d.Type, d.Replayed, names, failed, d.Problems)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	})
	t.Logf("%d of %d images opened", opened, images)
}

// TestCorpusJournals compares each image with a dirty journal with e2fsck.
func TestCorpusJournals(t *testing.T) {
	need.Tool(t, "e2fsck")
	corpusImages(t, "j_*", func(name string, img []byte) {
		t.Run(name, func(t *testing.T) {
			p := filepath.Join(t.TempDir(), "fs.img")
			if err := os.WriteFile(p, img, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := Open(bytes.NewReader(img), int64(len(img)))
			if err != nil {
				t.Skip(err)
			}
			if f.stale && strings.Contains(f.problems[0].Detail, "fast commits") {
				t.Skip("e2fsck replays fast commits, we say that we do not")
			}
			n := againstE2fsck(t, p)
			t.Logf("%d blocks replayed; %v", n, f.problems)
		})
	})
}
