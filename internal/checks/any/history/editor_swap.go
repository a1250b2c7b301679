package history

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var editorSwap = &Check{
	ID:       "any/history/editor-swap",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"HIS-012"},
	Doc: check.Doc{
		Title:  t("Swap files of editors", "编辑器的交换文件"),
		Why:    t("An editor that was killed leaves the text it had open, also of files that were cleaned since", "异常退出的编辑器会留下当时打开的文本，即使原文件之后已被清理"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/**/.*.sw[a-p]", "/**/#*#", "/**/.#*"},
			Keep:     func(m guest.Match) bool { return !edited(p, m.Path) },
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Text of an editor that was killed: %[1]s", "异常退出的编辑器留下的文本:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix: finding.Remove, FixTitle: t("Remove the files", "删除这些文件"), Safe: true,
		})
	},
}

// edited reports whether a path lies where people edit files and no package
// brought it.
func edited(p *Pass, name string) bool {
	if !credfile.UnderAny(name, "/etc", "/root", "/home", "/srv", "/opt", "/var/www", "/usr/local", "/var/lib", "/data", "/www") && credfile.UserOf(p.Subject, name) == "" {
		return false
	}
	_, owned := p.Subject.Packages().Owner(name)
	return !owned
}
