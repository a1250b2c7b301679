package plan

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"assay/finding"
)

// A Profile says how far a plan goes by itself.
type Profile string

// The profiles.
const (
	// Image does everything that is safe: the image boots and gets its
	// credentials at first boot.
	Image Profile = "image"
	// Minimal does what is safe against credentials and preset accounts, and
	// leaves traces and logs.
	Minimal Profile = "minimal"
	// Documents does what the two source documents demand, also where a person
	// would have to decide: unknown users go, private keys go, /tmp is emptied.
	Documents Profile = "documents"
)

// documented are the rows that demand a removal without asking.
var documented = []string{"A1", "A2", "A3", "A14", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11"}

// Options are what the user decided.
type Options struct {
	Profile     Profile
	Keep        []string // patterns of paths, or IDs of checks or groups, that no step touches
	KeepUsers   []string
	KeepKeys    []string // fingerprints of public keys, SHA256:…
	Remove      []string // paths or patterns to remove; IDs of checks, groups or findings whose fix is taken though it is not safe
	RemoveUsers []string
	Redact      bool // overwrite hard-coded secrets in place
}

// Make orders what is to be done about the findings. The plan's header
// (Target, Size, Catalogue, Tool) is the caller's.
func Make(found []finding.Finding, o Options) *Plan {
	m := maker{o: o, plan: &Plan{Protocol: Protocol, Profile: o.Profile}, at: map[string]int{}}
	for _, k := range o.Keep {
		if strings.HasPrefix(k, "/") {
			m.plan.Keep = append(m.plan.Keep, k)
		}
	}
	for _, f := range found {
		m.finding(f)
	}
	m.users()
	m.paths()
	m.plan.Steps = subsume(m.plan.Steps)
	m.covered(found)
	slices.SortStableFunc(m.plan.Steps, order)
	slices.SortStableFunc(m.plan.Decisions, func(a, b Decision) int { return cmp.Compare(b.Severity, a.Severity) })
	return m.plan
}

type maker struct {
	o    Options
	plan *Plan
	at   map[string]int // step by its edit
}

func (m *maker) finding(f finding.Finding) {
	switch {
	case f.Accepted != nil:
		return
	case m.kept(f):
		m.plan.Kept = append(m.plan.Kept, decision(f, finding.T("kept as you asked", "按您的要求保留")))
		return
	}
	fix, by := m.chosen(f)
	if fix == nil {
		m.plan.Decisions = append(m.plan.Decisions, decision(f, how(f)))
		return
	}
	for _, e := range fix.Edits {
		m.add(e, f, fix, by)
	}
}

// chosen is the fix to take for a finding and the flag that chose it, nil for
// none.
func (m *maker) chosen(f finding.Finding) (*finding.Fix, string) {
	named := matches(m.o.Remove, f.Check) || slices.Contains(m.o.Remove, f.ID)
	has := f.Fix != nil && len(f.Fix.Edits) > 0
	switch {
	case has && f.Fix.Safe && (m.o.Profile != Minimal || minimal(f)):
		return f.Fix, ""
	case named && has:
		return f.Fix, "--remove"
	case named && removable(f):
		return removal(f), "--remove"
	case m.o.Redact && f.Fix != nil && len(f.Fix.Redact) > 0:
		return &finding.Fix{Title: finding.T("Overwrite the secret", "覆盖机密"), Risk: f.Fix.Risk, Edits: f.Fix.Redact}, "--redact"
	case m.o.Profile == Documents && f.Check == unknownUser && f.Where.User != "":
		return userFix(f), "--profile documents"
	case m.o.Profile == Documents && has && slices.ContainsFunc(f.Rows, func(r string) bool { return slices.Contains(documented, r) }):
		return f.Fix, "--profile documents"
	}
	return nil, ""
}

// removable reports whether removing the file settles a finding: it is about
// the file's content, and the guest can do without it.
func removable(f finding.Finding) bool {
	if f.Where.Path == "" || f.Where.Deleted || f.Class == finding.Exposure || f.Class == finding.PresetAccount {
		return false
	}
	for _, w := range append([]finding.Where{f.Where}, f.Places...) {
		if Essential(w.Path) != nil {
			return false
		}
	}
	return true
}

// unknownUser is the check of accounts that neither the system nor its
// packages made. It offers no fix: only a person knows whose they are.
const unknownUser = "linux/account/unknown-user"

func userFix(f finding.Finding) *finding.Fix {
	return &finding.Fix{Title: finding.Tf("Remove user %s", "删除用户 %s", f.Where.User),
		Edits: []finding.Edit{{Op: finding.RemoveUser, Volume: f.Where.Volume, Path: f.Where.Path, User: f.Where.User}}}
}

// removal removes the file, and all further places, of a finding.
func removal(f finding.Finding) *finding.Fix {
	fix := &finding.Fix{Title: finding.T("Remove the file", "删除该文件")}
	seen := map[string]bool{}
	for _, w := range append([]finding.Where{f.Where}, f.Places...) {
		name, _, _ := strings.Cut(w.Path, "!/") // a container goes as a whole
		if w.Deleted || name == "" || seen[w.Volume+"\x00"+name] {
			continue
		}
		seen[w.Volume+"\x00"+name] = true
		fix.Edits = append(fix.Edits, finding.Edit{Op: finding.RemoveTree, Volume: w.Volume, Path: name})
	}
	if f.Fix != nil {
		fix.Risk = f.Fix.Risk
	}
	return fix
}

func minimal(f finding.Finding) bool {
	return (f.Class == finding.IdentityCredential || f.Class == finding.PresetAccount) && f.Severity >= finding.Medium
}

func (m *maker) kept(f finding.Finding) bool {
	switch {
	case f.Where.User != "" && slices.Contains(m.o.KeepUsers, f.Where.User):
		return true
	case f.Evidence != nil && slices.Contains(m.o.KeepKeys, f.Evidence.Fingerprint):
		return true
	case matches(m.o.Keep, f.Check), slices.Contains(m.o.Keep, f.ID):
		return true
	}
	return Kept(m.o.Keep, f.Where.Path)
}

// Kept reports whether a path, or a directory above it, matches a pattern of
// the kind path.Match knows; what lies in a file is kept with it.
func Kept(patterns []string, name string) bool {
	name, _, _ = strings.Cut(name, "!/")
	for ; len(name) > 1; name = path.Dir(name) {
		for _, p := range patterns {
			if ok, err := path.Match(p, name); strings.HasPrefix(p, "/") && (ok && err == nil || p == name) {
				return true
			}
		}
	}
	return false
}

// matches reports whether a check's ID, or a group above it, is named.
func matches(names []string, check string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		n = strings.TrimSuffix(n, "/")
		return n == check || n != "" && strings.HasPrefix(check, n+"/")
	})
}

