package ext4

import (
	"context"
	"os/exec"
	"path/filepath"

	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// An abuser does to a file system, which may be hostile, whatever an editor
// can do.
type abuser struct {
	t     testing.TB
	e     *Editor
	ops   []byte
	next  int
	names int
	seen  map[fsys.Node]bool
}

func (a *abuser) op() byte {
	if len(a.ops) == 0 {
		return 0
	}
	a.next++
	return a.ops[a.next%len(a.ops)]
}

// ok reports errors of kinds that the contract does not know.
func (a *abuser) ok(err error) bool {
	if err == nil {
		return true
	}
	var fe *binread.FormatError
	var ue *binread.UnsupportedError
	for _, known := range []error{fsys.ErrCannot, fsys.ErrNoRoom, fsys.ErrNotExist, fsys.ErrNotDir, fsys.ErrNotFile} {
		if errors.Is(err, known) {
			return false
		}
	}
	if !errors.As(err, &fe) && !errors.As(err, &ue) {
		a.t.Errorf("error %T of a kind of its own: %v", err, err)
	}
	return false
}

func (a *abuser) file(n fsys.Node) {
	e := a.e
	room, err := e.Room(n)
	if !a.ok(err) {
		room = 10
	}
	room = min(room, 1<<20)
	m, err := e.Stat(n)
	a.ok(err)
	switch op := a.op(); op % 6 {
	case 0:
		a.ok(e.Blank(n))
	case 1:
		a.ok(e.Replace(n, bytes.Repeat([]byte{op}, int(room)*int(a.op())/255)))
	case 2:
		a.ok(e.Overwrite(n, m.Size*int64(a.op())/256, []byte("over")))
	case 3:
		a.ok(e.Clear(n, 0, m.Size))
	}
}

func (a *abuser) dir(n fsys.Node) {
	if a.seen[n] || a.names > 400 {
		return
	}
	a.seen[n] = true
	var all []fsys.Entry
	a.ok(a.e.ReadDir(n, func(x fsys.Entry) error {
		if a.names++; a.names > 400 {
			return fsys.ErrStop
		}
		all = append(all, x)
		return nil
	}))
	for _, x := range all {
		m, err := a.e.Stat(x.Node)
		if a.ok(err) && m.Kind == fsys.Directory {
			a.dir(x.Node)
		} else if err == nil && m.Kind == fsys.Regular {
			a.file(x.Node)
		}
		if a.op()%3 == 0 {
			a.ok(a.e.Remove(n, x.Name))
		}
	}
}

// surviveEdits edits a hostile image. What an editor accepts once it must
// accept again when it is done.
func surviveEdits(t testing.TB, img []byte, ops []byte) bool {
	t.Helper()
	begin := need.CPU()
	size := int64(len(img))
	p := &memPatch{img}
	e, err := NewEditor(p, size)
	if err != nil {
		if !errors.Is(err, fsys.ErrUnsafe) && err != binread.ErrNotMine {
			t.Errorf("NewEditor: %v", err)
		}
		return false
	}
	a := abuser{t: t, e: e, ops: ops, seen: map[fsys.Node]bool{}}
	a.dir(e.Root())
	if _, err := e.Commit(); err != nil {
		t.Errorf("Commit: %v", err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Errorf("Scrub: %v", err)
	}
	if _, err := NewEditor(p, size); err != nil {
		t.Errorf("again: %v", err)
	}
	if took := need.CPU() - begin; took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	return true
}

// TestEditMutations edits images of which some bytes are random.
func TestEditMutations(t *testing.T) {
	images := smallImages(t)
	rng := rand.New(rand.NewPCG(3, 4))
	values := []byte{0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF}
	end := time.Now().Add(4 * time.Second)
	rounds, edited := 0, 0
	for ; time.Now().Before(end); rounds++ {
		img := bytes.Clone(images[rounds%len(images)])
		for range rng.IntN(5) {
			at := rng.IntN(len(img))
			if rng.IntN(4) > 0 {
				at = rng.IntN(min(len(img), 48<<10))
			}
			img[at] = values[rng.IntN(len(values))]
			if rng.IntN(2) == 0 {
				img[at] = byte(rng.Uint32())
			}
		}
		ops := make([]byte, 50)
		for i := range ops {
			ops[i] = byte(rng.Uint32())
		}
		if surviveEdits(t, img, ops) {
			edited++
		}
		if t.Failed() {
			t.Fatalf("round %d", rounds)
		}
	}
	t.Logf("%d mutants, %d of them edited", rounds, edited)
	if edited < rounds/20 {
		t.Errorf("only %d of %d mutants were edited", edited, rounds)
	}
}

// FuzzEditor changes a few words of a good image, as FuzzEdits does, and edits
// it.
func FuzzEditor(f *testing.F) {
	images := smallImages(f)
	f.Add(byte(0), []byte{0, 4, 0, 1, 1, 0}, []byte{0, 1, 2, 3})
	f.Add(byte(1), []byte{0, 0x14, 0x28, 0xFF, 0xFF, 1}, []byte{6, 1, 9})
	f.Add(byte(2), []byte{}, []byte{1, 255, 2, 3})
	f.Add(byte(5), []byte{0, 0x90, 0x10, 0, 0xFF, 0}, []byte{3})
	f.Fuzz(func(t *testing.T, which byte, edits, ops []byte) {
		img := bytes.Clone(images[int(which)%len(images)])
		for ; len(edits) >= 6; edits = edits[6:] {
			at := (int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])) % (len(img) - 4)
			img[at], img[at+1] = edits[3], edits[4]
			if edits[5]&1 != 0 {
				img[at+2], img[at+3] = edits[3], edits[4]
			}
		}
		surviveEdits(t, img, ops)
	})
}

// TestEditCorpus edits the images of e2fsprogs' tests, which are broken: none
// may do harm, and those in which e2fsck finds nothing must be so afterwards.
func TestEditCorpus(t *testing.T) {
	need.Tool(t, "e2fsck")
	images, clean, edited := 0, 0, 0
	corpusImages(t, "*", func(name string, img []byte) {
		images++
		b := bytes.Clone(img)
		if !surviveEdits(t, b, []byte{byte(images), 3, 255, 7, 100, 4, 1}) {
			return
		}
		edited++
		if len(img) > 64<<20 {
			return
		}
		p := filepath.Join(t.TempDir(), "fs.img")
		check := func(img []byte) error { // some of these images keep e2fsck busy for minutes
			(&memPatch{img}).writeOut(t, p)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return exec.CommandContext(ctx, "e2fsck", "-fn", p).Run()
		}
		if check(img) != nil {
			return
		}
		clean++
		if err := check(b); err != nil {
			t.Errorf("%s: %v\n%s", name, err, command(t, "e2fsck", "-fn", p))
		}
	})
	t.Logf("%d images, %d edited, %d of them clean before and after", images, edited, clean)
}
