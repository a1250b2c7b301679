package overlay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"assay/internal/disk/image"
	"assay/internal/span"
)

// flat is a base whose data is where bytes are not zero, in blocks of 512.
type flat struct {
	b   []byte
	bad span.Span // cannot be read
}

var errBad = errors.New("a bad block")

func (f *flat) Size() int64      { return int64(len(f.b)) }
func (f *flat) Info() image.Info { return image.Info{Format: "flat"} }
func (f *flat) ReadAt(p []byte, off int64) (int, error) {
	if off < f.bad.End() && off+int64(len(p)) > f.bad.Off {
		return 0, errBad
	}
	return bytes.NewReader(f.b).ReadAt(p, off)
}
func (f *flat) Data() (span.Set, error) {
	var c image.Collector
	for off := 0; off < len(f.b); off += 512 {
		if b := f.b[off:min(off+512, len(f.b))]; len(bytes.Trim(b, "\x00")) > 0 {
			c.Add(int64(off), int64(len(b)))
		}
	}
	return c.Set(), nil
}

// spill makes a file without a name.
func spill(t testing.TB) func() (SpillFile, error) {
	return func() (SpillFile, error) {
		f, err := os.Create(filepath.Join(t.TempDir(), "spill"))
		if err == nil {
			err = os.Remove(f.Name())
		}
		return f, err
	}
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32()) | 1
	}
	return b
}

// same compares the overlay with what it should hold, in every way there is to
// ask.
func same(t *testing.T, r *rand.Rand, o *Overlay, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := o.ReadAt(got, 0); n != len(want) || err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the whole disk: %d, %v, or other bytes", n, err)
	}
	for range 20 {
		off, n := r.IntN(len(want)), 1+r.IntN(20000)
		got := make([]byte, n)
		k, err := o.ReadAt(got, int64(off))
		if k != min(n, len(want)-off) || (k < n) != (err == io.EOF) || !bytes.Equal(got[:k], want[off:off+k]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v, or other bytes", n, off, k, err)
		}
	}
	data, err := o.Data()
	if err != nil {
		t.Fatal(err)
	}
	last := int64(-1)
	for _, s := range data {
		if s.Off <= last || s.Len <= 0 || s.End() > int64(len(want)) {
			t.Fatalf("Data is no set: %v", data)
		}
		last = s.End()
	}
	for _, s := range data.Invert(int64(len(want))) {
		if len(bytes.Trim(want[s.Off:s.End()], "\x00")) > 0 {
			t.Fatalf("Data leaves out %v", s)
		}
	}
}

