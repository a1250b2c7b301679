package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

const winlogon = `Microsoft\Windows NT\CurrentVersion\Winlogon`

var autologon = &Check{
	ID:       "windows/account/autologon",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "A14"},
	Covers:   []string{"WAC-005"},
	Doc: check.Doc{
		Title:  t("Automatic logon of Windows", "Windows 自动登录"),
		Why:    t("The password stands in clear in the registry, and whoever opens the console is logged on", "密码以明文保存在注册表中，并且任何打开控制台的人都已处于登录状态"),
		Remedy: t("Remove the password and turn automatic logon off", "删除密码并关闭自动登录"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SOFTWARE")
		k := h.Key(winlogon)
		on := k.Text("AutoAdminLogon") == "1"
		f := atKey(h, winlogon)
		fix := &finding.Fix{Title: t("Remove the password and turn automatic logon off", "删除密码并关闭自动登录"), Safe: true}
		for _, name := range []string{"DefaultPassword", "AltDefaultPassword"} {
			if v := k.Value(name); v.Text() != "" {
				fix.Edits = append(fix.Edits, h.Edit(finding.RegDeleteValue, winlogon, v.Name()))
				f.Evidence = p.Secret("password", []byte(v.Text()), name+" = "+check.Mask())
			}
		}
		user := credfile.Show(k.Text("DefaultUserName"))
		switch {
		case f.Evidence != nil:
			f.Title = finding.Tf("The password of the automatic logon of %s stands in clear in the registry", "%s 自动登录的密码以明文保存在注册表中", user)
		case on:
			f.Severity = finding.Medium
			f.Title = finding.Tf("%s is logged on at the console without being asked", "%s 在控制台上会自动登录", user)
		default:
			return nil
		}
		if on {
			fix.Edits = append(fix.Edits, setText(h, winlogon, "AutoAdminLogon", "0"))
		}
		f.Where.User, f.Fix = k.Text("DefaultUserName"), fix
		p.Report(f)
		return nil
	},
}
