package credfile

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// ReadLimit bounds what is read of one file.
const ReadLimit = 4 << 20

// Bounds on what one finding shows.
const (
	maxPlaces = 50
	maxNames  = 4
)

// Pass is a run over one machine.
type Pass = check.Pass[*guest.Guest]

// A File is one kind of file that is known to hold secrets.
type File struct {
	Tool     string   // whose file it is: a proper name, the same in every language
	Patterns []string // see guest.Match; a link at the end is followed too
	Names    []string // names looked for in the whole tree, outside what packages own: "x" or "*.ext"

	// What is inside. Parse with Secrets for formats of keys and values, Find
	// for others, neither for files whose presence is the fact.
	Parse   settings.Parser
	Secrets string // keys that hold secrets, separated by spaces, in lower case; "*" at either end matches anything
	IDs     string // keys whose value names the secret and may be shown in part
	Find    func([]byte) []Secret
	Magic   string // the file must start like this

	Severity finding.Severity // 0: the check's
	// Present is the severity when no secret was found inside; 0 is silence.
	Present finding.Severity
	// Loose says that a file of this name is often something else: one that
	// cannot be parsed is no gap.
	Loose bool
	Fix   finding.Op // Remove, RemoveLine, Blank, or "" when a person must decide
	Safe  bool
}

// A Secret is one secret inside a file.
type Secret struct {
	Name  string // of the key that holds it, or what kind of line it is
	ID    string // what names it: an AccessKey ID, a login; shown in part
	Value []byte
	Line  int
}

// Run reports what the files say. A file that several entries match is
// judged by the first that finds something in it.
func Run(p *Pass, files ...File) error {
	done := map[fsys.Place]bool{}
	for _, f := range files {
		for _, m := range f.matches(p.Subject) {
			if err := p.Context.Err(); err != nil {
				return err
			}
			if !done[m.Place] && f.one(p, m) {
				done[m.Place] = true
			}
		}
	}
	return nil
}

func (f File) matches(g *guest.Guest) []guest.Match {
	out := Targets(g, f.Patterns...)
	if len(f.Names) > 0 {
		out = append(out, Named(g, f.Names...)...)
	}
	return out
}

func (f File) one(p *Pass, m guest.Match) bool {
	if f.Parse == nil && f.Find == nil && f.Magic == "" {
		f.report(p, m, nil, nil)
		return true
	}
	b, ok := Read(p, m)
	if !ok || !strings.HasPrefix(string(b[:min(len(b), len(f.Magic))]), f.Magic) {
		return false
	}
	var secrets []Secret
	switch {
	case f.Find != nil:
		secrets = f.Find(b)
	case f.Parse != nil:
		set, err := f.Parse(b)
		if err != nil && !f.Loose {
			p.Gap(finding.GapCorrupt, Where(p.Subject, m), "%s: %v", f.Tool, err)
		}
		secrets = Pick(set, f.Secrets, f.IDs)
	}
	if len(secrets) == 0 && f.Present == 0 && (f.Parse != nil || f.Find != nil) {
		return false
	}
	if file, err := p.Subject.Tree.OpenAt(m.Place); err == nil && p.Subject.Shipped(m.Path, file) {
		return false // the vendor's default, known to all
	}
	f.report(p, m, b, secrets)
	return true
}

// Pick returns the settings whose key is one of keys and whose value is a
// secret and not a placeholder value; see File for the two lists.
func Pick(set []settings.Setting, keys, ids string) (out []Secret) {
	want, names := strings.Fields(keys), strings.Fields(ids)
	shown := map[string]string{} // path -> the ID beside it
	for _, s := range set {
		if matches(names, s.Key) && shown[s.Path] == "" {
			shown[s.Path] = s.Value
		}
	}
	for _, s := range set {
		if matches(want, s.Key) && Real(s.Value) {
			out = append(out, Secret{s.Key, shown[s.Path], []byte(s.Value), s.Line})
		}
	}
	return out
}

func matches(patterns []string, key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(patterns, func(p string) bool { return like(p, key) })
}

// like matches a "*" at the start, at the end or at both.
func like(p, s string) bool {
	rest, front := strings.CutPrefix(p, "*")
	rest, back := strings.CutSuffix(rest, "*")
	switch {
	case front && back:
		return strings.Contains(s, rest)
	case front:
		return strings.HasSuffix(s, rest)
	case back:
		return strings.HasPrefix(s, rest)
	}
	return s == p
}

func (f File) report(p *Pass, m guest.Match, b []byte, secrets []Secret) {
	w := Where(p.Subject, m)
	out := finding.Finding{Where: w, Severity: f.Severity}
	base := Show(path.Base(m.Path))
	switch {
	case len(secrets) == 0 && f.Present != 0:
		out.Severity = f.Present
		out.Title = finding.Tf("%s: %s is there; no secret was recognised in it", "%s：存在文件 %s，未在其中识别出机密", f.Tool, base)
	case len(secrets) == 0:
		out.Title = finding.Tf("%s keeps credentials in %s", "%s 在 %s 中保存了凭证", f.Tool, base)
	default:
		s := secrets[0]
		out.Title = title(f.Tool, base, secrets)
		out.Where.Line = s.Line
		out.Evidence = p.Secret("secret", s.Value, Show(s.Name)+" = "+check.Mask())
		if s.Name == "" {
			out.Evidence.Excerpt = check.Mask()
		}
		lines := map[int]bool{s.Line: true}
		for _, s := range secrets[1:] {
			if !lines[s.Line] && len(out.Places) < maxPlaces {
				lines[s.Line] = true
				w.Line = s.Line
				out.Places = append(out.Places, w)
			}
		}
	}
	out.Fix = f.fix(p, m, b, secrets)
	p.Report(out)
}

