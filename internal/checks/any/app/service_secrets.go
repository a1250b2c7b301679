package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var serviceSecrets = &Check{
	ID:       "any/app/service-secrets",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-005", "APP-006"},
	Doc: check.Doc{
		Title:  t("Passwords in service units and scheduled jobs", "服务单元和计划任务中的密码"),
		Why:    t("Units and crontabs keep a password in clear, and show it to every user of the machine", "服务单元和 crontab 以明文保存密码，本机所有用户都可能看到"),
		Remedy: t("Move the secret to a root-only file that is made at first boot, or to systemd credentials", "将机密移到首次启动时生成、仅 root 可读的文件或 systemd credentials 中"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			file{Tool: "systemd", Patterns: []string{"/etc/systemd/system/*.service", "/etc/systemd/system/*.d/*.conf", "/etc/systemd/system.conf", "/usr/lib/systemd/system/*.service",
				"/lib/systemd/system/*.service", "/usr/local/lib/systemd/system/*.service", "~/.config/systemd/user/*.service"}, Find: unit},
			file{Tool: "supervisor", Patterns: []string{"/etc/supervisor/conf.d/*", "/etc/supervisord.d/*", "/etc/supervisord.conf"}, Find: unit},
			file{Tool: "service environment", Patterns: []string{"/etc/default/*", "/etc/sysconfig/*", "/etc/conf.d/*"}, Find: credfile.AnySecret(settings.Env)},
			file{Tool: "cron", Patterns: []string{"/etc/crontab", "/etc/anacrontab", "/etc/cron.d/*", "/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*",
				"/var/spool/cron/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/tabs/*"}, Find: credfile.Commands},
			file{Tool: "init script", Patterns: []string{"/etc/rc.local", "/etc/rc.d/rc.local", "/etc/inittab"}, Find: credfile.Commands})
	},
}

// unit finds what Environment= assigns and what Exec lines and supervisor's
// command= pass on.
func unit(b []byte) (out []credfile.Secret) {
	set, _ := settings.INI(b)
	for _, s := range set {
		if strings.HasPrefix(s.Key, "Exec") || s.Key == "Environment" || s.Key == "command" || s.Key == "DefaultEnvironment" {
			out = append(out, credfile.Command(s.Value, s.Line)...)
		}
		if s.Key == "environment" { // supervisor: KEY="value",KEY2="value"
			out = append(out, credfile.Command(strings.ReplaceAll(s.Value, ",", " "), s.Line)...)
		}
		if s.Key == "SetCredential" {
			if _, v, ok := strings.Cut(s.Value, ":"); ok && credfile.Real(v) {
				out = append(out, credfile.Secret{Name: s.Key, Value: []byte(v), Line: s.Line})
			}
		}
	}
	return out
}
