package residue

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var stateFiles = &Check{
	ID:       "linux/residue/state-files",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"LOG-027", "LOG-028", "IDN-026", "IDN-035", "IDN-036"},
	Doc: check.Doc{
		Title:  t("Small state files of this machine", "本机的小型状态文件"),
		Why:    t("Clock drift, log positions and update ids belong to one machine and are wrong on another", "时钟漂移、日志位置和更新标识只属于一台机器，在其他机器上并不正确"),
		Remedy: t("Remove them; each is made again when needed", "删除这些文件；需要时会重新生成"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/lib/logrotate/status", "/var/lib/logrotate.status", "/var/lib/logrotate/logrotate.status", "/var/lib/rsyslog/imjournal.state", "/var/lib/chrony/drift",
				"/var/lib/chrony/chrony.drift", "/var/lib/ntp/ntp.drift", "/var/lib/ntp/drift", "/var/lib/ntpsec/ntp.drift", "/var/lib/yum/uuid", "/var/lib/zypp/AnonymousUniqueId",
				"/var/lib/dnf/system-upgrade/**", "/var/lib/dnf/countme*", "/var/lib/rpm/__db.*", "/etc/sysconfig/hw-uuid"},
			Keep:  func(m guest.Match) bool { return credfile.Vendor(p.Subject, m.Path) },
			Group: leftover.Under("/var/lib"),
			Title: counted("State files of this machine", "本机的状态文件"),
			Fix:   finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}
