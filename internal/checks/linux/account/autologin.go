package account

import (
	"path"
	"regexp"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var autologin = &Check{
	ID:       "linux/account/autologin",
	Severity: finding.Medium,
	Class:    finding.Exposure,
	Rows:     []string{"A1", "A14"},
	Covers:   []string{"ACC-024", "ACC-025"},
	Doc: check.Doc{
		Title:  t("Logins that happen by themselves", "自动登录"),
		Why:    t("Whoever opens the console of an instance, for example through VNC, is logged in without any credential", "任何打开实例控制台（例如通过 VNC）的人无需凭证即已登录"),
		Remedy: t("Remove the drop-in or the setting", "删除该配置片段或设置"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/etc/systemd/system/*getty@*.service.d/*.conf", "/etc/systemd/system/*getty@*.service", "/etc/systemd/system/*.wants/*getty@*.service",
			"/etc/systemd/system/console-getty.service*/*.conf", "/etc/inittab", "/etc/conf.d/agetty*",
			"/etc/gdm3/custom.conf", "/etc/gdm3/daemon.conf", "/etc/gdm/custom.conf", "/etc/lightdm/lightdm.conf", "/etc/lightdm/lightdm.conf.d/*.conf",
			"/etc/sddm.conf", "/etc/sddm.conf.d/*.conf", "/etc/sysconfig/displaymanager", "/etc/lxdm/lxdm.conf") {
			b, ok := credfile.Read(p, m)
			if !ok || stock(p, m.Path, b) {
				continue
			}
			n := 0
			for l := range strings.Lines(string(b)) {
				n++
				if user := autoUser(strings.TrimSpace(l)); user != "" {
					p.Report(autoFinding(p, m, n, l, user))
				}
			}
		}
		return nil
	},
}

var (
	gettyAuto   = regexp.MustCompile(`(?:agetty|getty)\b.*\s(?:--autologin[ =]|-a\s*)([A-Za-z_][\w.-]*)`)
	displayAuto = regexp.MustCompile(`(?i)^(?:AutomaticLogin|TimedLogin|autologin-user|User|autologin|DISPLAYMANAGER_AUTOLOGIN)\s*=\s*"?([A-Za-z_][\w.-]*)`)
)

// autoUser is the user whom a line logs in, or "".
func autoUser(line string) string {
	if line == "" || line[0] == '#' || line[0] == ';' {
		return ""
	}
	if m := gettyAuto.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	if m := displayAuto.FindStringSubmatch(line); m != nil && !strings.EqualFold(m[1], "false") && !strings.EqualFold(m[1], "true") {
		return m[1]
	}
	return ""
}

func autoFinding(p *Pass, m guest.Match, line int, text, user string) finding.Finding {
	w := credfile.Where(p.Subject, m)
	w.Line = line
	f := finding.Finding{Where: w, Anchor: user,
		Title: finding.Tf("%s is logged in at the console without being asked", "%s 在控制台上会自动登录", show(user))}
	if strings.HasSuffix(path.Dir(m.Path), ".service.d") {
		f.Fix = &finding.Fix{Title: t("Remove the drop-in: the standard getty asks again", "删除该配置片段：恢复标准登录提示"), Safe: true,
			Edits: []finding.Edit{{Op: finding.Remove, Volume: w.Volume, Path: w.Path}}}
	} else if displayAuto.MatchString(strings.TrimSpace(text)) {
		f.Fix = &finding.Fix{Title: t("Remove the setting: the greeter asks again", "删除该设置：恢复登录界面"), Safe: true, Edits: []finding.Edit{removeLine(p, w, text)}}
	}
	return f
}
