package history

import (
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var backupFiles = &Check{
	ID:       "any/history/backup-files",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"HIS-012"},
	Doc: check.Doc{
		Title:  t("Backup copies of edited files", "编辑文件的备份副本"),
		Why:    t("A copy made before a secret was taken out of a file still holds it", "在移除机密之前制作的副本仍然包含该机密"),
		Remedy: t("Look at them; delete what the product does not need", "检查并删除产品不需要的副本"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/**/*~", "/**/*.bak", "/**/*.orig", "/**/*.rej", "/**/*.save", "/**/*.old", "/**/*.rpmsave", "/**/*.rpmorig", "/**/*.dpkg-old", "/**/*.dpkg-bak", "/**/*.ucf-old"},
			Keep: func(m guest.Match) bool {
				return !edited(p, m.Path) || path.Dir(m.Path) == "/etc/xml" || // update-xmlcatalog of Debian leaves its own
					credfile.UnderAny(m.Path, "/var/lib", "/opt", "/usr/local/lib", "/usr/local/share") || accountCopy(m.Path) || strings.Contains(m.Path, "/node_modules/") || strings.Contains(m.Path, "/.git/")
			},
			Group: func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Backup copies: %s, %[3]s", "备份副本:%[2]d 个文件,%[3]s", g.Count(), len(g.Matches), g.Size())
			},
			Fix: finding.Remove, FixTitle: t("Remove the copies", "删除这些副本"), Risk: t("A person may still need the older version", "可能仍有人需要旧版本"),
		})
	},
}

// accountCopy reports whether the check of account files speaks about a copy.
func accountCopy(name string) bool {
	b := strings.TrimPrefix(path.Base(name), ".")
	return slices.ContainsFunc([]string{"passwd", "shadow", "group", "gshadow", "subuid", "subgid"}, func(n string) bool { return strings.HasPrefix(b, n) })
}
