package account

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

const hiddenUsers = `Microsoft\Windows NT\CurrentVersion\Winlogon\SpecialAccounts\UserList`

var hiddenAccount = &Check{
	ID:       "windows/account/hidden-account",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A6", "B4"},
	Covers:   []string{"WAC-001"},
	Doc: check.Doc{
		Title:  t("Accounts made not to be seen", "被刻意隐藏的账户"),
		Why:    t("An account that no list shows, or one that logs on as another, is a usual back door", "任何列表都不显示的账户，或登录后变成其他账户的账户，是常见的后门"),
		Remedy: t("Find out who made the account; delete it, and build the image again from a clean base", "查明账户由谁创建；删除该账户，并基于干净的基础镜像重新制作"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h, software := w.Hive("SAM"), w.Hive("SOFTWARE")
		list, _ := w.Accounts() // the error is a gap of local-accounts
		for _, a := range list {
			f := at(h, a.Name)
			f.Where.User = a.Name
			name := credfile.Show(a.Name)
			shown, listed := software.Key(hiddenUsers).Uint(a.Name)
			switch {
			case a.Hijacks != 0:
				f.Severity = finding.Critical
				f.Title = finding.Tf("The local account %s logs on as account number %d", "本地账户 %s 登录后会成为编号为 %d 的账户", name, a.Hijacks)
			case !a.Listed:
				f.Severity = finding.Critical
				f.Title = finding.Tf("The local account %s is missing from the list of names, so that no tool shows it", "本地账户 %s 不在名称列表中，任何工具都不会显示它", name)
			case strings.HasSuffix(a.Name, "$") && a.RID >= person:
				f.Title = finding.Tf("The local account %s has the name of a machine, which net user does not show", "本地账户 %s 使用了计算机账户形式的名称，net user 不会显示", name)
			case listed && shown == 0 && a.RID >= person:
				f.Title = finding.Tf("The local account %s is hidden from the logon screen", "本地账户 %s 在登录界面上被隐藏", name)
			default:
				continue
			}
			p.Report(f)
		}
		return nil
	},
}
