package account

import (
	"strings"

	"assay/check"
	"assay/finding"
)

var groupPassword = &Check{
	ID:       "linux/account/group-password",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-013"},
	Doc: check.Doc{
		Title:  t("Group passwords", "组密码"),
		Why:    t("Whoever knows the password joins the group with newgrp; the hash can be cracked", "知道该密码的人可以用 newgrp 加入该组；哈希也可被破解"),
		Remedy: t("Remove it: gpasswd -r GROUP", "删除组密码：gpasswd -r 组名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		all, _ := p.Subject.Accounts()
		for _, g := range all.Groups {
			if g.Hash == "" {
				continue
			}
			w := p.Subject.Where("/etc/group", g.Line)
			if g.ShadowLine > 0 {
				w = p.Subject.Where("/etc/gshadow", g.ShadowLine)
			}
			f := finding.Finding{
				Where:    w,
				Anchor:   g.Name,
				Title:    finding.Tf("Group %s has a password (%s)", "组 %s 设有密码（%s）", show(g.Name), scheme(g.Hash)),
				Evidence: hashEvidence(p, g.Name, g.Hash),
			}
			if e, ok := blankField(p, w, g.Hash); ok {
				f.Fix = &finding.Fix{Title: t("Lock the group password", "锁定组密码"), Safe: true, Edits: []finding.Edit{e}}
			}
			p.Report(f)
		}
		return nil
	},
}

// blankField is the edit that writes "*" over a hash at a line of a file.
func blankField(p *Pass, w finding.Where, hash string) (finding.Edit, bool) {
	b, err := p.Subject.Read(w.Path)
	if err != nil {
		return finding.Edit{}, false
	}
	offset, n := 0, 0
	for l := range strings.Lines(string(b)) {
		if n++; n == w.Line {
			i := strings.Index(l, hash)
			return finding.Edit{Op: finding.Replace, Volume: w.Volume, Path: w.Path, Offset: int64(offset + i), Length: int64(len(hash)), With: "*",
				Expect: p.Secret("", []byte(hash), "").Fingerprint}, i >= 0
		}
		offset += len(l)
	}
	return finding.Edit{}, false
}

// lineOf returns one line of a file without its end.
func lineOf(p *Pass, name string, line int) (string, bool) {
	b, err := p.Subject.Read(name)
	if err != nil {
		return "", false
	}
	n := 0
	for l := range strings.Lines(string(b)) {
		if n++; n == line {
			return strings.TrimRight(l, "\r\n"), true
		}
	}
	return "", false
}
