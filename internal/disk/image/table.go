package image

import (
	"sync"

	"assay/internal/span"
)

// A Table is the Image of a format that is Blocks and nothing else.
type Table struct {
	blocks *Blocks
	info   Info
	data   func() (span.Set, error)
}

// NewTable makes an image of b. info.Format names the format in errors.
func NewTable(b *Blocks, info Info) *Table {
	return &Table{b, info, sync.OnceValues(b.Data)}
}

// Size implements Image.
func (t *Table) Size() int64 { return t.blocks.Size }

// Info implements Image.
func (t *Table) Info() Info { return t.info }

// Data implements Image.
func (t *Table) Data() (span.Set, error) { return t.data() }

// ReadAt implements Image.
func (t *Table) ReadAt(p []byte, off int64) (int, error) {
	return Read(t.blocks, t.info.Format, t.blocks.Size, p, off)
}
