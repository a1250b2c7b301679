package disk

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"assay/internal/disk/image"
	"assay/internal/span"
)

// openHost opens path read only, without changing its access time where the
// kernel allows that, and without waiting, should it be a FIFO.
func openHost(path string, follow bool) (*os.File, error) {
	flags := os.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	// Opening a device can do things, so look first; newSource looks again.
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := acceptable(path, fi.Mode()); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) { // not the owner
		f, err = os.OpenFile(path, flags, 0)
	}
	return f, err
}

// hostData returns the ranges of f's first size bytes that are not holes, as
// lseek(2) tells with SEEK_DATA and SEEK_HOLE; where it cannot, everything.
func hostData(f *os.File, size int64) (span.Set, error) {
	var c image.Collector
	for off := int64(0); off < size; {
		data, err := f.Seek(off, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // a hole up to the end
			break
		}
		if err != nil || data < off {
			c.Add(off, size-off)
			break
		}
		hole, err := f.Seek(data, unix.SEEK_HOLE)
		if err != nil || hole <= data {
			hole = size
		}
		c.Add(data, min(hole, size)-data)
		off = hole
	}
	_, err := f.Seek(0, io.SeekStart)
	return c.Set(), err
}

// startWriteback asks the kernel to begin with writing a range of f to its
// disk. It promises nothing, so that it may fail.
func startWriteback(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}
