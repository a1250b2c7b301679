package sig

import (
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"assay/internal/binread"
)

// A Content is what a signature says. The zero value means that nobody knows.
type Content struct {
	Name  string // "ext4", "xfs", "vfat", "luks", "md", …
	UUID  string // as blkid prints it
	Label string
	// Encrypted says that nothing can be read without a key.
	Encrypted bool
	// Refuse says why this is no volume that could be opened by itself: a
	// member of an array, a hibernation image. In English.
	Refuse string
}

// A prober looks for one family of formats; nil means "not mine".
type prober func(*window) *Content

// probers is the order of questions. What wraps others comes first: a mirror's
// member with its superblock at the end, or an encrypted volume, may show the
// file system inside. ZFS and LUKS2's second header come last, as they survive being overwritten.
func probers() []prober {
	return []prober{
		mdAtEnd, mdAtStart, firmwareRAID,
		luks, bitlocker, lvm,
		swap, xfs, btrfs, ext, ntfs, exfat, fat, named, ufs, luksBackup, zfs,
	}
}

// Probe names what r, of size bytes, holds. An error means that r could not be
// read where a signature would be.
func Probe(r io.ReaderAt, size int64) (Content, error) {
	w := &window{r: r, size: max(size, 0)}
	w.head = w.read(0, min(w.size, headLen))
	for _, p := range probers() {
		c := p(w)
		if w.err != nil {
			return Content{}, w.err
		}
		if c != nil {
			return *c, nil
		}
	}
	return Content{}, nil
}

// headLen covers the signatures of nearly all formats with one read.
const headLen = 72 << 10

// A window reads small pieces of a volume. Pieces outside it are all zero, so
// that probers need no length checks; a read error sticks.
type window struct {
	r    io.ReaderAt
	size int64
	head []byte
	err  error
}

// at returns n bytes at off.
func (w *window) at(off, n int64) []byte {
	if off >= 0 && off+n <= int64(len(w.head)) {
		return w.head[off : off+n : off+n]
	}
	return w.read(off, n)
}

func (w *window) read(off, n int64) []byte {
	b := make([]byte, n)
	if w.err != nil || off < 0 || off >= w.size {
		return b
	}
	m, err := w.r.ReadAt(b[:min(n, w.size-off)], off)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	clear(b[m:])
	return b
}

func (w *window) buf(off, n int64) binread.Buf { return binread.Buf{B: w.at(off, n)} }

// is reports whether the bytes at off are magic.
func (w *window) is(off int64, magic string) bool {
	return off >= 0 && off <= w.size-int64(len(magic)) && string(w.at(off, int64(len(magic)))) == magic
}

// uuid prints 16 bytes as they lie, "" when all are zero.
func uuid(b []byte) string {
	if len(b) != 16 || strings.Trim(string(b), "\x00") == "" {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// label cuts a fixed field at its first NUL and trims white space at its end.
func label(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimRight(s, " \t\n\v\f\r")
}
