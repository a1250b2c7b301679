//go:build linux

package btrfs

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// tryAll uses everything an Editor can do, on the files that a scan finds.
func tryAll(p *patched) error {
	e, err := NewEditor(p, p.size)
	if err != nil {
		return err
	}
	var files []fsys.Node
	e.Scan(func(n fsys.Node, m fsys.Meta) error {
		if files = append(files, n); len(files) > 100 {
			return fsys.ErrStop
		}
		return nil
	})
	for i, n := range files {
		room, _ := e.Room(n)
		switch i % 4 {
		case 0:
			e.Blank(n)
		case 1:
			e.Replace(n, make([]byte, min(room, 5000)))
		case 2:
			e.Overwrite(n, 3, []byte("other"))
		case 3:
			e.Clear(n, 1, 100)
		}
	}
	if _, err := e.Commit(); err != nil {
		return nil // a damaged file is named when it is met
	}
	e.Scrub()
	return nil
}

// knownEdit tells whether an error is one that NewEditor may return.
func knownEdit(err error) bool {
	return errors.Is(err, fsys.ErrUnsafe) || known(err)
}

// TestEditMutations has editors meet damaged trees whose checksums are right.
func TestEditMutations(t *testing.T) {
	base := small(t, "-m", "single")
	if err := tryAll(base.clone()); err != nil {
		t.Fatal(err)
	}
	nodes, _ := metadata(t, base)
	r := rand.New(rand.NewPCG(5, 5))
	opened := 0
	for i := range 400 {
		p := base.clone()
		off := nodes[r.IntN(len(nodes))]
		p.set(off+100+int64(r.IntN(pageSize-100)), byte(r.Uint32()))
		mend(p.pages[off])
		within(t, 10*time.Second, func() {
			if err := tryAll(p); err == nil {
				opened++
			} else if !knownEdit(err) {
				t.Errorf("round %d: an error of no known type: %v", i, err)
			}
		})
	}
	if opened < 40 {
		t.Errorf("only %d mutants opened", opened)
	}
}

// FuzzEdit is FuzzOpen for editors.
func FuzzEdit(f *testing.F) {
	base := small(f, "-m", "single")
	nodes, _ := metadata(f, base)
	f.Add([]byte{0, 100, 0, 0})
	f.Add([]byte{9, 96, 0, 0, 10, 130, 15, 7})
	f.Fuzz(func(t *testing.T, in []byte) {
		p := base.clone()
		for ; len(in) >= 4; in = in[4:] {
			off := nodes[int(in[0])%len(nodes)]
			p.set(off+(int64(in[1])|int64(in[2])<<8)%pageSize, in[3])
			mend(p.pages[off])
		}
		if err := tryAll(p); err != nil && !knownEdit(err) {
			t.Errorf("an error of no known type: %v", err)
		}
	})
}

// TestEditRefuses has superblocks that say that nothing may be written.
func TestEditRefuses(t *testing.T) {
	base := small(t, "-m", "single")
	for name, c := range map[string]struct {
		at int64
		b  byte
	}{
		"seed device":        {56 + 4, 1},
		"unknown compat_ro":  {180, 1 << 6},
		"unknown incompat":   {188 + 3, 1},
		"log tree":           {96 + 2, 1},
		"several devices":    {136, 2},
		"bytes used differ":  {120 + 2, 0x33},
		"device is too long": {209 + 5, 1},
	} {
		p := base.clone()
		p.set(superOffsets[0]+c.at, c.b)
		mend(p.pages[superOffsets[0]])
		_, err := NewEditor(p, p.size)
		var un *binread.UnsupportedError
		if !errors.Is(err, fsys.ErrUnsafe) && !errors.As(err, &un) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewEditor(&patched{size: 1 << 20, pages: map[int64][]byte{}}, 1<<20); !errors.Is(err, binread.ErrNotMine) {
		t.Errorf("zeros: %v", err)
	}
}

// TestZeroLZO reads the stream of zeros with another decoder than wrote it.
func TestZeroLZO(t *testing.T) {
	for _, sector := range []int{4096, 65536} {
		b := make([]byte, 65536)
		zeroLZO(b, 131072, sector)
		got, err := unpackLZO(b, 131072, sector)
		if err != nil || len(got) != 131072 || !allZero(got) || allZero(b) {
			t.Errorf("sectors of %d: %d bytes, %v", sector, len(got), err)
		}
	}
}

// TestAfterScrub has an editor refuse to go on.
func TestAfterScrub(t *testing.T) {
	p := small(t, "-m", "single")
	e, err := NewEditor(p, p.size)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	if err := e.Blank(find(t, e.FS, "a/inline")); err == nil {
		t.Error("a change after Scrub")
	}
	if _, err := e.Commit(); err == nil || err == io.EOF {
		t.Error("a Commit after Scrub")
	}
}
