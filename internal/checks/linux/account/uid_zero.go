package account

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

var uidZero = &Check{
	ID:       "linux/account/uid-zero",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A6", "A14", "B4"},
	Covers:   []string{"ACC-005"},
	Doc: check.Doc{
		Title:  t("Second superusers", "第二个超级用户"),
		Why:    t("Any account with uid 0 is root under another name; changing root's password does not touch it", "uid 为 0 的账户就是改了名字的 root；修改 root 密码对其无效"),
		Remedy: t("Find out who made it; then userdel -f USER, or give it another uid", "查明由谁创建；然后执行 userdel -f 用户名，或改用其他 uid"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, a := range users(p) {
			if a.UID != 0 || a.Name == "root" || a.Origin == guest.Distribution {
				continue
			}
			p.Report(finding.Finding{
				Where: entry(p, a),
				Title: finding.Tf("User %s is a second root (uid 0)", "用户 %s 是第二个 root(uid 0)", show(a.Name)),
				Fix:   removeUser(p, a),
			})
		}
		return nil
	},
}

// removeUser is never safe: only a person knows whether the product needs it.
func removeUser(p *Pass, a guest.Account) *finding.Fix {
	w := entry(p, a)
	risk := t("Processes and files of this user lose their owner; what the product runs as this user stops", "该用户的进程和文件将失去属主；产品以该用户运行的服务会停止")
	return &finding.Fix{
		Title: t("Remove the account and what belongs to it", "删除该账户及其所属内容"),
		Risk:  &risk,
		Edits: []finding.Edit{{Op: finding.RemoveUser, Volume: w.Volume, Path: w.Path, User: a.Name}},
	}
}

// sentence joins the parts of a reason.
func sentence(en, zh []string) *finding.Text {
	x := t(strings.Join(en, "; "), strings.Join(zh, ";"))
	return &x
}
