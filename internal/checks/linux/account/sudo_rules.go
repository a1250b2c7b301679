package account

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var sudoRules = &Check{
	ID:       "linux/account/sudo-rules",
	Severity: finding.Medium,
	Class:    finding.PresetAccount,
	Rows:     []string{"A6", "A14", "B4"},
	Covers:   []string{"ACC-016", "ACC-017", "ACC-018", "ACC-020"},
	Doc: check.Doc{
		Title:  t("Rules that make users root without a password", "无需密码即可成为 root 的规则"),
		Why:    t("A NOPASSWD rule left from making the image turns any login of that user, or any later account of that name, into root", "制作镜像时遗留的 NOPASSWD 规则会让该用户的任何登录，或日后同名的账户，直接获得 root 权限"),
		Remedy: t("Remove the rule, then visudo -c", "删除该规则，然后执行 visudo -c"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		seen := map[string]bool{}
		for _, r := range p.Subject.SudoRules() {
			key := r.Path + "\x00" + r.Who
			if seen[key] || fromVendor(p, r.Path) {
				continue
			}
			if f, ok := judgeRule(p, r); ok {
				seen[key] = true
				p.Report(f)
			}
		}
		doas(p)
		return nil
	},
}

func fromVendor(p *Pass, name string) bool {
	b, err := p.Subject.Read(name)
	return err == nil && stock(p, name, b)
}

// judgeRule says what one rule means; most rules mean nothing.
func judgeRule(p *Pass, r guest.SudoRule) (finding.Finding, bool) {
	w := p.Subject.Where(r.Path, r.Line)
	w.User = ""
	f := finding.Finding{Where: w, Anchor: r.Who, Fix: ruleFix(p, w)}
	user, group := r.Who, strings.HasPrefix(r.Who, "%")
	if group || strings.HasPrefix(user, "+") || strings.HasPrefix(user, "#") {
		user = ""
	}
	gone := user != "" && user != "ALL" && !known(p, user)
	made := origin(p, user)
	switch {
	case user == "ecs-assist-user" && !logsIn(p, user):
		return f, false // Cloud Assistant writes this rule itself; its user cannot log in
	case made == guest.CloudInit || path.Base(r.Path) == "90-cloud-init-users" && !gone:
		if path.Base(r.Path) != "90-cloud-init-users" {
			return f, false
		}
		f.Severity = finding.Low
		f.Title = finding.Tf("cloud-init's rule for %s: written anew at first boot", "cloud-init 为 %s 写入的规则：首次启动时会重新生成", show(r.Who))
		f.Fix = &finding.Fix{Title: t("Remove the file", "删除该文件"), Safe: p.Subject.FirstBoot().CloudInit, Edits: []finding.Edit{{Op: finding.Remove, Volume: w.Volume, Path: w.Path}}}
		if !f.Fix.Safe {
			f.Fix.Risk = &ruleRisk
		}
	case gone && r.NoPasswd:
		f.Title = finding.Tf("%s, who exists no more, may become root without a password", "已不存在的用户 %s 仍可无需密码成为 root", show(r.Who))
	case gone:
		f.Severity = finding.Low
		f.Title = finding.Tf("A sudo rule for %s, who exists no more", "为已不存在的用户 %s 保留的 sudo 规则", show(r.Who))
	case !r.NoPasswd || r.Who == "root" || r.Who == "#0":
		return f, false
	case r.All:
		f.Title = finding.Tf("%s may become root without a password", "%s 可无需密码成为 root", show(r.Who))
	default:
		f.Severity = finding.Low
		f.Title = finding.Tf("%s may run some commands as root without a password", "%s 可无需密码以 root 身份执行部分命令", show(r.Who))
	}
	return f, true
}

// logsIn reports whether a user has a shell to log in to.
func logsIn(p *Pass, name string) bool {
	for _, a := range users(p) {
		if a.Name == name {
			return a.Login()
		}
	}
	return false
}

func origin(p *Pass, name string) guest.Origin {
	for _, a := range users(p) {
		if a.Name == name {
			return a.Origin
		}
	}
	return guest.UnknownUser
}

var ruleRisk = t("Whoever administers the machine through this rule loses the right to", "通过该规则管理本机的人将失去权限")

// ruleFix takes the line out where the rule is one whole line.
func ruleFix(p *Pass, w finding.Where) *finding.Fix {
	text, ok := lineOf(p, w.Path, w.Line)
	if !ok || strings.HasSuffix(text, `\`) || strings.Contains(text, "_Alias") {
		return nil
	}
	if before, ok := lineOf(p, w.Path, w.Line-1); ok && strings.HasSuffix(before, `\`) {
		return nil
	}
	return &finding.Fix{Title: t("Remove the rule", "删除该规则"), Risk: &ruleRisk, Edits: []finding.Edit{removeLine(p, w, text)}}
}

// doas reports the rules of OpenBSD's doas that need no password, see
// doas.conf(5).
func doas(p *Pass) {
	for _, m := range credfile.Targets(p.Subject, "/etc/doas.conf", "/etc/doas.d/*.conf") {
		b, ok := credfile.Read(p, m)
		if !ok || stock(p, m.Path, b) {
			continue
		}
		n := 0
		for l := range strings.Lines(string(b)) {
			n++
			f := strings.Fields(l)
			if len(f) < 3 || f[0] != "permit" || !strings.Contains(l, " nopass") || strings.Contains(l, " cmd ") {
				continue
			}
			w := credfile.Where(p.Subject, m)
			w.Line = n
			who := f[len(f)-1]
			for i := 1; i < len(f); i++ {
				if f[i] == "nopass" || f[i] == "persist" || f[i] == "keepenv" {
					who = f[min(i+1, len(f)-1)]
				}
			}
			p.Report(finding.Finding{Where: w, Anchor: who, Fix: ruleFix(p, w),
				Title: finding.Tf("%s may become root without a password (doas)", "%s 可无需密码成为 root(doas)", show(who))})
		}
	}
}
