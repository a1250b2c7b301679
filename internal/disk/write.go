package disk

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"

	"assay/internal/disk/image"
	"assay/internal/disk/qcow2"
	"assay/internal/disk/raw"
	"assay/internal/disk/vhd"
)

// WriteOptions says how an image is written.
type WriteOptions struct {
	// Format is "raw" (sparse), "qcow2" (version 3, without what the disk does
	// not hold), "vhd" (dynamic) or "vhd-fixed".
	Format string
	// Compress is, for qcow2, "zlib" or "zstd" (which QEMU reads from version
	// 5.1 on); empty does not compress.
	Compress string
	// Workers is how many goroutines read and compress; 0 takes one for each
	// processor. Each needs about 5 MiB.
	Workers int
	// Progress, if set, is called now and then with the bytes of data that are
	// written, of all there are.
	Progress func(done, total int64)
	// Tap, if set, sees all bytes that are written and not zero, once and in
	// order, with some zeros between, while they are written. It must not keep
	// or change b. Its error ends the writing.
	Tap func(off int64, b []byte) error
}

// Write writes img into the empty file out, in one pass over what may be data.
// Nothing but the disk's own bytes gets there: no snapshot, no deleted cluster,
// no backing file. It neither syncs nor closes out, and what it leaves there
// after an error is no image; a full disk is a *os.PathError.
func Write(ctx context.Context, out *os.File, img Image, o WriteOptions) error {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	w := image.WriteOptions{Workers: o.Workers, Progress: o.Progress, Tap: o.Tap}
	if o.Compress != "" && o.Format != "qcow2" {
		return fmt.Errorf("an image of format %q cannot be compressed", o.Format)
	}
	if fi, err := out.Stat(); err != nil {
		return err
	} else if !fi.Mode().IsRegular() || fi.Size() != 0 {
		return &os.PathError{Op: "write", Path: out.Name(), Err: fmt.Errorf("is not an empty regular file")}
	}
	early := newEarly(out)
	defer early.stop()
	switch o.Format {
	case "raw":
		return raw.Write(ctx, early, img, w)
	case "qcow2":
		return qcow2.Write(ctx, early, img, o.Compress, w)
	case "vhd", "vhd-fixed":
		return vhd.Write(ctx, early, img, o.Format == "vhd-fixed", w)
	}
	return fmt.Errorf("images of format %q cannot be written", o.Format)
}

// ahead is how many bytes are written before the host is asked to put them on
// its disk.
const ahead = 32 << 20

// An early is a file whose bytes go to the host's disk while more are written:
// whoever syncs it later waits for the last of them only, instead of for all.
type early struct {
	*os.File
	from, to int64 // written since the host was asked
	ask      chan [2]int64
	asked    sync.WaitGroup
}

func newEarly(f *os.File) *early {
	e := &early{File: f, ask: make(chan [2]int64, 1)}
	e.asked.Go(func() {
		for r := range e.ask {
			startWriteback(f, r[0], r[1]-r[0])
		}
	})
	return e
}

// WriteAt is called from one goroutine. A host that is busy is not waited for.
func (e *early) WriteAt(b []byte, off int64) (int, error) {
	n, err := e.File.WriteAt(b, off)
	if e.to == e.from {
		e.from, e.to = off, off
	}
	e.from, e.to = min(e.from, off), max(e.to, off+int64(n))
	if e.to-e.from >= ahead {
		select {
		case e.ask <- [2]int64{e.from, e.to}:
			e.from = e.to
		default:
		}
	}
	return n, err
}

func (e *early) stop() {
	close(e.ask)
	e.asked.Wait()
}
