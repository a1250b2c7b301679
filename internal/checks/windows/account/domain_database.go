package account

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var domainDatabase = &Check{
	ID:       "windows/account/domain-database",
	Severity: finding.Critical,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1", "B2"},
	Covers:   []string{"WAC-008"},
	Doc: check.Doc{
		Title:  t("The database of a domain controller", "域控制器的数据库"),
		Why:    t("It holds the password hashes of every account of the domain; a domain controller must not be made an image of", "其中包含域内所有账户的密码哈希；不应将域控制器制作成镜像"),
		Remedy: t("Demote the domain controller before making an image, or delete the copy", "制作镜像前将域控制器降级，或删除该副本"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/**/ntds.dit"},
			Keep:     template,
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Database of a Windows domain with the password hashes of all its accounts (%s)", "Windows 域数据库，包含全部账户的密码哈希（%s）", g.Size())
			},
		})
	},
}

// template reports whether a file is the empty database that every server has
// beside the program that promotes it.
func template(m guest.Match) bool { return strings.EqualFold(path.Dir(m.Path), "/Windows/System32") }
