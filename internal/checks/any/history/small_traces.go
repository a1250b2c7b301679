package history

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var smallTraces = &Check{
	ID:       "any/history/small-traces",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"HIS-013", "HIS-014"},
	Doc: check.Doc{
		Title:  t("Small traces of programs that people used", "人员使用程序留下的零散痕迹"),
		Why:    t("They name files, hosts and searches of the people who made the image", "其中记录了镜像制作者使用过的文件、主机和搜索内容"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.lesshst*", "~/.local/state/lesshst", "~/.local/state/less/*", "~/.nano/search_history", "~/.nano_history", "~/.local/share/nano/*", "~/.local/share/mc/history", "~/.mc/history",
				"~/.wget-hsts", "~/.curl-hsts", "~/.units_history", "~/.config/htop/*", "~/.local/share/recently-used.xbel", "~/.recently-used*", "~/.local/share/RecentDocuments/*", "~/.sudo_as_admin_successful",
				"~/.local/share/ranger/*", "~/.config/ranger/bookmarks", "~/.local/share/zoxide/db.zo", "~/.local/share/autojump/*", "~/.z", "~/.cache/thumbnails/**", "~/.fzf_history", "~/.links/*", "~/.elinks/*hist", "~/.w3m/history", "~/.lynx_cookies"},
			Group: func(m guest.Match) string { return homeOf(p, m) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Small traces of programs: %[1]s", "程序的零散痕迹:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix: finding.Remove, FixTitle: t("Remove the files", "删除这些文件"), Safe: true,
		})
	},
}

// homeOf is the home that a match lies in.
func homeOf(p *Pass, m guest.Match) string {
	best := ""
	for _, h := range p.Subject.Homes() {
		if len(h.Path) > len(best) && len(m.Path) > len(h.Path) && m.Path[:len(h.Path)] == h.Path && (h.Path == "/" || m.Path[len(h.Path)] == '/') {
			best = h.Path
		}
	}
	if best == "" {
		return path.Dir(m.Path)
	}
	return best
}
