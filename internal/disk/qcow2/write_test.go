package qcow2

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/disk/image"
	"assay/internal/need"
	"assay/internal/span"
)

// tables is an output file that takes the tables and leaves holes for what the
// disk holds, so that a file of many gigabytes costs nothing.
type tables struct{ *os.File }

// mark is how data begins here, and no table.
const mark = 0xee

func (o tables) WriteAt(p []byte, off int64) (int, error) {
	if len(p) > 0 && p[0] == mark {
		return len(p), nil
	}
	return o.File.WriteAt(p, off)
}

// ones is a disk with a byte in every cluster.
type ones int64

func (d ones) Size() int64             { return int64(d) }
func (d ones) Info() image.Info        { return image.Info{} }
func (d ones) Data() (span.Set, error) { return span.Set{{Off: 0, Len: int64(d)}}, nil }
func (d ones) ReadAt(p []byte, _ int64) (int, error) {
	for i := 0; i < len(p); i += outCluster {
		p[i] = mark
	}
	return len(p), nil
}

func create(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out.qcow2"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestManyRefcountBlocks writes a file that needs many refcount blocks, most
// of which must be written on the way.
func TestManyRefcountBlocks(t *testing.T) {
	need.Tool(t, "qemu-img")
	for _, size := range []int64{2<<30 - 1<<20, 2 << 30, 2<<30 + 1<<20, 70<<30 + 512} {
		f := create(t)
		if err := Write(context.Background(), tables{f}, ones(size), "", image.WriteOptions{Workers: 2}); err != nil {
			t.Fatal(err)
		}
		need.Run(t, "qemu-img", "check", "-f", "qcow2", f.Name())
	}
}

// TestManyPackedClusters does the same with clusters that pretend to be
// compressed to random lengths, and some that did not get smaller.
func TestManyPackedClusters(t *testing.T) {
	need.Tool(t, "qemu-img")
	r := rand.New(rand.NewPCG(4, 2))
	const windows = 4000
	f := create(t)
	w := newWriter(tables{f}, windows*image.Window, false)
	piece := &image.Piece[squeezed]{B: bytes.Repeat([]byte{mark}, image.Window)}
	s := &piece.Work
	held := 0
	for k := range int64(windows) {
		s.b, s.clusters = s.b[:0], s.clusters[:0]
		style := r.IntN(4)
		for in := int64(0); in < image.Window; in += outCluster {
			if r.IntN(20) == 0 {
				continue // a hole
			}
			n := []int{1 + r.IntN(outCluster-1), 1 + r.IntN(100), outCluster - 1 - r.IntN(600), 512 * (1 + r.IntN(127))}[style]
			raw := r.IntN(3) == 0
			c := squeezedCluster{in: in, from: int64(len(s.b)), raw: raw}
			if !raw {
				s.b = append(s.b, piece.B[:n]...)
			}
			c.to = int64(len(s.b))
			s.clusters = append(s.clusters, c)
		}
		if err := w.packed(k*image.Window, piece); err != nil {
			t.Fatal(err)
		}
		held = max(held, len(w.refs))
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "qemu-img", "check", "-f", "qcow2", f.Name())
	if held > 3 || len(w.refTable) < 2 {
		t.Errorf("%d refcount blocks were held at once, of %d", held, len(w.refTable))
	}
}

// TestSettle: a refcount block is not written while a cluster in it may get
// more compressed ones.
func TestSettle(t *testing.T) {
	w := newWriter(tables{create(t)}, 1<<40, false)
	first := w.pack(100)
	w.allocate(3 * perRefBlock)
	if err := w.settle(); err != nil || len(w.refTable) != 0 {
		t.Fatalf("%d blocks are written, %v", len(w.refTable), err)
	}
	if at := w.pack(100); at != first+100 || w.refs[0][2*(first/outCluster)+1] != 2 {
		t.Errorf("the second one lies at %d, the first at %d", at, first)
	}
	w.pack(outCluster) // elsewhere: no room for it there
	if err := w.settle(); err != nil || len(w.refTable) != 3 {
		t.Errorf("%d blocks are written, %v", len(w.refTable), err)
	}
}