// add adds an edit, or one more reason to a step that is there already.
func (m *maker) add(e finding.Edit, f finding.Finding, fix *finding.Fix, by string) {
	key := string(e.Op) + "\x00" + e.Volume + "\x00" + e.Path + "\x00" + e.User + "\x00" + detail(e)
	if e.Op == finding.RemoveUser { // whatever names the account, it goes once
		key = string(e.Op) + "\x00" + e.User
	}
	i, ok := m.at[key]
	if !ok {
		i = len(m.plan.Steps)
		m.at[key] = i
		m.plan.Steps = append(m.plan.Steps, Step{Edit: e, Why: f.Title, Risk: fix.Risk, By: by})
		if fix.Risk == nil && f.Fix != nil && !f.Fix.Safe {
			m.plan.Steps[i].Risk = f.Fix.Risk
		}
	}
	s := &m.plan.Steps[i]
	if f.Check != "" && !slices.Contains(s.Checks, f.Check) {
		s.Checks = append(s.Checks, f.Check)
	}
	if f.ID != "" && !slices.Contains(s.Findings, f.ID) {
		s.Findings = append(s.Findings, f.ID)
	}
}

// covered closes decisions about files that a step removes or empties for
// another reason.
func (m *maker) covered(found []finding.Finding) {
	byID := map[string]finding.Finding{}
	for _, f := range found {
		byID[f.ID] = f
	}
	c := newCover(m.plan.Steps)
	var open []Decision
	for _, d := range m.plan.Decisions {
		f := byID[d.ID]
		i := c.all(append([]finding.Where{f.Where}, f.Places...))
		if i < 0 || f.Class == finding.Exposure || f.Class == finding.PresetAccount {
			open = append(open, d)
			continue
		}
		m.plan.Steps[i].Findings = union(m.plan.Steps[i].Findings, []string{d.ID})
		m.plan.Steps[i].Checks = union(m.plan.Steps[i].Checks, []string{d.Check})
	}
	m.plan.Decisions = open
}

// users adds the accounts that the user named, found or not.
func (m *maker) users() {
	for _, u := range m.o.RemoveUsers {
		f := finding.Finding{Title: finding.Tf("You asked to remove user %s", "您要求删除用户 %s", u)}
		m.add(finding.Edit{Op: finding.RemoveUser, Path: "/etc/passwd", User: u}, f, &finding.Fix{}, "--remove-user")
	}
}

// paths adds the paths that the user named.
func (m *maker) paths() {
	for _, p := range m.o.Remove {
		if strings.HasPrefix(p, "/") {
			f := finding.Finding{Title: finding.Tf("You asked to remove %s", "您要求删除 %s", p)}
			m.add(finding.Edit{Op: finding.RemoveTree, Path: path.Clean(p)}, f, &finding.Fix{}, "--remove")
		}
	}
}

func decision(f finding.Finding, how finding.Text) Decision {
	d := Decision{ID: f.ID, Check: f.Check, Severity: f.Severity, Title: f.Title, Where: f.Where, How: how}
	if f.Fix != nil {
		d.Risk = f.Fix.Risk
	}
	return d
}

// how says what the user can decide about a finding that is left.
func how(f finding.Finding) finding.Text {
	switch {
	case f.Where.Deleted:
		return finding.T("Goes with the scrubbing of free space", "随空闲空间清零一并清除")
	case f.Check == unknownUser && f.Where.User != "":
		return finding.Tf("Remove with --remove-user %[1]s, or keep with --keep-user %[1]s", "用 --remove-user %[1]s 删除，或用 --keep-user %[1]s 保留", f.Where.User)
	case f.Fix != nil && len(f.Fix.Redact) > 0:
		return finding.Tf("Overwrite in place with --redact, fix or remove with --remove %[1]s, or keep with --accept %[1]s --reason …",
			"用 --redact 原位覆盖，用 --remove %[1]s 修复或删除，或用 --accept %[1]s --reason … 保留", f.ID)
	case !removable(f) && (f.Fix == nil || len(f.Fix.Edits) == 0):
		return finding.Tf("Settle it in the image, or keep with --accept %s --reason …", "请在镜像中处理，或用 --accept %s --reason … 保留", f.ID)
	}
	return finding.Tf("Fix or remove with --remove %[1]s, or keep with --accept %[1]s --reason …", "用 --remove %[1]s 修复或删除，或用 --accept %[1]s --reason … 保留", f.ID)
}
