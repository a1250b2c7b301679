package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var hiveCopies = &Check{
	ID:       "windows/account/hive-copies",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"WAC-007"},
	Doc: check.Doc{
		Title:  t("Copies of the hives with accounts and secrets", "包含账户和机密的注册表配置单元副本"),
		Why:    t("Passwords that were changed or removed in the registry are still in the copy", "已在注册表中更改或删除的密码仍保留在副本中"),
		Remedy: t("Empty the copies", "清空这些副本"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		var patterns []string
		for _, dir := range []string{"/Windows/repair/", "/Windows/System32/config/RegBack/", "/Windows.old/Windows/System32/config/", "/Windows.old/Windows/System32/config/RegBack/"} {
			for _, hive := range []string{"SAM", "SECURITY", "SYSTEM", "SOFTWARE", "DEFAULT"} {
				patterns = append(patterns, dir+hive)
			}
		}
		for _, ending := range []string{".sav", ".old", ".bak"} {
			patterns = append(patterns, "/Windows/System32/config/*"+ending)
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: patterns,
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Copy of a registry hive with accounts or secrets (%s)", "包含账户或机密的注册表配置单元副本（%s）", g.Size())
			},
			Fix:      finding.Blank,
			FixTitle: t("Empty the copy", "清空该副本"),
			Safe:     true,
		})
	},
}
