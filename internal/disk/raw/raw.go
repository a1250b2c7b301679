package raw

import (
	"fmt"
	"io"
	"sync"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

const format = "raw"

type disk struct {
	r    io.ReaderAt
	size int64
	data func() (span.Set, error)
}

// Open takes r's first size bytes as the disk. When r has a method
// Data() (span.Set, error), its answer is where the disk holds data.
func Open(r io.ReaderAt, size int64) (image.Image, error) {
	if size < 0 {
		return nil, binread.Errorf(format, 0, "a size of %d bytes", size)
	}
	return &disk{r, size, sync.OnceValues(func() (span.Set, error) { return image.HostData(r, size) })}, nil
}

func (d *disk) Size() int64 { return d.size }

func (d *disk) Data() (span.Set, error) { return d.data() }

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return image.Read(d, format, d.size, p, off)
}

// Run implements image.Mapper: the whole disk is one run.
func (d *disk) Run(off, _ int64) (image.Run, error) {
	return image.Run{Len: d.size - off, Src: d.r, Off: off}, nil
}

func (d *disk) Info() image.Info {
	info := image.Info{Format: format}
	if d.size%512 != 0 {
		info.Notes = append(info.Notes, fmt.Sprintf("the size of %d bytes is not a multiple of 512: the file may be cut short", d.size))
	}
	return info
}
