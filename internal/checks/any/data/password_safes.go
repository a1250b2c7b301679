package data

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var passwordSafes = &Check{
	ID:       "any/data/password-safes",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"APP-037"},
	Doc: check.Doc{
		Title:  t("Password safes", "密码保险库"),
		Why:    t("Whoever has the image can guess the master password offline, as long as he likes", "获得镜像的人可以不受限制地离线猜测主密码"),
		Remedy: t("Remove the file, and change what was in it", "删除该文件，并更换其中的密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		for _, m := range credfile.Named(g, "*.kdbx", "*.kdb", "*.1pif", "*.psafe3", "*.enpassdb", "*.1pux", "*.keychain", "*.keychain-db") {
			if people(m.Path) {
				p.Report(finding.Finding{Where: credfile.Where(g, m), Title: finding.Tf("Password safe %s", "密码保险库 %s", credfile.Show(path.Base(m.Path)))})
			}
		}
		x := g.Index()
		for _, f := range x.Files {
			if f.Kind == fsys.Directory && credfile.Ext(f.Name) == "agilekeychain" {
				p.Report(finding.Finding{Where: g.Where(x.Path(f), 0), Title: finding.Tf("Password safe %s", "密码保险库 %s", credfile.Show(f.Name))})
			}
		}
		return nil
	},
}
