package registry

import (
	"bytes"
	"slices"

	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/checks/credfile"
)

// A saved is a key below Software in which a program keeps something.
type saved struct {
	program  string
	key      string // below Software
	what     finding.Text
	severity finding.Severity
	secret   string // a value somewhere below that must be there and not be empty; "" for any key or value
	safe     bool
}

// report tells of every key in list that holds something, of users and of the
// machine, with the fix to remove it.
func report(p *Pass, list []saved) {
	w := p.Subject.Windows()
	if w == nil {
		return
	}
	for _, u := range everywhere(w) {
		for _, s := range list {
			key := u.under(s.key)
			k := u.Key(key)
			if !s.holds(k) {
				continue
			}
			f := at(u.Hive, key)
			f.Severity = s.severity
			f.Where.User = u.name
			owner, whose := "the machine", "本机的 "
			if u.name != "" {
				owner, whose = credfile.Show(u.name), credfile.Show(u.name)+" 的 "
			}
			f.Title = finding.T(s.program+" of "+owner+": "+s.what.EN, whose+s.program+"："+s.what.ZH)
			f.Fix = &finding.Fix{Title: t("Remove it from the registry", "从注册表中删除"), Safe: s.safe, Edits: []finding.Edit{u.Edit(finding.RegDeleteKey, key, "")}}
			if !s.safe {
				risk := t("The program loses its settings", "该程序将丢失其设置")
				f.Fix.Risk = &risk
			}
			p.Report(f)
		}
	}
}

// holds reports whether there is something of a person in the key.
func (s saved) holds(k regf.Key) bool {
	return !nothing(k) && (s.secret == "" || below(k, s.secret))
}

// nothing reports whether a key holds nothing of a person: PuTTY and WinSCP make
// a session of default settings by themselves.
func nothing(k regf.Key) bool {
	return len(k.Values()) == 0 && !slices.ContainsFunc(k.Keys(), func(s regf.Key) bool { return s.Name() != "Default%20Settings" })
}

// maxBelow bounds the keys in which one value is looked for.
const maxBelow = 10_000

// below reports whether a value that is not empty has this name somewhere below
// k.
func below(k regf.Key, name string) (found bool) {
	n := 0
	_ = k.Walk(func(_ string, k regf.Key) error {
		if n++; n > maxBelow {
			return regf.ErrStop
		}
		if v := k.Value(name); v.Exists() && !empty(v) {
			found = true
			return regf.ErrStop
		}
		return nil
	})
	return found
}

// empty reports whether a value says nothing: no bytes, or only zeros.
func empty(v regf.Value) bool { return len(bytes.Trim(v.Data(), "\x00")) == 0 }
