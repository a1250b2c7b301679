package html

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// A bar is one row of a chart: a label, a total, and a part for each severity.
type bar struct {
	Label finding.Text
	Mono  bool
	Total int
	Parts []part
}

// A part is a rectangle in a drawing that is barUnits wide.
type part struct {
	Severity finding.Severity
	N        int
	X, Width int
}

const (
	barUnits = 1000
	minPart  = 6 // so that one finding among thousands can still be seen
	maxDirs  = 8
)

// byClass counts what is not accepted by class and severity.
func byClass(items []*item) []bar {
	n := map[finding.Class]map[finding.Severity]int{}
	for _, it := range items {
		add(n, it.Class, it)
	}
	var bars []bar
	for _, c := range finding.Classes() {
		if n[c] != nil {
			bars = append(bars, newBar(report.ClassWord(c), n[c]))
		}
	}
	return scale(bars)
}

// byDir counts by the directories with the most findings.
func byDir(items []*item) []bar {
	n := map[string]map[finding.Severity]int{}
	for _, it := range items {
		add(n, directory(it.Where), it)
	}
	var bars []bar
	for d, by := range n {
		name := report.Printable(d)
		bars = append(bars, newBar(finding.T(name, name), by))
		bars[len(bars)-1].Mono = true
	}
	slices.SortFunc(bars, func(a, b bar) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), strings.Compare(a.Label.EN, b.Label.EN))
	})
	return scale(bars[:min(len(bars), maxDirs)])
}

func add[K comparable](n map[K]map[finding.Severity]int, k K, it *item) {
	if it.Accepted != nil {
		return
	}
	if n[k] == nil {
		n[k] = map[finding.Severity]int{}
	}
	n[k][it.Severity]++
}

// directory is the first two elements of the directory a finding lies in, or
// its volume.
func directory(w finding.Where) string {
	if !strings.HasPrefix(w.Path, "/") {
		return cmp.Or(w.Volume, w.Path, "?")
	}
	parts := strings.SplitN(path.Dir(path.Clean(w.Path)), "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

func newBar(label finding.Text, by map[finding.Severity]int) bar {
	b := bar{Label: label}
	for _, s := range finding.Severities() {
		if by[s] > 0 {
			b.Parts = append(b.Parts, part{Severity: s, N: by[s]})
			b.Total += by[s]
		}
	}
	return b
}

// scale gives the parts their place: the longest bar fills the drawing.
func scale(bars []bar) []bar {
	longest := 1
	for _, b := range bars {
		longest = max(longest, b.Total)
	}
	room := barUnits - minPart*len(finding.Severities())
	for _, b := range bars {
		x := 0
		for i := range b.Parts {
			b.Parts[i].X, b.Parts[i].Width = x, minPart+b.Parts[i].N*room/longest
			x += b.Parts[i].Width
		}
	}
	return bars
}