func title(tool, base string, secrets []Secret) finding.Text {
	var names []string
	for _, s := range secrets {
		if n := Show(s.Name); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	more := ""
	if len(names) > maxNames {
		names, more = names[:maxNames], ", …"
	}
	id := ""
	if secrets[0].ID != "" {
		id = PartID(secrets[0].ID)
	}
	list := strings.Join(names, ", ") + more
	if list == "" { // the whole file is the secret
		return finding.Tf("%s: %s holds a secret in clear", "%s:%s 以明文保存了机密", tool, base)
	}
	if id != "" {
		return finding.Tf("%s: %s holds %s of %s", "%[1]s：%[2]s 中保存了 %[4]s 的 %[3]s", tool, base, list, id)
	}
	return finding.Tf("%s: %s holds %s", "%s：%s 中保存了 %s", tool, base, list)
}

// LossRisk says what breaks when a credential file goes.
var LossRisk = finding.T("Whatever still uses this credential stops working until it gets a new one",
	"仍在使用该凭证的程序将无法工作，直到重新配置凭证")

func (f File) fix(p *Pass, m guest.Match, b []byte, secrets []Secret) *finding.Fix {
	redact := redactions(p, m, b, secrets)
	if f.Fix == "" && len(redact) == 0 {
		return nil
	}
	vol := p.Subject.Tree.VolumeOf(m.Place)
	fix := &finding.Fix{Title: finding.T("Remove the file", "删除该文件"), Safe: f.Safe, Redact: redact}
	switch f.Fix {
	case "":
		fix.Title = finding.T("Overwrite the secrets with placeholders of the same length", "用等长占位符覆盖机密")
		fix.Safe = false
	case finding.RemoveLine:
		fix.Title = finding.T("Remove the lines that hold the secrets", "删除包含机密的行")
		fix.Edits = removeLines(p, m, b, secrets)
	default:
		if f.Fix == finding.Blank {
			fix.Title = finding.T("Empty the file", "清空该文件")
		}
		fix.Edits = []finding.Edit{{Op: f.Fix, Volume: vol, Path: m.Path}}
	}
	if !fix.Safe {
		fix.Risk = &LossRisk
	}
	return fix
}

func removeLines(p *Pass, m guest.Match, b []byte, secrets []Secret) (edits []finding.Edit) {
	all := bytes.Split(b, []byte{'\n'})
	last := 0
	for _, s := range secrets {
		if s.Line == last || s.Line < 1 || s.Line > len(all) {
			continue
		}
		last = s.Line
		line := bytes.TrimSuffix(all[s.Line-1], []byte{'\r'})
		edits = append(edits, finding.Edit{Op: finding.RemoveLine, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path, Line: s.Line,
			Expect: p.Secret("line", line, "").Fingerprint})
	}
	return edits
}

// redactions overwrite each secret where it stands in its line as it is; one
// that is escaped or encoded there is left out. The last place in the line is
// taken: a value comes after its key.
func redactions(p *Pass, m guest.Match, b []byte, secrets []Secret) (edits []finding.Edit) {
	starts := []int{0}
	for i, c := range b {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	for _, s := range secrets {
		if s.Line < 1 || s.Line > len(starts) || len(s.Value) == 0 {
			continue
		}
		from, to := starts[s.Line-1], len(b)
		if s.Line < len(starts) {
			to = starts[s.Line]
		}
		at := bytes.LastIndex(b[from:to], s.Value)
		if at < 0 {
			continue
		}
		e := finding.Edit{Op: finding.Replace, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path, Offset: int64(from + at),
			Length: int64(len(s.Value)), Expect: p.Secret("secret", s.Value, "").Fingerprint}
		if !slices.Contains(edits, e) {
			edits = append(edits, e)
		}
	}
	return edits
}

// Where names the place of a match.
func Where(g *guest.Guest, m guest.Match) finding.Where {
	return finding.Where{Volume: g.Tree.VolumeOf(m.Place), Path: m.Path, User: m.User}
}

// Read reads a match, or says in a gap why it cannot. A file over ReadLimit
// gives its start and a gap.
func Read(p *Pass, m guest.Match) ([]byte, bool) {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, Where(p.Subject, m), "%v", err)
		return nil, false
	}
	b, err := fsys.Content(f, ReadLimit)
	switch {
	case errors.Is(err, fsys.ErrTooLarge):
		p.Gap(finding.GapLimit, Where(p.Subject, m), "only the first %d bytes were read", ReadLimit)
	case err != nil:
		p.Gap(finding.GapUnreadable, Where(p.Subject, m), "%v", err)
		return nil, false
	}
	return b, true
}

// Show makes a stranger's short text printable and bounds it.
func Show(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}

// PartID shows enough of an identifier to find it in a console: the first
// eight characters. What is too short to be one is not shown.
func PartID(id string) string {
	r := []rune(Show(id))
	if len(r) < 12 {
		return ""
	}
	return fmt.Sprintf("%s…", string(r[:8]))
}

// One judges a single match, for files that a check finds by itself. It
// reports whether there was something to say.
func One(p *Pass, f File, m guest.Match) bool { return f.one(p, m) }
