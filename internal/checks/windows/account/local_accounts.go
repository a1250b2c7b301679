package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sam"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var localAccounts = &Check{
	ID:       "windows/account/local-accounts",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "A6", "B4"},
	Covers:   []string{"WAC-001", "WAC-002"},
	Doc: check.Doc{
		Title:  t("Local accounts of Windows that every instance would have", "所有实例都会带有的 Windows 本地账户"),
		Why:    t("Whoever knows the password, or that there is none, can log on to every instance created from the image; Sysprep clears only the built-in Administrator", "知道密码（或知道没有密码）的人可以登录由该镜像创建的每台实例；Sysprep 只清理内置的 Administrator"),
		Remedy: t("Delete the account with its profile; lock the password of those that must stay, and set one when the instance is created", "删除该账户及其用户配置文件；对必须保留的账户锁定密码，并在创建实例时设置新密码"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		list, err := w.Accounts()
		h := w.Hive("SAM")
		if err != nil && h.Path != "" { // a missing hive is a gap of registry-hives
			p.Gap(finding.GapCorrupt, h.Where(), "%v", err)
		}
		for _, a := range list {
			if f, ok := judge(h, a); ok {
				p.Report(f)
			}
		}
		return nil
	},
}

// person is the first number of accounts that people make.
const person = 1000

// judge says what an account's password is worth. Disabled accounts of the
// system itself (Guest, DefaultAccount, WDAGUtilityAccount) are as they should
// be.
func judge(h *guest.Hive, a sam.Account) (finding.Finding, bool) {
	f := at(h, a.Name)
	f.Where.User = a.Name
	name := credfile.Show(a.Name)
	if a.Admin {
		name += " (Administrators)"
	}
	switch {
	case a.Password == sam.Locked, a.Disabled && (a.RID < person || a.Password == sam.Empty):
		return f, false
	case a.Disabled:
		f.Severity = finding.Low
		f.Title = finding.Tf("The disabled local account %s keeps its password", "已禁用的本地账户 %s 仍保留密码", name)
	case a.Password == sam.Known:
		f.Severity = finding.Critical
		f.Title = finding.Tf("The password of the local account %s is one that everybody knows", "本地账户 %s 使用众所周知的密码", name)
	case a.Password == sam.Empty:
		f.Title = finding.Tf("The local account %s has no password", "本地账户 %s 没有密码", name)
		if a.RID == sam.Administrator {
			f.Reason = &finding.Text{EN: "Sysprep leaves it so until the first start sets one; Remote Desktop must stay closed until then",
				ZH: "Sysprep 会保持此状态，直到首次启动时设置密码；在此之前必须关闭远程桌面"}
		}
	case a.Password == sam.Sealed:
		f.Title = finding.Tf("The local account %s has a password, which could not be judged", "本地账户 %s 设有密码，但无法判断其内容", name)
	default:
		f.Title = finding.Tf("The local account %s has a password set while the image was made", "本地账户 %s 的密码是制作镜像时设置的", name)
	}
	f.Fix = lock(h, a)
	return f, true
}

// lock makes the password a random one that nobody has ever seen. All accounts
// but Administrator, whom the first start gives a password, are disabled too.
func lock(h *guest.Hive, a sam.Account) *finding.Fix {
	e := h.Edit(finding.LockPassword, a.Key, "")
	e.User = a.Name
	title, risk := t("Lock the password", "锁定密码"), t("Nobody can log on with it until the first start of an instance sets a new one", "在实例首次启动设置新密码之前，任何人都无法使用它登录")
	if a.RID != sam.Administrator || a.Password == sam.Empty {
		e.With = "disable"
		title, risk = t("Lock the password and disable the account", "锁定密码并禁用账户"), t("Services and tasks that run as this account stop working", "以该账户运行的服务和任务将停止工作")
	}
	return &finding.Fix{Title: title, Risk: &risk, Edits: []finding.Edit{e}}
}
