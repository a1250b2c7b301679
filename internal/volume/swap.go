package volume

import (
	"fmt"
	"io"

	"assay/internal/binread"
)

// The end of a swap space's first page (Linux include/linux/swap.h, union
// swap_header; kernel/power/swap.c, struct swsusp_header): the signature is its
// last ten bytes. A hibernated machine moved the original signature in front
// of them, and its own checksum, place of the image and flags in front of that.
const (
	swapMagic   = 10
	swapPrivate = 40 // at most what a hibernation header has at the end of the page
	swapInfo    = 1024
)

// swapHeader is a swap space's first page.
type swapHeader struct {
	page       int64  // bytes
	magic      string // as it should be
	hibernated bool
}

// readSwap finds the header page, whose size depends on the machine.
func readSwap(r io.ReaderAt, size int64) (swapHeader, error) {
	for _, page := range []int64{4096, 8192, 16384, 32768, 65536} {
		if page > size {
			break
		}
		b, err := binread.At(r, "swap", page-2*swapMagic, 2*swapMagic, 0)
		if err != nil {
			return swapHeader{}, err
		}
		old, magic := string(b[:swapMagic]), string(b[swapMagic:])
		switch magic {
		case "SWAPSPACE2", "SWAP-SPACE":
			return swapHeader{page, magic, false}, nil
		case "S1SUSPEND\x00", "S2SUSPEND\x00", "ULSUSPEND\x00", "LINHIB0001":
			if old != "SWAPSPACE2" && old != "SWAP-SPACE" {
				return swapHeader{}, binread.Unsupported("swap", "a hibernation image (%q) that does not keep the signature at byte %d", magic[:9], page-2*swapMagic)
			}
			return swapHeader{page, old, true}, nil
		}
	}
	return swapHeader{}, binread.ErrNotMine
}

// SwapSpan returns how many bytes at the start of the swap space in r, of size
// bytes, say that it is one: its first page. All behind it may be zeroed. The
// error is binread.ErrNotMine when there is no swap space.
func SwapSpan(r io.ReaderAt, size int64) (keep int64, err error) {
	h, err := readSwap(r, size)
	return h.page, err
}

// ScrubSwap makes a swap space empty: all but its first page is zero, and the
// image of a hibernated machine is forgotten, so that the machine starts
// afresh. It returns how many bytes it zeroed.
func ScrubSwap(p Patch, size int64) (zeroed int64, err error) {
	h, err := readSwap(p, size)
	if err != nil {
		return 0, err
	}
	if h.hibernated {
		b := make([]byte, swapPrivate)
		copy(b[swapPrivate-swapMagic:], h.magic)
		if _, err := p.WriteAt(b, h.page-swapPrivate); err != nil {
			return 0, fmt.Errorf("swap: %w", err)
		}
	}
	if err := p.Zero(h.page, size-h.page); err != nil {
		return 0, fmt.Errorf("swap: %w", err)
	}
	return size - h.page, nil
}
