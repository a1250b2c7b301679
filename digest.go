package assay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"assay/internal/report"
)

// Digests returns the sha256 of an image file as it lies on the host, and that
// of the virtual disk in it, which is the same in every format.
func Digests(ctx context.Context, f ImageFile, o DiskOptions, progress func(done, total int64)) (file, virtual string, err error) {
	size, err := sizeOf(f.File)
	if err != nil {
		return "", "", err
	}
	if file, err = sum(ctx, f.File, size, progress); err != nil {
		return "", "", err
	}
	img, err := f.open(o)
	if err != nil {
		return "", "", err
	}
	defer img.Close()
	if img.Info().Format == "raw" && img.Size() == size {
		return file, file, nil
	}
	virtual, err = sum(ctx, img, img.Size(), progress)
	return file, virtual, err
}

// sizeOf is the size of a file or block device.
func sizeOf(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Mode().IsRegular() {
		return info.Size(), err
	}
	return f.Seek(0, io.SeekEnd)
}

// digest fills in the verdict's digests of the images.
func (r *run) digest() error {
	for i, f := range r.t.Images {
		file, virtual, err := Digests(r.ctx, f, r.o.Disk, func(done, total int64) { r.progress("digest", done, total, "bytes") })
		if err != nil {
			return err
		}
		if i == 0 {
			r.verdict.SHA256, r.verdict.DiskSHA256 = file, virtual
			continue
		}
		r.verdict.Further = append(r.verdict.Further, report.Digest{Name: path.Base(f.Path), SHA256: file, DiskSHA256: virtual})
	}
	return nil
}

// sum reads all of r, zeros too.
func sum(ctx context.Context, r io.ReaderAt, size int64, progress func(done, total int64)) (string, error) {
	h, buf := sha256.New(), make([]byte, 1<<20)
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		h.Write(buf[:n])
		off += int64(n)
		if err != nil && !(errors.Is(err, io.EOF) && off == size) {
			return "", fmt.Errorf("computing the digest: %w", err)
		}
		progress(off, size)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
