package accept

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay/finding"
	"assay/internal/report"
)

// An Entry is one acceptance of an ignore file:
//
//   - check: any/ssh/authorized-keys   # or id: 0123456789abcdef, or gap: encrypted
//     path: /home/build/**               # optional with check and gap; ** is any depth
//     reason: the build user's key is removed by the pipeline
//     expires: 2027-01-31
//
// Exactly one of id, check and gap must be set; reason and expires always.
type Entry struct {
	ID      string `yaml:"id"`
	Check   string `yaml:"check"`
	Gap     string `yaml:"gap"`
	Path    string `yaml:"path"`
	Reason  string `yaml:"reason"`
	Expires string `yaml:"expires"`

	line  int
	until time.Time
}

// A List marks what is accepted. The zero value accepts nothing.
type List struct {
	entries  []Entry
	baseline map[string]bool
	// Expired are the entries whose day has passed: they do not count.
	Expired []Entry
}

// maxFile bounds an ignore file.
const maxFile = 4 << 20

// Parse adds the entries of an ignore file. today decides what has expired.
// Every error names the line.
func (l *List) Parse(b []byte, today time.Time) error {
	if len(b) > maxFile {
		return fmt.Errorf("the file has more than %d bytes", maxFile)
	}
	var nodes []yaml.Node
	if err := yaml.Unmarshal(b, &nodes); err != nil {
		return err
	}
	var errs []error
	for _, n := range nodes {
		e, err := entry(n)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("line %d: %w", n.Line, err))
		case today.Before(e.until.AddDate(0, 0, 1)):
			l.entries = append(l.entries, e)
		default:
			l.Expired = append(l.Expired, e)
		}
	}
	return errors.Join(errs...)
}

func entry(n yaml.Node) (Entry, error) {
	var e Entry
	raw, err := yaml.Marshal(&n)
	if err != nil {
		return e, err
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&e); err != nil {
		return e, errors.New(strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n  "))
	}
	e.line = n.Line
	set := 0
	for _, s := range []string{e.ID, e.Check, e.Gap} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		return e, errors.New("say exactly one of id, check or gap")
	}
	if e.ID != "" && e.Path != "" {
		return e, errors.New("path goes with check or gap, not with id")
	}
	if strings.TrimSpace(e.Reason) == "" {
		return e, errors.New("a reason is missing: say why this may stay")
	}
	if e.until, err = time.Parse(time.DateOnly, e.Expires); err != nil {
		return e, fmt.Errorf("expires: %q is no date of the form 2027-01-31", e.Expires)
	}
	return e, nil
}

// Baseline adds every finding and gap of an earlier report in JSON Lines.
func (l *List) Baseline(r io.Reader) error {
	if l.baseline == nil {
		l.baseline = map[string]bool{}
	}
	return report.Decode(r, ids(l.baseline))
}

type ids map[string]bool

func (i ids) Handle(m report.Message) error {
	if m.Finding != nil {
		i[m.Finding.ID] = true
	}
	if m.Gap != nil {
		i[m.Gap.ID] = true
	}
	return nil
}

func (i ids) Close() error { return nil }

// Finding marks f if it is accepted.
func (l *List) Finding(f *finding.Finding) {
	for _, e := range l.entries {
		if e.ID == f.ID && e.ID != "" || e.Check != "" && matches(e.Check, f.Check) && e.covers(f) {
			f.Accepted = &finding.Acceptance{By: "ignore", Reason: e.Reason, Expires: e.Expires}
			return
		}
	}
	if l.baseline[f.ID] {
		f.Accepted = &finding.Acceptance{By: "baseline"}
	}
}

// covers reports whether the entry's path names every place of f: a finding
// with one place outside is not accepted.
func (e Entry) covers(f *finding.Finding) bool {
	if e.Path == "" {
		return true
	}
	places := f.Places
	if len(places) == 0 || !strings.HasPrefix(places[0].Path, f.Where.Path+"/") { // else Where is the folder of the places
		places = append([]finding.Where{f.Where}, places...)
	}
	for _, w := range places {
		if !matches(e.Path, w.Path) {
			return false
		}
	}
	return true
}

// Gap marks g if it is accepted.
func (l *List) Gap(g *finding.Gap) {
	for _, e := range l.entries {
		at := g.Where.Path
		if at == "" {
			at = g.Where.Volume
		}
		if e.ID == g.ID && e.ID != "" || e.Gap == string(g.Kind) && (e.Path == "" || matches(e.Path, at)) {
			g.Accepted = &finding.Acceptance{By: "ignore", Reason: e.Reason, Expires: e.Expires}
			return
		}
	}
	if l.baseline[g.ID] {
		g.Accepted = &finding.Acceptance{By: "baseline"}
	}
}

// matches is path.Match with "**" for any number of components.
func matches(pattern, name string) bool {
	return match(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func match(ps, ns []string) bool {
	for len(ps) > 0 {
		if ps[0] == "**" {
			for len(ps) > 1 && ps[1] == "**" {
				ps = ps[1:]
			}
			for i := 0; i <= len(ns); i++ {
				if match(ps[1:], ns[i:]) {
					return true
				}
			}
			return false
		}
		if len(ns) == 0 {
			return false
		}
		if ok, err := path.Match(ps[0], ns[0]); err != nil || !ok {
			return false
		}
		ps, ns = ps[1:], ns[1:]
	}
	return len(ns) == 0
}
