package unpack

import (
	"archive/tar"
	"io"
	"strings"
)

// openTar reads ustar, pax, gnu and v7 archives. Only regular files have
// bytes; a sparse file comes with its holes filled.
func openTar(w *walker, s *source) error {
	tr := tar.NewReader(tarSource{s})
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.entry(s); err != nil {
			return err
		}
		if h.Size == 0 || !regular(h.Typeflag) {
			continue
		}
		var c *source
		if sparse(h) {
			c = w.child(s, Tar, h.Name, w.meter(s, Tar, tr), h.Size)
		} else if c = w.section(s, Tar, h.Name, s.pos(), h.Size); c == nil {
			c = w.child(s, Tar, h.Name, tr, h.Size)
		}
		err = w.open(c)
		w.release(c)
		if err != nil {
			return err
		}
	}
}

func regular(t byte) bool {
	switch t {
	case tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo:
		return false
	}
	return true
}

func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// A tarSource lets archive/tar jump over what it does not read.
type tarSource struct{ s *source }

func (t tarSource) Read(p []byte) (int, error) { return t.s.buf.Read(p) }

// Seek only moves on from the present place, which is all that archive/tar
// asks for.
func (t tarSource) Seek(off int64, whence int) (int64, error) {
	if t.s.under.sec == nil || whence != io.SeekCurrent || off < 0 {
		return 0, errNoSeek
	}
	if off > 0 {
		if err := t.s.skip(off); err != nil {
			return 0, err
		}
	}
	return t.s.pos(), nil
}
