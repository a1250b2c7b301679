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
	finding.Replace, finding.SetSSHD, finding.RemoveLine, finding.LockPassword, finding.RemoveUser,
	finding.Reset, finding.Blank, finding.Remove, finding.EmptyDir, finding.RemoveTree, finding.Scrub,
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
	return fmt.Sprint(e.Line, " ", e.Offset, " ", e.Length, " ", e.With)
}

// subsume drops steps whose file another step removes or empties anyway; the
// stronger step takes over what they settle.
func subsume(steps []Step) []Step {
	whole := map[string]int{} // path → the strongest step on the file itself
	trees := map[string]int{} // directory → the step that removes what is below
	key := func(s Step, p string) string { return s.Volume + "\x00" + p }
	for i, s := range steps {
		switch s.Op {
		case finding.Blank, finding.Remove, finding.RemoveTree:
			k := key(s, s.Path)
			if j, ok := whole[k]; !ok || phase(steps[j].Op) < phase(s.Op) {
				whole[k] = i
			}
		}
		if s.Op == finding.RemoveTree || s.Op == finding.EmptyDir {
			trees[key(s, s.Path)] = i
		}
	}
	into := func(i int) int {
		s := steps[i]
		if s.Path == "" || s.User != "" || s.Op == finding.Scrub || s.Op == finding.Reset {
			return i
		}
		for p := parent(s.Path); p != ""; p = parent(p) {
			if j, ok := trees[key(s, p)]; ok && j != i {
				return j
			}
		}
		if j, ok := whole[key(s, s.Path)]; ok {
			return j
		}
		return i
	}
	gone := make([]bool, len(steps))
	for i := range steps {
		j := into(i)
		for j != i && into(j) != j {
			j = into(j)
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
