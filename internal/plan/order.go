package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/finding"
)

// phases is the order of operations. What names places in a file by offset or
// line comes before what changes its lines; the edits of one file are applied
// from its end to its start; what removes comes after what reads; bytes that
// nobody owns come last.
var phases = []finding.Op{
	finding.Replace, finding.SetSSHD, finding.RemoveLine,
	finding.RegReplace, finding.RegDeleteValue, finding.RegSetValue, finding.ForgetLogons, finding.ForgetComment, finding.LockPassword, finding.RegDeleteKey, finding.RegScrub, finding.EmptyLog, // together: a hive is written once
	finding.RemoveUser, finding.Reset, finding.Blank, finding.Remove, finding.EmptyDir, finding.RemoveTree, finding.Scrub,
}

// known are the operations that this version performs.
var known = func() map[finding.Op]bool {
	m := map[finding.Op]bool{}
	for _, op := range phases {
		m[op] = true
	}
	return m
}()

func phase(op finding.Op) int { return slices.Index(phases, op) }

func order(a, b Step) int {
	return cmp.Or(cmp.Compare(phase(a.Op), phase(b.Op)),
		strings.Compare(a.Volume, b.Volume), strings.Compare(a.Path, b.Path),
		cmp.Compare(b.Offset, a.Offset), cmp.Compare(b.Line, a.Line))
}

func detail(e finding.Edit) string {
	return fmt.Sprint(e.Line, " ", e.Offset, " ", e.Length, " ", e.With, " ", e.Key, "\x00", e.Value)
}

// A cover knows which files whole steps are about.
type cover struct {
	steps []Step
	whole map[string]int // volume and path → the strongest step on the file itself
	trees map[string]int // directory → the step that removes what is below
	users map[string]int // account → the step that removes it
}

func newCover(steps []Step) *cover {
	c := &cover{steps: steps, whole: map[string]int{}, trees: map[string]int{}, users: map[string]int{}}
	for i, s := range steps {
		k := s.Volume + "\x00" + s.Path
		switch s.Op {
		case finding.Blank, finding.Remove, finding.RemoveTree:
			if j, ok := c.whole[k]; !ok || phase(steps[j].Op) < phase(s.Op) {
				c.whole[k] = i
			}
		case finding.RemoveUser:
			c.users[s.User] = i
		}
		if s.Op == finding.RemoveTree || s.Op == finding.EmptyDir {
			c.trees[k] = i
		}
	}
	return c
}

// of is the step that removes or empties a file, -1 for none. self is a step
// that does not count.
func (c *cover) of(volume, name string, self int) int {
	for _, v := range []string{volume, ""} { // a path of the user's names no volume
		for p := parent(name); p != ""; p = parent(p) {
			if j, ok := c.trees[v+"\x00"+p]; ok && j != self {
				return j
			}
		}
		if j, ok := c.whole[v+"\x00"+name]; ok && j != self {
			return j
		}
	}
	return -1
}

// all is a step if every place lies in a file that some step removes or
// empties, -1 otherwise.
func (c *cover) all(places []finding.Where) int {
	step := -1
	for _, w := range places {
		name, _, _ := strings.Cut(w.Path, "!/")
		if w.Deleted || name == "" {
			return -1
		}
		if step = c.of(w.Volume, name, -1); step < 0 {
			return -1
		}
	}
	return step
}

// into is the step that does all that step i does, i itself if there is none.
func (c *cover) into(i int) int {
	s := c.steps[i]
	switch {
	case s.Op == finding.LockPassword:
		if j, ok := c.users[s.User]; ok {
			return j
		}
		return i
	case s.Path == "", s.User != "", s.Op == finding.Scrub, s.Op == finding.Reset:
		return i
	}
	if j := c.of(s.Volume, s.Path, i); j >= 0 && phase(c.steps[j].Op) >= phase(s.Op) {
		return j
	}
	return i
}

// subsume drops steps whose file another step removes or empties anyway; the
// stronger step takes over what they settle.
func subsume(steps []Step) []Step {
	c := newCover(steps)
	gone := make([]bool, len(steps))
	for i := range steps {
		j := c.into(i)
		for n := 0; n < len(steps) && c.into(j) != j; n++ {
			j = c.into(j)
		}
		if j == i {
			continue
		}
		gone[i] = true
		steps[j].Findings = union(steps[j].Findings, steps[i].Findings)
		steps[j].Checks = union(steps[j].Checks, steps[i].Checks)
	}
	var out []Step
	for i, s := range steps {
		if !gone[i] {
			out = append(out, s)
		}
	}
	return out
}

func parent(p string) string {
	i := strings.LastIndexByte(p, '/')
	if i <= 0 {
		return ""
	}
	return p[:i]
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}
