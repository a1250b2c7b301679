//go:build !linux

package hostfs

import (
	"context"
	"errors"

	"assay/internal/fsys"
)

// An Editor changes a directory of this host; on Linux only.
type Editor struct{ fsys.Editor }

// NewEditor fails: only Linux has the calls that keep changes inside.
func NewEditor(string, bool) (*Editor, error) {
	return nil, errors.New("directories are cleaned on Linux only")
}

// Close does nothing.
func (e *Editor) Close() error { return nil }

// Mounts returns nothing.
func (e *Editor) Mounts(string) ([]fsys.Mount, error) { return nil, nil }

// Trim fails.
func (e *Editor) Trim() (int64, error) { return 0, fsys.ErrCannot }

// Fill fails.
func (e *Editor) Fill(context.Context, int64, func(done, total int64)) (int64, error) {
	return 0, fsys.ErrCannot
}
