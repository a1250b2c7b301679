package cloud

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var browserLogins = &Check{
	ID:       "any/cloud/browser-logins",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"CLD-022"},
	Doc: check.Doc{
		Title:  t("Saved passwords and sessions of browsers and mail programs", "浏览器和邮件客户端保存的密码与会话"),
		Why:    t("Saved logins and cookies open web sites as their owner; on a server their key lies beside them", "保存的登录信息和 Cookie 可冒充其所有者访问网站；在服务器上解密密钥就在旁边"),
		Remedy: t("Delete the browser's profile", "删除浏览器的用户配置目录"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		var patterns []string
		for _, b := range []string{"google-chrome", "chromium", "BraveSoftware/Brave-Browser", "microsoft-edge", "vivaldi", "opera"} {
			for _, f := range []string{"Login Data", "Cookies", "Network/Cookies", "Web Data"} {
				patterns = append(patterns, "~/.config/"+b+"/*/"+f)
			}
		}
		for _, d := range []string{"~/.mozilla/firefox", "~/.thunderbird", "~/snap/firefox/common/.mozilla/firefox"} {
			for _, f := range []string{"logins.json", "key4.db", "cookies.sqlite", "signons.sqlite"} {
				patterns = append(patterns, d+"/*/"+f)
			}
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: patterns,
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Browser profile of %s with saved logins or cookies (%s)", "用户 %s 的浏览器配置中保存了登录信息或 Cookie(%s)", who(g), g.Size())
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the saved logins and cookies", "删除保存的登录信息和 Cookie"),
			Safe:     true,
		})
	},
}

func who(g leftover.Group) string {
	if u := g.Matches[0].User; u != "" {
		return u
	}
	return g.Matches[0].Path
}
