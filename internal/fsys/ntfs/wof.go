package ntfs

import (
	"io"
	"sync"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// Windows Overlay Filter keeps the content of a file compressed in a named
// stream (CompactOS). Sources: WOF_EXTERNAL_INFO and FILE_PROVIDER_EXTERNAL_INFO_V0
// of ntifs.h; the stream is laid out as a resource of a WIM file ([MS-WIM]).
const (
	wofStream   = "WofCompressedData"
	wofHead     = 16 // of the reparse data: 1, provider, 1, algorithm
	wofProvider = 4  // 1: content lies in a WIM file, 2: in the stream
	wofHow      = 12

	wofInStream = 2
	wofLZX      = 1
)

// wofChunks are the plain bytes of a chunk, by algorithm.
var wofChunks = map[uint32]int64{0: 4 << 10, 2: 8 << 10, 3: 16 << 10}

// overlaid opens the content of a file that Windows Overlay Filter compressed;
// nil for other files.
func (in *inode) overlaid() (fsys.File, error) {
	tag, b, err := in.reparse()
	if err != nil || tag != tagWOF {
		return nil, err
	}
	if len(b) < wofHead || le.Uint32(b[wofProvider:]) != wofInStream {
		return nil, binread.Unsupported(format, "a file whose content lies in a WIM file")
	}
	how := le.Uint32(b[wofHow:])
	chunk := wofChunks[how]
	switch {
	case how == wofLZX:
		return nil, binread.Unsupported(format, "a file compressed by Windows Overlay Filter (CompactOS) with LZX")
	case chunk == 0:
		return nil, binread.Unsupported(format, "a file compressed by Windows Overlay Filter in the way %d", how)
	}
	plain, a := in.first(typeData, ""), in.named(wofStream)
	if plain == nil || a == nil {
		return nil, binread.Errorf(format, in.base.at, "MFT record %d is compressed by Windows Overlay Filter and has no data", in.base.no)
	}
	s, err := in.stream(a)
	if err != nil {
		return nil, err
	}
	f, err := s.file()
	if err != nil {
		return nil, err
	}
	w := &overlaid{in: f, at: s.at, size: plain.size, chunk: chunk, entry: 4, no: -1}
	if w.size >= 1<<32 {
		w.entry = 8
	}
	if w.size > 0 {
		w.table = (w.size - 1) / chunk * w.entry // of all chunks but the first
	}
	if w.table > f.Size() {
		return nil, binread.Errorf(format, s.at, "a compressed file of %d bytes in a stream of %d", w.size, f.Size())
	}
	return w, nil
}

// overlaid is a file in compressed chunks, read one at a time. The chunk read
// last is kept.
type overlaid struct {
	in    fsys.File
	at    int64 // of the stream's attribute on the volume, for errors
	size  int64
	chunk int64
	entry int64 // bytes of an entry in the table
	table int64 // bytes of it

	mu   sync.Mutex
	no   int64 // of the chunk in data
	data []byte
	x    xpress
}

// Size implements fsys.File.
func (w *overlaid) Size() int64 { return w.size }

// ReadAt implements io.ReaderAt.
func (w *overlaid) ReadAt(b []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, binread.Errorf(format, w.at, "negative offset")
	case off >= w.size:
		return 0, io.EOF
	}
	var end error
	if int64(len(b)) > w.size-off {
		b, end = b[:w.size-off], io.EOF
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for done := 0; done < len(b); {
		at := off + int64(done)
		if err := w.load(at / w.chunk); err != nil {
			return done, err
		}
		done += copy(b[done:], w.data[at%w.chunk:])
	}
	return len(b), end
}

// load unpacks a chunk into data.
func (w *overlaid) load(no int64) error {
	if no == w.no {
		return nil
	}
	w.no = -1
	from, err := w.offset(no)
	if err != nil {
		return err
	}
	to := w.in.Size()
	if no < w.table/w.entry {
		if to, err = w.offset(no + 1); err != nil {
			return err
		}
	}
	plain := min(w.chunk, w.size-no*w.chunk)
	if from < 0 || to > w.in.Size() || to <= from || to-from > plain {
		return binread.Errorf(format, w.at, "chunk %d of a compressed file lies from %d to %d", no, from, to)
	}
	b := make([]byte, to-from)
	if err := binread.Full(w.in, format, b, from); err != nil {
		return err
	}
	if to-from < plain { // else it is stored as it is
		out := make([]byte, plain)
		if err := w.x.unpack(out, b); err != nil {
			return binread.Errorf(format, w.at, "chunk %d of a compressed file: %v", no, err)
		}
		b = out
	}
	w.no, w.data = no, b
	return nil
}

// offset is where a chunk begins in the stream.
func (w *overlaid) offset(no int64) (int64, error) {
	if no == 0 {
		return w.table, nil
	}
	var b [8]byte
	if err := binread.Full(w.in, format, b[:w.entry], (no-1)*w.entry); err != nil {
		return 0, err
	}
	v := le.Uint64(b[:]) // the upper half is zero in a table of short entries
	if v > uint64(w.in.Size()) {
		return -1, nil
	}
	return w.table + int64(v), nil
}
