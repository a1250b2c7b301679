package account

import (
	"strconv"
	"strings"

	"assay/check"
	"assay/finding"
)

var subidLeftovers = &Check{
	ID:       "linux/account/subid-leftovers",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"A14", "B4"},
	Covers:   []string{"ACC-033"},
	Doc: check.Doc{
		Title:  t("Ranges of ids given to users who are gone", "分配给已不存在用户的 id 范围"),
		Why:    t("The names of former users remain, and a later account of that name inherits the range", "旧用户名仍然保留，日后的同名账户会继承该范围"),
		Remedy: t("Remove the lines from /etc/subuid and /etc/subgid", "从 /etc/subuid 和 /etc/subgid 中删除相应的行"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, name := range []string{"/etc/subuid", "/etc/subgid"} {
			b, err := p.Subject.Read(name)
			if err != nil {
				p.Gap(finding.GapUnreadable, p.Subject.Where(name, 0), "%v", err)
				continue
			}
			n := 0
			for l := range strings.Lines(string(b)) {
				n++
				who, _, ok := strings.Cut(l, ":")
				if !ok || who == "" || strings.HasPrefix(who, "#") || subidKnown(p, who) {
					continue
				}
				w := p.Subject.Where(name, n)
				p.Report(finding.Finding{Where: w, Anchor: who,
					Title: finding.Tf("A range of ids for %s, who exists no more", "为已不存在的用户 %s 保留的 id 范围", show(who)),
					Fix:   &finding.Fix{Title: t("Remove the line", "删除该行"), Safe: true, Edits: []finding.Edit{removeLine(p, w, l)}}})
			}
		}
		return nil
	},
}

// subidKnown: subuid(5) takes a name or a uid. Container engines use names
// that need no account.
func subidKnown(p *Pass, who string) bool {
	if who == "containers" || who == "dockremap" || known(p, who) {
		return true
	}
	uid, err := strconv.ParseUint(who, 10, 32)
	for _, a := range users(p) {
		if err == nil && a.UID == uint32(uid) {
			return true
		}
	}
	return len(users(p)) == 0
}
