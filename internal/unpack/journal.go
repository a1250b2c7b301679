package unpack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"assay/internal/artefact/journal"
	"assay/internal/binread"
	"assay/internal/unpack/lz4"
	"assay/internal/unpack/xz"

	"github.com/klauspost/compress/zstd"
)

// openJournal gives the fields of a systemd journal, one stream.
func openJournal(w *walker, s *source) error {
	done, err := w.hold(s)
	defer done()
	if err != nil {
		return err
	}
	const need = 12 << 20 // a field, packed and unpacked, and the window of its frame
	if !w.take(need) {
		return noMemory("a journal", need)
	}
	defer w.give(need)
	u := fieldDecoder{}
	defer u.close()
	j, err := journal.Open(s.at, s.size, u.decode)
	if err != nil {
		return err
	}
	bad := []trouble{{kind: Limit}, {kind: Corrupt}}
	err = w.table(s, SystemdJournal, "", Journal, func(emit func([]byte) bool) error {
		var line []byte
		err := j.Data(func(_ int64, p []byte) error {
			line = append(append(line[:0], p...), '\n')
			if !emit(line) {
				return errEnough
			}
			return w.check()
		}, func(err error) {
			t := &bad[1]
			if errors.Is(err, journal.ErrLimit) || reason(err) == Limit {
				t = &bad[0]
			}
			if t.n++; t.first == nil {
				t.first = err
			}
		})
		if err == errEnough {
			err = nil
		}
		return err
	})
	for _, t := range bad {
		if t.n > 0 {
			var fe *binread.FormatError
			off := int64(-1)
			if errors.As(t.first, &fe) {
				off = fe.Offset
			}
			w.gap(s.path, t.kind, off, "%v (%s)", t.first, plural(t.n, "place"))
		}
	}
	if err != nil {
		return err
	}
	return s.skip(s.size - s.pos())
}

// A trouble counts gaps of one kind.
type trouble struct {
	kind  GapKind
	n     int
	first error
}

// A fieldDecoder unpacks the fields of a journal.
type fieldDecoder struct {
	zstd *zstd.Decoder
	out  []byte
}

func (u *fieldDecoder) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}

var errLong = fmt.Errorf("%w: a field that becomes too long", errLimit)

func (u *fieldDecoder) decode(c journal.Compression, src []byte, size, limit int64) ([]byte, error) {
	var err error
	switch c {
	case journal.LZ4:
		u.out, err = lz4.Block(u.out[:0], src, int(size))
		if err == nil && int64(len(u.out)) != size {
			err = io.ErrUnexpectedEOF
		}
		return u.out, err
	case journal.Zstd:
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(uint64(limit)), zstd.WithDecoderMaxMemory(uint64(limit)))
			if err != nil {
				return nil, err
			}
		}
		u.out, err = u.zstd.DecodeAll(src, u.out[:0])
		return u.out, err
	case journal.XZ:
		used := int64(0)
		r := xz.NewReader(bufio.NewReader(bytes.NewReader(src)), func(n int64) bool { used += n; return used <= limit })
		b := bytes.NewBuffer(u.out[:0])
		n, err := io.Copy(b, io.LimitReader(r, limit+1))
		if u.out = b.Bytes(); err == nil && n > limit {
			err = errLong
		}
		return u.out, err
	}
	return nil, binread.Unsupported("journal", "compression %d", c)
}
