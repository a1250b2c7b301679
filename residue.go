package assay

import (
	"assay/internal/disk"
	"assay/internal/fsys"
	"assay/internal/guest"
	"assay/internal/span"
)

// residues lists what deleted files, swap and unused parts of the containers
// may have left on the machine's disks.
func residues(sources []guest.Source, images []*disk.File) []guest.Residue {
	var out []guest.Residue
	for _, s := range sources {
		switch f := s.FS.(type) {
		case nil:
			if s.Content == "swap" {
				out = append(out, guest.Residue{Volume: s.Name, What: "swap", Bytes: s.Bytes, Ranges: func() (span.Set, error) {
					return within(s, span.Set{{Off: swapHeader, Len: max(0, s.Size-swapHeader)}})
				}})
			}
		case fsys.FreeSpace:
			out = append(out, guest.Residue{Volume: s.Name, What: "free", Bytes: s.Bytes, Ranges: func() (span.Set, error) {
				free, err := f.Free()
				if err != nil {
					return nil, err
				}
				return within(s, free)
			}})
		}
		if f, ok := s.FS.(fsys.Extenter); ok {
			out = append(out, guest.Residue{Volume: s.Name, What: "tails", Bytes: s.Bytes, Ranges: func() (span.Set, error) {
				set, err := tails(s, f)
				if err != nil {
					return nil, err
				}
				return within(s, set)
			}})
		}
		if log := logOf(s.FS); log != nil {
			out = append(out, guest.Residue{Volume: s.Name, What: "log", Bytes: s.Bytes, Ranges: func() (span.Set, error) {
				spans, err := log()
				if err != nil {
					return nil, err
				}
				return within(s, span.Make(spans))
			}})
		}
	}
	for _, img := range images {
		bytes, unused, err := img.Unreferenced()
		if len(unused) > 0 || err != nil {
			out = append(out, guest.Residue{Volume: "image file", What: "container", Bytes: bytes,
				Ranges: func() (span.Set, error) { return unused, err }})
		}
	}
	return out
}

// swapHeader is the page that a swap area begins with.
const swapHeader = 4096

// within leaves of a set only what the disk's container says may not be zero.
func within(s guest.Source, set span.Set) (span.Set, error) {
	if s.Data == nil {
		return set, nil
	}
	data, err := s.Data()
	if err != nil {
		return nil, err
	}
	return set.Intersect(data), nil
}

// logOf returns where a file system keeps its log, nil if it does not say.
func logOf(f fsys.FS) func() ([]span.Span, error) {
	switch f := f.(type) {
	case interface{ Journal() ([]span.Span, error) }: // ext4
		return f.Journal
	case interface{ Log() span.Span }: // XFS
		return func() ([]span.Span, error) { return []span.Span{f.Log()}, nil }
	}
	return nil
}
