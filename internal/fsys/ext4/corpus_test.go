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

// An exerciser calls everything that an FS offers, within bounds.
type exerciser struct {
	t             testing.TB
	f             *FS
	buf           []byte
	names, failed int
	total         int64 // bytes read
	seen          map[fsys.Node]bool
}

// exercise reports errors that are not of the kinds the contract allows.
func exercise(t testing.TB, f *FS) (names, failed int) {
	t.Helper()
	x := exerciser{t: t, f: f, buf: make([]byte, 256<<10), seen: map[fsys.Node]bool{}}
	f.Describe()
	_, err := f.Free()
	x.ok(err)
	_, err = f.UnusedInodes()
	x.ok(err)
	_, err = f.Journal()
	x.ok(err)
	scanned := 0
	x.ok(f.Scan(func(n fsys.Node, m fsys.Meta) error {
		if scanned++; scanned > exerciseNames {
			return fsys.ErrStop
		}
		x.file(n)
		return nil
	}))
	x.visit(f.Root())
	return x.names, x.failed
}

func (x *exerciser) ok(err error) bool {
	if err == nil {
		return true
	}
	x.failed++
	var fe *binread.FormatError
	var ue *binread.UnsupportedError
	if !errors.As(err, &fe) && !errors.As(err, &ue) && !errors.Is(err, fsys.ErrNotExist) &&
		!errors.Is(err, fsys.ErrNotDir) && !errors.Is(err, fsys.ErrNotFile) {
		x.t.Errorf("error %T of a kind of its own: %v", err, err)
	}
	return false
}

func (x *exerciser) file(n fsys.Node) {
	_, err := x.f.Extents(n)
	x.ok(err)
	_, err = x.f.Slack(n)
	x.ok(err)
	_, err = x.f.Xattrs(n)
	x.ok(err)
	c, err := x.f.Open(n)
	if !x.ok(err) {
		return
	}
	for off := int64(0); off < min(c.Size(), exerciseBytes) && x.total < exerciseTotal; off += int64(len(x.buf)) {
		x.total += int64(len(x.buf))
		if _, err := c.ReadAt(x.buf, off); err != io.EOF && !x.ok(err) {
			return
		}
	}
	c.ReadAt(x.buf[:1], c.Size()-1)
}

func (x *exerciser) visit(n fsys.Node) {
	if x.seen[n] || x.names > exerciseNames {
		return
	}
	x.seen[n] = true
	m, err := x.f.Stat(n)
	if !x.ok(err) {
		return
	}
	switch m.Kind {
	case fsys.Regular:
		x.file(n)
	case fsys.Symlink:
		_, err := x.f.Readlink(n)
		x.ok(err)
	case fsys.Directory:
		var below []fsys.Node
		x.ok(x.f.ReadDir(n, func(e fsys.Entry) error {
			if x.names++; e.Name == "" || strings.ContainsAny(e.Name, "/\x00") || e.Name == "." || e.Name == ".." {
				x.t.Errorf("impossible name %q", e.Name)
			}
			if x.names > exerciseNames {
				return fsys.ErrStop
			}
			below = append(below, e.Node)
			return nil
		}))
		for _, b := range below {
			x.visit(b)
		}
	}
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
		begin := need.CPU()
		f, err := Open(bytes.NewReader(img), int64(len(img)))
		if err != nil {
			t.Logf("%-34s not opened: %v", name, err)
			return
		}
		opened++
		names, failed := exercise(t, f)
		d := f.Describe()
		t.Logf("%-34s %s replayed=%v names=%d errors=%d problems=%v", name, d.Type, d.Replayed, names, failed, d.Problems)
		if took := need.CPU() - begin; took > 5*time.Second {
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
				t.Logf("not opened: %v", err) // broken on purpose
				return
			}
			if f.stale && strings.Contains(f.problems[0].Detail, "fast commits") {
				t.Log("e2fsck replays fast commits, we say that we do not")
				return
			}
			n := againstE2fsck(t, p)
			t.Logf("%d blocks replayed; %v", n, f.problems)
		})
	})
}