// TestAgainstFlat does random changes to an overlay and to a flat copy.
func TestAgainstFlat(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		size := 1 + r.IntN(300_000)
		base := &flat{b: make([]byte, size)}
		for range r.IntN(6) {
			off := r.IntN(size)
			copy(base.b[off:], random(r, r.IntN(50_000)))
		}
		before := bytes.Clone(base.b)
		want := bytes.Clone(base.b)
		o := New(base, Options{MemLimit: int64(r.IntN(20)) * pageSize, Spill: spill(t)})
		for step := range 120 {
			off := r.IntN(size + 1)
			n := r.IntN(min(size-off, []int{10, 700, 5000, 40_000, size}[r.IntN(5)]) + 1)
			if r.IntN(3) == 0 { // whole pages take other ways
				off &^= pageSize - 1
				n = min((n+pageSize-1)&^(pageSize-1), size-off)
			}
			if r.IntN(2) == 0 {
				if err := o.Zero(int64(off), int64(n)); err != nil {
					t.Fatal(err)
				}
				clear(want[off : off+n])
			} else {
				b := random(r, n)
				if k, err := o.WriteAt(b, int64(off)); k != n || err != nil {
					t.Fatalf("%d, %v", k, err)
				}
				copy(want[off:], b)
			}
			if step%10 == 0 {
				same(t, r, o, want)
			}
		}
		same(t, r, o, want)
		changed := o.Changed()
		for _, s := range changed.Invert(int64(size)) {
			if !bytes.Equal(before[s.Off:s.End()], want[s.Off:s.End()]) {
				t.Fatalf("Changed leaves out %v", s)
			}
		}
		if !bytes.Equal(base.b, before) {
			t.Fatal("the image beneath was written")
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDataIsTight: what was zeroed is no data, whatever is beneath.
func TestDataIsTight(t *testing.T) {
	base := &flat{b: random(rand.New(rand.NewPCG(1, 1)), 64*pageSize)}
	o := New(base, Options{})
	for _, s := range []span.Span{{Off: 0, Len: 10}, {Off: 5 * pageSize, Len: 3 * pageSize}, {Off: 20*pageSize + 7, Len: pageSize}, {Off: 63 * pageSize, Len: pageSize}} {
		if err := o.Zero(s.Off, s.Len); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.WriteAt([]byte{1}, 6*pageSize+1); err != nil {
		t.Fatal(err)
	}
	got, err := o.Data()
	want := span.Set{{Off: 10, Len: 5*pageSize - 10}, {Off: 6 * pageSize, Len: pageSize}, {Off: 8 * pageSize, Len: 12*pageSize + 7}, {Off: 21*pageSize + 7, Len: 42*pageSize - 7}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v, %v\nwant %v", got, err, want)
	}
	if err := o.Zero(0, 64*pageSize); err != nil {
		t.Fatal(err)
	}
	if got, err := o.Data(); err != nil || len(got) > 0 || len(o.pages.slots) > 0 {
		t.Errorf("a zeroed disk has data %v, %v", got, err)
	}
}

func TestRefuses(t *testing.T) {
	o := New(&flat{b: make([]byte, 10_000)}, Options{})
	for _, c := range [][2]int64{{-1, 1}, {0, -1}, {9_999, 2}, {10_001, 0}, {1 << 62, 1 << 62}, {5, 1<<63 - 1}} {
		if err := o.Zero(c[0], c[1]); err == nil {
			t.Errorf("Zero(%d, %d) is allowed", c[0], c[1])
		}
	}
	if n, err := o.WriteAt(make([]byte, 2), 9_999); n != 0 || err == nil {
		t.Errorf("a write over the end: %d, %v", n, err)
	}
	if n, err := o.WriteAt(make([]byte, 2), -1); n != 0 || err == nil {
		t.Errorf("a write before the start: %d, %v", n, err)
	}
	if s := o.Changed(); len(s) > 0 {
		t.Errorf("refused changes are there: %v", s)
	}
}

// TestBadBlocks: what cannot be read can be replaced, whole pages at a time.
func TestBadBlocks(t *testing.T) {
	base := &flat{b: random(rand.New(rand.NewPCG(1, 1)), 8*pageSize), bad: span.Span{Off: pageSize, Len: 3 * pageSize}}
	o := New(base, Options{})
	if n, err := o.WriteAt([]byte("x"), pageSize+1); n != 0 || !errors.Is(err, errBad) {
		t.Errorf("a write into a bad block: %d, %v", n, err)
	}
	if n, err := o.WriteAt(make([]byte, 2*pageSize), 100); n != 2*pageSize-100 || !errors.Is(err, errBad) {
		t.Errorf("a write that runs into a bad block: %d, %v", n, err)
	}
	if err := o.Zero(pageSize, 2*pageSize); err != nil {
		t.Fatal(err)
	}
	if n, err := o.WriteAt(bytes.Repeat([]byte{7}, pageSize), 3*pageSize); n != pageSize || err != nil {
		t.Errorf("a whole page over a bad block: %d, %v", n, err)
	}
	b := make([]byte, 8*pageSize)
	if _, err := o.ReadAt(b, 0); err != nil || b[2*pageSize] != 0 || b[3*pageSize] != 7 {
		t.Errorf("%v", err)
	}
}

// full is a spill file on a disk without room.
type full struct{ room int }

func (f *full) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (f *full) Close() error                          { return nil }
func (f *full) WriteAt(p []byte, _ int64) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errBad
	}
	return len(p), nil
}

func TestSpillFails(t *testing.T) {
	base := &flat{b: make([]byte, 100*pageSize)}
	o := New(base, Options{MemLimit: 3 * pageSize, Spill: func() (SpillFile, error) { return &full{room: 2 * pageSize}, nil }})
	n, err := o.WriteAt(bytes.Repeat([]byte{1}, 50*pageSize), 0)
	if n != 5*pageSize || !errors.Is(err, errBad) {
		t.Fatalf("%d, %v", n, err)
	}
	b := make([]byte, pageSize)
	if _, err := o.ReadAt(b, 5*pageSize); err != nil || b[0] != 0 {
		t.Errorf("a page that could not be kept reads %d, %v", b[0], err)
	}
	o = New(base, Options{MemLimit: 3 * pageSize})
	if n, err := o.WriteAt(make([]byte, 50*pageSize), 0); n != 3*pageSize || err == nil {
		t.Errorf("without a file: %d, %v", n, err)
	}
	o = New(base, Options{MemLimit: 1, Spill: func() (SpillFile, error) { return nil, errBad }})
	if n, err := o.WriteAt([]byte("x"), 5); n != 0 || !errors.Is(err, errBad) {
		t.Errorf("a file that cannot be opened: %d, %v", n, err)
	}
}

// TestReadersAndAWriter is for the race detector, and for torn pages: each
// page is always written as a whole.
func TestReadersAndAWriter(t *testing.T) {
	base := &flat{b: make([]byte, 64*pageSize)}
	o := New(base, Options{MemLimit: 8 * pageSize, Spill: spill(t)})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			b := make([]byte, 3*pageSize)
			for k := int64(0); ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := o.ReadAt(b, k%60*pageSize); err != nil {
					t.Error(err)
				}
				for i := range b {
					if b[i] != b[i&^(pageSize-1)] {
						t.Error("half of a change")
						return
					}
				}
				if k%50 == 0 {
					if _, err := o.Data(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 3000 {
		off, n := r.Int64N(60)*pageSize, 1+r.Int64N(4)
		if r.IntN(2) == 0 {
			_ = o.Zero(off, n*pageSize)
		} else if _, err := o.WriteAt(bytes.Repeat([]byte{byte(r.Uint32())}, int(n*pageSize)), off); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

// zeroBase is a large disk of zeros.
type zeroBase int64

func (z zeroBase) Size() int64                           { return int64(z) }
func (z zeroBase) Info() image.Info                      { return image.Info{} }
func (z zeroBase) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }
func (z zeroBase) Data() (span.Set, error)               { return span.Set{{Off: 0, Len: int64(z)}}, nil }

// TestMillionsOfRuns measures what two million ranges of zeros cost, in order
// and shuffled: free space of a fragmented disk, and it must stay below 100 MB.
func TestMillionsOfRuns(t *testing.T) {
	const n = 2_000_000
	for _, shuffled := range []bool{false, true} {
		order := make([]int32, n)
		for i := range order {
			order[i] = int32(i)
		}
		if shuffled {
			rand.New(rand.NewPCG(1, 9)).Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		o := New(zeroBase(8<<40), Options{})
		for _, i := range order {
			if err := o.Zero(int64(i)*8192, 4096); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("shuffled %v: %d ranges hold %d MB", shuffled, o.zeros.n, held>>20)
		if o.zeros.n != n || held > 100<<20 {
			t.Errorf("%d ranges, %d bytes", o.zeros.n, held)
		}
		if s, err := o.Data(); err != nil || s.Total() < 8<<40-n*4096 || len(s) > image.MaxSpans {
			t.Errorf("%d, %v", s.Total(), err)
		}
		for _, i := range order { // the rest closes the gaps again
			if err := o.Zero(int64(i)*8192+4096, 4096); err != nil {
				t.Fatal(err)
			}
		}
		if s := o.Changed(); len(s) != 1 || s.Total() != n*8192 || o.zeros.n != 1 {
			t.Errorf("%v, %d ranges", s, o.zeros.n)
		}
		if err := o.Zero(0, 8<<40); err != nil || o.zeros.n != 1 {
			t.Errorf("%v, %d", err, o.zeros.n)
		}
	}
}

func TestTooManyRuns(t *testing.T) {
	o := New(zeroBase(1<<62), Options{})
	o.zeros.n = MaxZeroRuns
	if err := o.Zero(0, 1); err == nil {
		t.Error("one range too many is taken")
	}
	o.zeros.n = 0
	if err := o.Zero(5, 1); err != nil {
		t.Fatal(err)
	}
	o.zeros.n = MaxZeroRuns
	if err := o.Zero(6, 1); err != nil {
		t.Errorf("a range that joins another is refused: %v", err)
	}
	if _, err := o.WriteAt([]byte{1}, 1<<61); err != nil {
		t.Fatal(err)
	}
	if err := o.Zero(0, 1<<62); err != nil || len(o.pages.slots) > 0 {
		t.Errorf("%v", err)
	}
}
