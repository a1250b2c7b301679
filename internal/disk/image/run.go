package image

import (
	"io"

	"assay/internal/binread"
)

// A Run says where a piece of the virtual disk lies.
type Run struct {
	Len int64       // bytes from the virtual offset that was asked for; positive
	Src io.ReaderAt // nil: the piece reads as zero
	Off int64       // where the piece starts in Src
}

// A Mapper finds the run that starts at the virtual offset off, which the
// caller keeps below the disk's size. It need not look further than want
// bytes; a longer Len is fine. It must be safe for concurrent use.
type Mapper interface {
	Run(off, want int64) (Run, error)
}

// Read reads p from the virtual offset off of a disk of size bytes, with the
// semantics of io.ReaderAt. A run whose host bytes are missing, as in a
// truncated file, is an error that names the host offset, never zeros.
func Read(m Mapper, format string, size int64, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, off, "negative offset")
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= size {
		return 0, io.EOF
	}
	var atEnd error
	if int64(len(p)) > size-off {
		p, atEnd = p[:size-off], io.EOF
	}
	for n := 0; n < len(p); {
		run, err := m.Run(off+int64(n), int64(len(p)-n))
		if err != nil {
			return n, err
		}
		if run.Len <= 0 {
			return n, binread.Errorf(format, off+int64(n), "no run at this virtual offset")
		}
		q := p[n : n+int(min(run.Len, int64(len(p)-n)))]
		if run.Src == nil {
			clear(q)
		} else if err := binread.Full(run.Src, format, q, run.Off); err != nil {
			return n, err
		}
		n += len(q)
	}
	return len(p), atEnd
}
