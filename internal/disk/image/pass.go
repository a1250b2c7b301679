package image

import (
	"context"
	"io"
	"sync"

	"assay/internal/binread"
	"assay/internal/span"
)

// Out is the file that a writer makes: empty when it gets it. *os.File is one.
type Out interface {
	io.WriterAt
	Truncate(size int64) error
}

// WriteOptions is what all writers of image files have in common.
type WriteOptions struct {
	// Workers is how many goroutines read, look for zeros and compress, at
	// least one.
	Workers int
	// Progress, if set, is called now and then from one goroutine with the
	// bytes of the disk's data that are done, of all there are.
	Progress func(done, total int64)
	// Tap, if set, is called from one goroutine with all that is written, once
	// and in order of off, where it is not zero; some zeros may lie between.
	// It must not keep or change b. Its error ends the writing.
	Tap func(off int64, b []byte) error
}

const (
	// Window is how many bytes of a disk a Pass reads at a time, at most. A
	// window does not go over a multiple of it.
	Window = 2 << 20
	// smallGap is how long a hole may be to be read as zeros rather than to
	// begin another window.
	smallGap = 64 << 10
)

// A Pass reads all data of an image once and in order, for a writer. W is what
// the writer keeps for each window under way.
type Pass[W any] struct {
	WriteOptions
	Image Image
	// Block is the writer's unit: windows are searched for blocks that are not
	// all zero. It divides Window.
	Block int64
	// Work, if set, prepares a window for Sink. It is called by several
	// goroutines, each for another window.
	Work func(*Piece[W]) error
	// Sink takes the windows in order, from the goroutine that called Run.
	// Windows of zeros are left out.
	Sink func(*Piece[W]) error
}

// A Piece is a window on its way. It is used again after Sink.
type Piece[W any] struct {
	Off  int64       // a multiple of the pass's block
	B    []byte      // the disk's bytes: whole blocks, but at the end of the disk
	Runs []span.Span // the blocks of B that are not all zero, joined; Off counts from the start of B
	Work W           // is left as it is when the piece is used again

	buf           []byte
	ready, tapped chan struct{} // closed when done
	err, tapErr   error
}

// use makes p the window w.
func (p *Piece[W]) use(w span.Span) {
	if int64(cap(p.buf)) < w.Len {
		p.buf = make([]byte, w.Len)
	}
	p.Off, p.B, p.Runs = w.Off, p.buf[:w.Len], p.Runs[:0]
	p.ready, p.tapped = make(chan struct{}), make(chan struct{})
	p.err, p.tapErr = nil, nil
}

// lines are the queues of one Run. Each has room for all pieces, so that only
// free is ever waited for.
type lines[W any] struct{ free, work, tap, sink chan *Piece[W] }

// Run does the pass. It returns the first error of reading, Work, Tap, Sink or
// of ctx, when all its goroutines have ended.
func (p *Pass[W]) Run(ctx context.Context) error {
	data, err := p.Image.Data()
	if err != nil {
		return err
	}
	workers := max(p.Workers, 1)
	depth := 2*workers + 2 // some wait on either side of the workers
	l := lines[W]{make(chan *Piece[W], depth), make(chan *Piece[W], depth), make(chan *Piece[W], depth), make(chan *Piece[W], depth)}
	for range depth {
		l.free <- &Piece[W]{}
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	all.Go(func() { p.hand(ctx, data, &l) })
	for range workers {
		all.Go(func() {
			for piece := range l.work {
				if ctx.Err() == nil {
					piece.err = p.prepare(piece)
				}
				close(piece.ready)
			}
		})
	}
	all.Go(func() {
		for piece := range l.tap {
			<-piece.ready
			if ctx.Err() == nil && p.Tap != nil {
				piece.tapErr = p.tap(piece)
			}
			close(piece.tapped)
		}
	})
	return p.drain(ctx, data, &l)
}

// windows yields the ranges to read: data in whole blocks, without long holes,
// cut at multiples of Window.
func (p *Pass[W]) windows(data span.Set, yield func(span.Span) bool) {
	size := p.Image.Size()
	for k := 0; k < len(data); {
		off := data[k].Off / p.Block * p.Block
		end := data[k].End()
		for k++; k < len(data) && data[k].Off-end < max(smallGap, p.Block); k++ {
			end = data[k].End()
		}
		end += min((p.Block-end%p.Block)%p.Block, size-end)
		for off < end {
			n := min(end-off, Window-off%Window)
			if !yield(span.Span{Off: off, Len: n}) {
				return
			}
			off += n
		}
	}
}

// hand gives windows to the workers as pieces get free.
func (p *Pass[W]) hand(ctx context.Context, data span.Set, l *lines[W]) {
	defer close(l.work)
	defer close(l.tap)
	defer close(l.sink)
	p.windows(data, func(w span.Span) bool {
		select {
		case <-ctx.Done():
			return false
		case piece := <-l.free:
			piece.use(w)
			l.work <- piece
			l.tap <- piece
			l.sink <- piece
			return true
		}
	})
}

// prepare reads a window, finds what of it is not zero, and does the writer's
// own work.
func (p *Pass[W]) prepare(piece *Piece[W]) error {
	if err := binread.Full(p.Image, "image", piece.B, piece.Off); err != nil {
		return err
	}
	n := int64(len(piece.B))
	for off := int64(0); off < n; off += p.Block {
		end := min(off+p.Block, n)
		if IsZero(piece.B[off:end]) {
			continue
		}
		if k := len(piece.Runs); k > 0 && piece.Runs[k-1].End() == off {
			piece.Runs[k-1].Len += end - off
		} else {
			piece.Runs = append(piece.Runs, span.Span{Off: off, Len: end - off})
		}
	}
	if len(piece.Runs) == 0 || p.Work == nil {
		return nil
	}
	return p.Work(piece)
}

func (p *Pass[W]) tap(piece *Piece[W]) error {
	if piece.err != nil {
		return nil
	}
	for _, r := range piece.Runs {
		if err := p.Tap(piece.Off+r.Off, piece.B[r.Off:r.End()]); err != nil {
			return err
		}
	}
	return nil
}

// drain gives the windows to Sink in order.
func (p *Pass[W]) drain(ctx context.Context, data span.Set, l *lines[W]) error {
	var done, told, total int64
	p.windows(data, func(w span.Span) bool { total += w.Len; return true })
	for piece := range l.sink {
		<-piece.ready
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case piece.err != nil:
			return piece.err
		case len(piece.Runs) > 0:
			if err := p.Sink(piece); err != nil {
				return err
			}
		}
		<-piece.tapped
		if piece.tapErr != nil {
			return piece.tapErr
		}
		done += int64(len(piece.B))
		if p.Progress != nil && (done-told >= Window || done == total) {
			p.Progress(done, total)
			told = done
		}
		l.free <- piece
	}
	return ctx.Err()
}
