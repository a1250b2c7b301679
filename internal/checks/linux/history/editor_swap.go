package history

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var editorSwap = &Check{
	ID:       "linux/history/editor-swap",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"HIS-012"},
	Doc: check.Doc{
		Title:  t("Swap files of editors", "编辑器的交换文件"),
		Why:    t("An editor that was killed leaves the text it had open, also of files that were cleaned since", "异常退出的编辑器会留下当时打开的文本,即使原文件之后已被清理"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		var patterns []string
		for _, d := range workDirs {
			patterns = append(patterns, d+"**/.*.sw[a-p]", d+"**/#*#", d+"**/.#*")
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: patterns,
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Text of an editor that was killed: %[1]s", "异常退出的编辑器留下的文本:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix: finding.Remove, FixTitle: t("Remove the files", "删除这些文件"), Safe: true,
		})
	},
}

// workDirs are where people edit files.
var workDirs = []string{"~/", "/etc/", "/root/", "/home/", "/srv/", "/opt/", "/var/www/", "/usr/local/", "/var/lib/", "/data/", "/www/"}
