package assay

import (
	"fmt"
	"slices"
	"strings"

	"assay/finding"
)

// byContent are checks that read everything: what they find where another
// check, which knows the file, reports already, is said once, by the latter.
var byContent = []string{"any/secrets/", "windows/registry/secrets"}

// overlap holds back what the content checks find until all others are done.
type overlap struct {
	held []finding.Finding
	said map[string]bool // "path", "path:line" and "path fingerprint" of the others
}

// hold reports whether f waits.
func (o *overlap) hold(f finding.Finding) bool {
	if slices.ContainsFunc(byContent, func(id string) bool { return strings.HasPrefix(f.Check, id) }) {
		o.held = append(o.held, f)
		return true
	}
	if o.said == nil {
		o.said = map[string]bool{}
	}
	for _, w := range append([]finding.Where{f.Where}, f.Places...) {
		o.said[w.Path] = true
		if w.Line > 0 {
			o.said[fmt.Sprintf("%s:%d", w.Path, w.Line)] = true
		}
		if f.Evidence != nil {
			o.said[w.Path+" "+f.Evidence.Fingerprint] = true
			if hive, _, ok := strings.Cut(w.Path, "!/"); ok {
				o.said[hive+" "+f.Evidence.Fingerprint] = true
			}
		}
	}
	return false
}

// release returns what was held and is not said by another, with the places
// that are.
func (o *overlap) release() (out []finding.Finding) {
	for _, f := range o.held {
		var left []finding.Where
		for _, w := range append([]finding.Where{f.Where}, f.Places...) {
			if !o.covered(f, w) {
				left = append(left, w)
			}
		}
		if len(left) == 0 {
			continue
		}
		f.Where, f.Places = left[0], left[1:]
		if len(f.Places) == 0 {
			f.Places = nil
		}
		f.Identify()
		out = append(out, f)
	}
	return out
}

func (o *overlap) covered(f finding.Finding, w finding.Where) bool {
	if hive, _, ok := strings.Cut(w.Path, "!/"); ok && strings.HasPrefix(f.Check, "windows/") && o.said[hive+" "+f.Evidence.Fingerprint] {
		return true
	}
	return w.Line > 0 && o.said[fmt.Sprintf("%s:%d", w.Path, w.Line)] ||
		o.said[w.Path+" "+f.Evidence.Fingerprint] && !w.Deleted ||
		strings.Contains(f.Evidence.Kind, "private-key") && !w.Deleted && o.said[w.Path]
}
