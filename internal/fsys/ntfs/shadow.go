package ntfs

import (
	"errors"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// The volume shadow service keeps a header at a fixed place in $Boot and its
// stores in files named after it (libvshadow, Volume Shadow Snapshot format,
// section 2).
const (
	shadowHeader    = 0x1E00
	shadowHeaderLen = 0x200
	shadowID        = "\x6b\x87\x08\x38\x76\xc1\x48\x4e\xb7\xae\x04\x04\x6e\x6c\xc7\x52"
	shadowName      = "{3808876b-c176-4e48-b7ae-04046e6cc752}"
)

// shadows removes shadow copies: the stores become empty files, and without
// the header nobody looks for them.
func (s *scrubber) shadows() error {
	var head [len(shadowID)]byte
	if err := binread.Full(s.p, format, head[:], shadowHeader); err != nil {
		return err
	}
	dir, err := s.lookup(s.root, "System Volume Information")
	if err == nil {
		err = s.stores(dir)
	}
	if err != nil && !errors.Is(err, fsys.ErrNotExist) {
		return err
	}
	if string(head[:]) != shadowID {
		return nil
	}
	return s.zeroAt(shadowHeader, shadowHeaderLen)
}

func (s *scrubber) stores(dir fsys.Node) error {
	var found []fsys.Node
	err := s.ReadDir(dir, func(e fsys.Entry) error {
		if strings.Contains(strings.ToLower(e.Name), shadowName) {
			found = append(found, e.Node)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range found {
		if err := s.Blank(n); err != nil && !errors.Is(err, fsys.ErrNotFile) {
			return err
		}
	}
	return nil
}
