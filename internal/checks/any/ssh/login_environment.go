package ssh

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var loginEnvironment = &Check{
	ID:       "any/ssh/login-environment",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B6"},
	Covers:   []string{"SSH-011"},
	Doc: check.Doc{
		Title:  t("Programs and variables of SSH logins", "SSH 登录时的脚本和环境变量"),
		Why:    t("~/.ssh/environment holds what somebody did not want to type, often a token; ~/.ssh/rc runs at every login", "~/.ssh/environment 中保存着不想重复输入的内容，常为令牌；~/.ssh/rc 在每次登录时执行"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.ssh/environment", "~/.ssh/rc", "~/.ssh/agent*", "~/.ssh/*.sock"},
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("%s of SSH logins (%s)", "SSH 登录的 %s 文件（%s）", path.Base(g.Key), g.Size())
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the file", "删除该文件"),
			Safe:     true,
		})
	},
}
