package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"assay/internal/binread"
	"assay/internal/disk/qcow2"
	"assay/internal/span"
)

// Options says what opening an image may do. The zero value opens an image
// that lies in one file and is not compressed, whatever its format.
type Options struct {
	// Format is the format to expect: "raw", "qcow2", "vhd", "vhdx", "vmdk"
	// or "vdi". Empty looks at the bytes. A machine can write a header of
	// another format into the first sectors of its raw disk; who knows that a
	// disk is raw should say so.
	Format string
	// AllowBacking lets a qcow2 header name further files to read.
	AllowBacking bool
	// OpenSibling opens a file that a header names: an extent of a VMDK,
	// always in the folder of the file that names it, or, with AllowBacking, a
	// backing file, which may lie anywhere. path is joined to the name of the
	// file that holds the header. The File closes what it returns. Nil means,
	// for Open, to open that path read only (an extent must not be a symbolic
	// link), and, for OpenReader, to refuse.
	OpenSibling func(path string) (*os.File, error)
	// SpillDir is where compressed input is decompressed to, into a file that
	// has no name. Empty refuses compressed input.
	SpillDir string
	// SpillLimit bounds the bytes kept in that file; blocks of zeros are not
	// kept. 0 means DefaultSpillLimit.
	SpillLimit int64
}

// A File is an open image. Its methods are safe for concurrent use until
// Close.
type File struct {
	Image
	host  source
	owned []*os.File
	notes []string // about opening, in front of the format's own
}

// Open opens the image file path, read only. Directories, FIFOs, sockets and
// character devices are refused; a block device is a raw disk or holds an
// image like a file. Errors are those of package os or of package binread.
func Open(path string, opts Options) (*File, error) {
	f, err := openHost(path, true)
	if err != nil {
		return nil, err
	}
	o := newOpener(opts)
	if opts.OpenSibling == nil {
		// A link that came along with the descriptor could lead anywhere, so
		// extents must not be links; backing files the caller allowed.
		o.openExtent = func(path string) (*os.File, error) { return openHost(path, false) }
		o.openBacking = func(path string) (*os.File, error) { return openHost(path, true) }
	}
	img, err := o.open(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	img.owned = append(img.owned, f)
	return img, nil
}

// OpenReader opens the image in the open file f, as a sandboxed child does
// that inherited f. name is f's path, to which the names in headers relate.
// f stays the caller's to close, after the File.
func OpenReader(f *os.File, name string, opts Options) (*File, error) {
	return newOpener(opts).open(f, name)
}

// Info implements Image.
func (f *File) Info() Info {
	info := f.Image.Info()
	info.Notes = append(f.notes[:len(f.notes):len(f.notes)], info.Notes...)
	return info
}

// Close closes the files that were opened for the image.
func (f *File) Close() error {
	var errs []error
	for _, o := range f.owned {
		errs = append(errs, o.Close())
	}
	f.owned = nil
	return errors.Join(errs...)
}

// Unreferenced returns the container's own bytes (the decompressed ones when
// it was compressed) and the ranges of it that no active structure refers to:
// deleted clusters, what internal snapshots hold. Only qcow2 has such; for
// other formats the set is empty. Backing files are not looked at.
func (f *File) Unreferenced() (io.ReaderAt, span.Set, error) {
	q, ok := f.Image.(*qcow2.Image)
	if !ok {
		return f.host, nil, nil
	}
	s, err := q.Unreferenced()
	return f.host, s, err
}

// source is a host file to look for an image in. It reads like the file and
// knows its holes.
type source struct {
	f    *os.File
	size int64
	name string
}

func (s source) ReadAt(p []byte, off int64) (int, error) { return s.f.ReadAt(p, off) }

// Data tells the format packages where the file has no holes.
func (s source) Data() (span.Set, error) { return hostData(s.f, s.size) }

// newSource checks that f is of a kind that can hold an image.
func newSource(f *os.File, name string) (source, error) {
	fi, err := f.Stat()
	if err != nil {
		return source{}, err
	}
	if err := acceptable(name, fi.Mode()); err != nil {
		return source{}, err
	}
	size := fi.Size()
	if fi.Mode()&os.ModeDevice != 0 {
		if size, err = f.Seek(0, io.SeekEnd); err != nil {
			return source{}, err
		}
	}
	if size == 0 {
		return source{}, binread.Errorf("raw", 0, "the file is empty")
	}
	return source{f, size, name}, nil
}

// acceptable refuses what is neither a regular file nor a block device.
func acceptable(name string, mode os.FileMode) error {
	kind := ""
	switch {
	case mode.IsRegular(), mode&os.ModeDevice != 0 && mode&os.ModeCharDevice == 0:
		return nil
	case mode.IsDir():
		kind = "directory"
	case mode&os.ModeCharDevice != 0:
		kind = "character device"
	case mode&os.ModeNamedPipe != 0:
		kind = "FIFO"
	default:
		kind = "special file"
	}
	return &os.PathError{Op: "open", Path: name, Err: fmt.Errorf("is a %s, not an image file", kind)}
}

// beside is the path of the file that a header in the file from calls name.
func beside(from, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(from), name)
}
