package raw

import (
	"context"
	"fmt"

	"assay/internal/disk/image"
)

// block is the unit in which zeros become holes: that of most host file
// systems.
const block = 4096

// Write writes img into out, which must be empty: the disk's bytes at their
// places, holes where 4 KiB are all zero, and the exact size.
func Write(ctx context.Context, out image.Out, img image.Image, o image.WriteOptions) error {
	if err := out.Truncate(img.Size()); err != nil {
		return err
	}
	p := image.Pass[struct{}]{WriteOptions: o, Image: img, Block: block}
	p.Sink = func(w *image.Piece[struct{}]) error {
		for _, r := range w.Runs {
			if _, err := out.WriteAt(w.B[r.Off:r.End()], w.Off+r.Off); err != nil {
				return fmt.Errorf("writing the disk's byte %d: %w", w.Off+r.Off, err)
			}
		}
		return nil
	}
	return p.Run(ctx)
}
