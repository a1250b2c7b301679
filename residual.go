package assay

import (
	"bytes"
	"slices"
	"sync"

	"assay/finding"
	"assay/internal/needle"
	"assay/internal/plan"
)

// maxSecrets bounds the secrets kept for the search, about 100 bytes each.
const maxSecrets = 1 << 17

// secrets are the bytes behind the fingerprints of one inspection. They stay in
// the process that cleans and are never written.
type secrets struct {
	mu    sync.Mutex
	bytes map[string][]byte
}

func (s *secrets) add(fingerprint string, secret []byte) {
	if len(secret) < needle.Min {
		return // occurs by chance
	}
	if len(secret) > needle.Max { // as much as a needle takes: its middle
		at := (len(secret) - needle.Max) / 2
		secret = secret[at : at+needle.Max]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes == nil {
		s.bytes = map[string][]byte{}
	}
	if len(s.bytes) < maxSecrets && s.bytes[fingerprint] == nil {
		s.bytes[fingerprint] = bytes.Clone(secret)
	}
}

// A search looks for the secrets that a plan removes in what is written.
type search struct {
	set    *needle.Set
	prints []string // fingerprint of each needle
	ids    []string // finding of each needle
	disks  []searched
	end    int64 // behind the last byte that was searched, over all disks
}

// A searched is a disk in the search's own line of bytes.
type searched struct {
	name string
	base int64
}

// search makes the search of a plan: credentials and preset accounts only,
// because a trace may well occur elsewhere.
func (s *secrets) search(p *plan.Plan, found []finding.Finding) *search {
	settled := map[string]bool{}
	for _, step := range p.Steps {
		for _, id := range step.Findings {
			settled[id] = true
		}
	}
	out := &search{}
	var needles [][]byte
	add := func(b []byte, print, id string) {
		needles, out.prints, out.ids = append(needles, b), append(out.prints, print), append(out.ids, id)
	}
	for _, f := range found {
		if !settled[f.ID] || f.Evidence == nil || f.Severity < finding.Medium ||
			f.Class != finding.IdentityCredential && f.Class != finding.PresetAccount {
			continue
		}
		b := s.bytes[f.Evidence.Fingerprint]
		if len(b) < needle.Min || slices.Contains(out.prints, f.Evidence.Fingerprint) || plain(b) {
			continue
		}
		add(b, f.Evidence.Fingerprint, f.ID)
		add(wide(b), f.Evidence.Fingerprint, f.ID)
	}
	out.set = needle.New(needles)
	return out
}

// plain reports whether bytes could well stand elsewhere: lower-case words.
func plain(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < 'a' || r > 'z' })
}

// wide writes ASCII as UTF-16 in little endian, as Windows does.
func wide(b []byte) []byte {
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, c, 0)
	}
	return out
}

func (s *search) empty() bool { return s == nil || s.set.Empty() }

// next begins the search of the next disk and takes its bytes in order. A
// secret that began on one disk does not go on on the next.
func (s *search) next(name string) func(off int64, b []byte) error {
	d := searched{name: name, base: s.end + needle.Max}
	s.disks = append(s.disks, d)
	return func(off int64, b []byte) error {
		s.set.Search(d.base+off, b)
		s.end = max(s.end, d.base+off+int64(len(b)))
		return nil
	}
}

// A hit is a secret that is still there.
type hit struct {
	id, disk string
	offset   int64 // on the disk
}

// hit says where on which disk a place of the search is.
func (s *search) hit(id string, at int64) hit {
	h := hit{id: id, offset: at}
	for _, d := range s.disks {
		if d.base <= at {
			h.disk, h.offset = d.name, at-d.base
		}
	}
	return h
}

// left lists the secrets that were removed somewhere and written all the same,
// but for those that a finding in the copy names: they are open, not residue.
func (s *search) left(found []finding.Finding) []hit {
	if s.empty() {
		return nil
	}
	open := map[string]bool{}
	for _, f := range found {
		if f.Evidence != nil {
			open[f.Evidence.Fingerprint] = true
		}
	}
	var out []hit
	for i, print := range s.prints {
		if at := s.set.Found(i); at >= 0 && !open[print] {
			out = append(out, s.hit(s.ids[i], at))
		}
	}
	return out
}
