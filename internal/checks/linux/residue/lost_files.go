package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var lostFiles = &Check{
	ID:       "linux/residue/lost-files",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B3"},
	Covers:   []string{"TMP-013"},
	Doc: check.Doc{
		Title:  t("Thrown away files: trash and lost+found", "被丢弃的文件：回收站和 lost+found"),
		Why:    t("People believe these files are gone; fsck puts back what was deleted", "人们以为这些文件已被删除；fsck 还会找回已删除的内容"),
		Remedy: t("Look at lost+found, then empty both", "查看 lost+found 后清空两者"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		patterns := []string{"~/.local/share/Trash/**", "/.Trash*/**"}
		for _, m := range p.Subject.Tree.Mounts() {
			patterns = append(patterns, strings.TrimSuffix(m.Path, "/")+"/lost+found/**")
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: patterns,
			Group: func(m guest.Match) string {
				if i := strings.Index(m.Path, "/lost+found/"); i >= 0 {
					return m.Path[:i] + "/lost+found"
				}
				if i := strings.Index(m.Path, "/Trash/"); i >= 0 {
					return m.Path[:i] + "/Trash"
				}
				return "/" + strings.SplitN(m.Path, "/", 3)[1]
			},
			Title: inDir("Thrown away files", "被丢弃的文件"),
			Fix:   finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}
