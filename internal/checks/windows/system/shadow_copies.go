package system

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

// shadowStore is in the name of every store of the Volume Shadow Copy service.
const shadowStore = "{3808876b-c176-4e48-b7ae-04046e6cc752}"

var shadowCopies = &Check{
	ID:       "windows/system/shadow-copies",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B3"},
	Covers:   []string{"WTM-004"},
	Doc: check.Doc{
		Title:  t("Shadow copies and restore points", "卷影副本和还原点"),
		Why:    t("They hold old versions of every file, also of those that were deleted or cleaned", "其中保留了所有文件的旧版本，包括已删除或已清理的文件"),
		Remedy: t("Delete them with vssadmin delete shadows /all", "使用 vssadmin delete shadows /all 删除"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/System Volume Information/*"},
			// The store that names the others is there without any copy too.
			Keep:  func(m guest.Match) bool { return !strings.Contains(strings.ToLower(m.Path), "}"+shadowStore) },
			Group: leftover.Under("/System Volume Information"),
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Shadow copies with old versions of files (%s)", "卷影副本，包含文件的旧版本（%s）", g.Size())
			},
		})
	},
}
