package guest

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"assay/internal/artefact/sudoers"
)

// Bounds on what includes and aliases may cost.
const (
	maxSudoDepth = 128  // includes below each other, as sudo's own limit
	maxSudoFiles = 2000 // files in all
	maxAliasSize = 2000 // members of one expanded alias
)

// A sudoRules is everything that sudoers says, before it is asked of a user.
type sudoRules struct {
	specs    []sudoSpec
	defaults []sudoers.Default
	aliases  map[string][]string // by kind and name
	files    int
}

type sudoSpec struct {
	sudoers.Spec
	path string
}

// SudoRules returns every rule of sudoers in sudo's order, one for each name
// that a rule is given to. Rules that take something away ("!bob") are left
// out. NoPasswd includes "Defaults !authenticate" for everybody.
func (g *Guest) SudoRules() []SudoRule { return g.sudo().list() }

func (g *Guest) readSudo() *sudoRules {
	r := &sudoRules{aliases: map[string][]string{}}
	for _, name := range []string{"/etc/sudoers", "/usr/etc/sudoers"} {
		if g.Exists(name) {
			r.file(g, name, 0)
			break
		}
	}
	return r
}

// file reads one file, with what it includes in its place.
func (r *sudoRules) file(g *Guest, name string, depth int) {
	if r.files++; depth > maxSudoDepth || r.files > maxSudoFiles {
		return
	}
	b, err := g.Read(name)
	if err != nil && len(b) == 0 {
		return // Index reports a file that cannot be read
	}
	f := sudoers.Parse(b)
	for _, a := range f.Aliases {
		if key := aliasKey(a.Kind, a.Name); r.aliases[key] == nil { // sudo refuses a second definition
			r.aliases[key] = a.Members
		}
	}
	r.defaults = append(r.defaults, f.Defaults...)
	done := 0
	take := func(upto int) {
		for _, s := range f.Specs[done:upto] {
			r.specs = append(r.specs, sudoSpec{s, name})
		}
		done = upto
	}
	for _, in := range f.Includes {
		take(in.After)
		target := in.Path
		if !strings.HasPrefix(target, "/") {
			target = path.Join(path.Dir(name), target)
		}
		if !in.Dir {
			r.file(g, target, depth+1)
			continue
		}
		es, _ := g.Tree.ReadDir(target) // sorted, as sudo reads them; Index reports what cannot be read
		for _, e := range es {
			if !strings.Contains(e.Name, ".") && !strings.HasSuffix(e.Name, "~") {
				r.file(g, path.Join(target, e.Name), depth+1)
			}
		}
	}
	take(len(f.Specs))
}

func aliasKey(kind, name string) string {
	if kind == "Cmd_Alias" {
		kind = "Cmnd_Alias"
	}
	return kind + " " + name
}

// expand replaces aliases in a list. An alias that names itself is left out.
func (r *sudoRules) expand(kind string, list []string) []string {
	var out []string
	open := map[string]bool{}
	var add func(list []string, negate bool)
	add = func(list []string, negate bool) {
		for _, x := range list {
			bare := strings.TrimLeft(x, "!")
			no := negate != ((len(x)-len(bare))%2 == 1)
			key := aliasKey(kind, bare)
			if members, ok := r.aliases[key]; ok {
				if !open[key] && len(out) < maxAliasSize {
					open[key] = true
					add(members, no)
					open[key] = false
				}
				continue
			}
			if no {
				bare = "!" + bare
			}
			if len(out) < maxAliasSize {
				out = append(out, bare)
			}
		}
	}
	add(list, false)
	return out
}

// rule sums up what one specification allows.
func (r *sudoRules) rule(s sudoSpec) SudoRule {
	rule := SudoRule{Path: s.path, Line: s.Line, NoPasswd: r.noAuth(nil)}
	for _, c := range s.Commands {
		commands := r.expand("Cmnd_Alias", []string{c.Text})
		if !slices.ContainsFunc(commands, func(x string) bool { return x[0] != '!' }) {
			continue // only takes away
		}
		rule.NoPasswd = rule.NoPasswd || c.NoPasswd
		rule.All = rule.All || slices.Contains(commands, "ALL") && r.asRoot(c.Runas)
	}
	return rule
}

// asRoot reports whether a list of target users includes root; nil means the
// default, which is root unless a Defaults line says otherwise.
func (r *sudoRules) asRoot(runas []string) bool {
	if runas == nil {
		for _, d := range r.defaults {
			if name, ok := strings.CutPrefix(d.Setting, "runas_default="); ok && d.Scope == 0 {
				return name == "root"
			}
		}
		return true
	}
	root := false
	for _, x := range r.expand("Runas_Alias", runas) {
		switch x {
		case "root", "ALL", "#0", "%root", "%#0":
			root = true
		case "!root", "!#0", "!ALL":
			root = false
		}
	}
	return root
}

// noAuth reports whether Defaults lines do away with the password: for
// everybody when a is nil, else for that account.
func (r *sudoRules) noAuth(a *Account) bool {
	off := false
	for _, d := range r.defaults {
		applies := d.Scope == 0 || d.Scope == '@' || d.Scope == ':' && a != nil && r.given(d.For, *a)
		if name := strings.TrimSpace(strings.TrimPrefix(d.Setting, "!")); applies && name == "authenticate" {
			off = strings.HasPrefix(d.Setting, "!")
		}
	}
	return off
}

// given reports whether a list of users means the account. The last item that
// fits decides, as in sudo.
func (r *sudoRules) given(list []string, a Account) bool {
	yes := false
	for _, x := range r.expand("User_Alias", list) {
		bare := strings.TrimPrefix(x, "!")
		if names(bare, a) {
			yes = bare == x
		}
	}
	return yes
}

func names(x string, a Account) bool {
	if x == "ALL" || x == a.Name {
		return true
	}
	if id, ok := strings.CutPrefix(x, "#"); ok {
		return id == strconv.FormatUint(uint64(a.UID), 10)
	}
	if id, ok := strings.CutPrefix(x, "%#"); ok {
		return id == strconv.FormatUint(uint64(a.GID), 10)
	}
	group, ok := strings.CutPrefix(x, "%")
	return ok && slices.Contains(a.Groups, group)
}

func (r *sudoRules) list() []SudoRule {
	var out []SudoRule
	for _, s := range r.specs {
		rule := r.rule(s)
		for _, who := range s.Users {
			if rule.Who = who; !strings.HasPrefix(who, "!") {
				out = append(out, rule)
			}
		}
	}
	return out
}

// setSudo fills Sudo of every account.
func (g *Guest) setSudo(a *Accounts) {
	r := g.sudo()
	for _, s := range r.specs {
		rule := r.rule(s)
		for i := range a.Users {
			u := &a.Users[i]
			if !r.given(s.Users, *u) {
				continue
			}
			mine := rule
			mine.NoPasswd = mine.NoPasswd || r.noAuth(u)
			for _, who := range s.Users { // the item that means u, as written
				if r.given([]string{who}, *u) {
					mine.Who = who
				}
			}
			u.Sudo = append(u.Sudo, mine)
		}
	}
}
