package ssh

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var weakSettings = &Check{
	ID:       "any/ssh/weak-settings",
	Severity: finding.Medium,
	Class:    finding.Exposure,
	Rows:     []string{"A1", "A13"},
	Covers:   []string{"SSH-014"},
	Doc: check.Doc{
		Title:  t("Settings of sshd that somebody here can use to get in", "可被本机账户利用的 sshd 弱配置"),
		Why:    t("A password that everybody has, or none at all, opens the machine over the network as soon as sshd takes passwords", "只要 sshd 接受密码，众所周知的密码或空密码就能让人从网络登录"),
		Remedy: t("PasswordAuthentication no, PermitEmptyPasswords no, PermitRootLogin prohibit-password; prove with sshd -T", "设置 PasswordAuthentication no、PermitEmptyPasswords no、PermitRootLogin prohibit-password；用 sshd -T 验证"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		all, _ := p.Subject.Accounts()
		seen := map[string]bool{}
		once := func(key string, s guest.Setting, f finding.Finding) {
			if id := key + "\x00" + s.Path + "\x00" + s.Match; !seen[id] {
				seen[id] = true
				f.Anchor = strings.TrimSuffix(key+" "+s.Match, " ")
				p.Report(f)
			}
		}
		for _, a := range all.Users {
			if a.Login() && !a.Expired {
				passwords(p, a, once)
			}
		}
		trust(p, once)
		return nil
	},
}

type report func(key string, s guest.Setting, f finding.Finding)

// passwords judges what sshd would do with the password that a user has.
func passwords(p *Pass, a guest.Account, once report) {
	u := p.Subject.SSHD().For(a.Name)
	password, empty, root := u.Get("passwordauthentication"), u.Get("permitemptypasswords"), u.Get("permitrootlogin")
	takes := password.Value != "no" || u.Get("kbdinteractiveauthentication").Value == "yes" && u.Get("usepam").Value == "yes"
	if a.UID == 0 && root.Value != "yes" || !takes || !p.Subject.SSHD().Installed {
		return
	}
	where := func(s guest.Setting) finding.Where { return settingWhere(p, s) }
	switch {
	case a.Password == guest.EmptyPassword && empty.Value == "yes":
		once("PermitEmptyPasswords", empty, finding.Finding{Severity: finding.Critical, Where: where(empty), Fix: to(empty, "PermitEmptyPasswords no", true),
			Title: finding.Tf("%s can log in over the network without a password", "%s 可以从网络无需密码登录", credfile.Show(a.Name))})
	case a.Password != guest.SetPassword:
	case a.UID == 0:
		once("PermitRootLogin", root, finding.Finding{Where: where(root), Fix: to(root, "PermitRootLogin prohibit-password", false),
			Title: finding.Tf("%s has a password and can log in with it over the network", "%s 设有密码并可以从网络登录", credfile.Show(a.Name))})
	case password.Path != "":
		once("PasswordAuthentication", password, finding.Finding{Where: where(password), Fix: to(password, "PasswordAuthentication no", false),
			Title: finding.Tf("sshd takes passwords, and %s has one", "sshd 接受密码登录，且 %s 设有密码", credfile.Show(a.Name))})
	}
}

// trust judges settings that are weak whoever has a password.
func trust(p *Pass, once report) {
	for _, x := range []struct {
		key, name string
		sev       finding.Severity
		title     finding.Text
	}{
		{"permitemptypasswords", "PermitEmptyPasswords", finding.Medium, t("sshd lets accounts with an empty password in", "sshd 允许空密码账户登录")},
		{"hostbasedauthentication", "HostbasedAuthentication", finding.Medium, t("sshd trusts other hosts to name their users", "sshd 信任其他主机声明的用户身份")},
		{"permituserenvironment", "PermitUserEnvironment", finding.Low, t("Users may change the environment of their login (PermitUserEnvironment)", "用户可以修改自己登录时的环境变量（PermitUserEnvironment）")},
	} {
		for _, s := range everywhere(p, x.key) {
			if s.Value != "yes" {
				continue
			}
			once(x.name, s, finding.Finding{Severity: x.sev, Where: settingWhere(p, s), Title: x.title, Fix: to(s, x.name+" no", true)})
		}
	}
}

// settingWhere is where a value stands, or sshd_config for sshd's default.
func settingWhere(p *Pass, s guest.Setting) finding.Where {
	if s.Path == "" {
		return p.Subject.Where("/etc/ssh/sshd_config", 0)
	}
	return p.Subject.Where(s.Path, s.Line)
}

func to(s guest.Setting, with string, safe bool) *finding.Fix {
	f := &finding.Fix{Title: finding.Tf("Set %s", "设置 %s", with), Safe: safe, Edits: []finding.Edit{{Op: finding.SetSSHD, Path: s.Path, Line: s.Line, With: with}}}
	if !safe {
		risk := t("Instances whose login credential is a password cannot be reached over SSH", "使用密码作为登录凭证的实例将无法通过 SSH 登录")
		f.Risk = &risk
	}
	return f
}
