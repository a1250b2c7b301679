package overlay

import (
	"errors"
	"fmt"
	"io"

	"assay/internal/binread"
)

const (
	pageSize  = 4096
	slabPages = 256 // pages are allocated 1 MiB at a time
	// groupPages is how many pages share one count, so that a long range
	// without pages is passed over in large steps.
	groupPages = 512
)

// A SpillFile keeps changed pages that do not fit into memory. *os.File is one.
type SpillFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// pages holds the content of changed pages by their number. Slots below
// memSlots are in memory, the others in the spill file.
type pages struct {
	slots    map[int64]uint32 // page number → slot
	groups   map[int64]int    // page number / groupPages → how many of these pages there are
	slabs    [][]byte
	memSlots uint32
	next     uint32   // first slot never used
	free     []uint32 // slots given back
	open     func() (SpillFile, error)
	spill    SpillFile
}

func newPages(memory int64, open func() (SpillFile, error)) *pages {
	return &pages{slots: map[int64]uint32{}, groups: map[int64]int{}, open: open,
		memSlots: uint32(min(max(memory, 0)/pageSize, 1<<31))}
}

// gap returns how many pages from number page on are not there, at most n.
func (p *pages) gap(page, n int64) int64 {
	for k := int64(0); k < n; {
		if p.groups[(page+k)/groupPages] == 0 {
			k += groupPages - (page+k)%groupPages
			continue
		}
		if _, ok := p.slots[page+k]; ok {
			return k
		}
		k++
	}
	return n
}

// add makes a page; its content is what the slot last held.
func (p *pages) add(page int64) (uint32, error) {
	slot := p.next
	switch k := len(p.free); {
	case k > 0:
		slot, p.free = p.free[k-1], p.free[:k-1]
	case p.next == 1<<32-1:
		return 0, errors.New("overlay: more changed pages than can be kept")
	default:
		if slot >= p.memSlots && p.spill == nil {
			if p.open == nil {
				return 0, fmt.Errorf("overlay: the changes need more than %d bytes of memory, and there is no file to put them into", int64(p.memSlots)*pageSize)
			}
			f, err := p.open()
			if err != nil {
				return 0, err
			}
			p.spill = f
		}
		if slot < p.memSlots && int(slot/slabPages) == len(p.slabs) {
			p.slabs = append(p.slabs, make([]byte, slabPages*pageSize))
		}
		p.next++
	}
	p.slots[page] = slot
	p.groups[page/groupPages]++
	return slot, nil
}

// drop forgets pages [from, to).
func (p *pages) drop(from, to int64) {
	if (to-from)/groupPages > int64(len(p.slots)) { // a range far longer than what is there
		for page := range p.slots {
			if page >= from && page < to {
				p.forget(page)
			}
		}
		return
	}
	for page := from; page < to; page++ {
		page += p.gap(page, to-page)
		if page >= to {
			return
		}
		p.forget(page)
	}
}

func (p *pages) forget(page int64) {
	p.free = append(p.free, p.slots[page])
	delete(p.slots, page)
	if p.groups[page/groupPages]--; p.groups[page/groupPages] == 0 {
		delete(p.groups, page/groupPages)
	}
}

// inMemory returns the bytes of a slot from byte in on.
func (p *pages) inMemory(slot uint32, in int64) []byte {
	at := int64(slot%slabPages) * pageSize
	return p.slabs[slot/slabPages][at+in : at+pageSize]
}

func (p *pages) read(slot uint32, b []byte, in int64) error {
	if slot < p.memSlots {
		copy(b, p.inMemory(slot, in))
		return nil
	}
	return binread.Full(p.spill, "spill file", b, int64(slot-p.memSlots)*pageSize+in)
}

func (p *pages) write(slot uint32, b []byte, in int64) error {
	if slot < p.memSlots {
		copy(p.inMemory(slot, in), b)
		return nil
	}
	_, err := p.spill.WriteAt(b, int64(slot-p.memSlots)*pageSize+in)
	return err
}

func (p *pages) close() error {
	p.slabs, p.slots = nil, nil
	if p.spill == nil {
		return nil
	}
	return p.spill.Close()
}
