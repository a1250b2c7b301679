package history

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var trash = &Check{
	ID:       "any/history/trash",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B3"},
	Covers:   []string{"HIS-015"},
	Doc: check.Doc{
		Title:  t("Files in the trash", "回收站中的文件"),
		Why:    t("What somebody threw away before the image was made is still there, whole", "制作镜像前丢弃的文件仍完整地保留着"),
		Remedy: t("Empty the trash", "清空回收站"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.local/share/Trash/**", "~/.Trash/**", "/.Trash-*/**", "/.Trash/**", "/home/.Trash-*/**", "/data/.Trash-*/**", "/mnt/*/.Trash-*/**", "/www/Recycle_bin/**", "/www/.Recycle_bin/**"},
			Group:    func(m guest.Match) string { return trashDir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Trash: %s, %[3]s", "回收站:%[2]d 个文件,%[3]s", g.Count(), len(g.Matches), g.Size())
			},
			Fix: finding.Remove, FixTitle: t("Empty the trash", "清空回收站"), Safe: true,
		})
	},
}

// trashDir cuts a path after the folder that is the trash.
func trashDir(name string) string {
	for _, dir := range []string{"/.local/share/Trash", "/.Trash", "Recycle_bin"} {
		if i := strings.Index(name, dir); i >= 0 {
			end := i + len(dir)
			if j := strings.IndexByte(name[end:], '/'); j >= 0 {
				return name[:end+j]
			}
		}
	}
	return name
}
