package machine

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
)

var machineID = &Check{
	ID:       "linux/machine/machine-id",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"IDN-001", "IDN-002"},
	Doc: check.Doc{
		Title:      t("A fixed machine ID", "固定的 machine-id"),
		Why:        t("All instances would share one machine ID: they ask DHCP as the same client and mix up in logs and monitoring", "所有实例将共用同一个 machine-id:DHCP 客户端标识相同，日志和监控也会混淆"),
		Remedy:     t("Empty /etc/machine-id as the last step, and make /var/lib/dbus/machine-id a link to it", "最后一步清空 /etc/machine-id，并将 /var/lib/dbus/machine-id 设为指向它的链接"),
		References: []string{"man:machine-id(5)"},
		Since:      "0.1",
	},
	Run: func(p *Pass) error {
		if p.Subject.Live {
			return nil // a running machine has one, and must
		}
		f := finding.Finding{Where: p.Subject.Where("/etc/machine-id", 0)}
		b, err := p.Subject.Read("/etc/machine-id")
		if err != nil {
			p.Gap(finding.GapUnreadable, f.Where, "%v", err)
		}
		if fixed(b) {
			f.Fix = &finding.Fix{Title: t("Empty it, so that each instance makes its own", "清空该文件，使每个实例各自生成"), Safe: p.Subject.FirstBoot().MachineID != "",
				Edits: []finding.Edit{{Op: finding.Reset, Volume: f.Where.Volume, Path: f.Where.Path}}}
			if !f.Fix.Safe {
				risk := t("Nothing was found that makes a new one at boot", "未发现启动时会重新生成它的组件")
				f.Fix.Risk = &risk
			}
			f.Title = finding.Tf("Machine ID %s… would be the same on every instance", "所有实例的 machine-id 都将是 %s…", string(b[:8]))
			p.Report(f)
		}
		return dbusID(p)
	},
}

// dbusID reports D-Bus' own copy, which keeps an old ID when the first is
// emptied.
func dbusID(p *Pass) error {
	const name = "/var/lib/dbus/machine-id"
	m, err := p.Subject.Tree.Lstat(name)
	if err != nil || m.Kind != fsys.Regular {
		return nil // a link, or none
	}
	b, err := p.Subject.Read(name)
	if err != nil || !fixed(b) {
		return err
	}
	w := p.Subject.Where(name, 0)
	f := finding.Finding{Where: w, Title: t("D-Bus keeps a copy of the machine ID", "D-Bus 保存了一份 machine-id 副本"),
		Fix: &finding.Fix{Title: t("Remove the copy", "删除该副本"), Safe: p.Subject.FirstBoot().MachineID != "", Edits: []finding.Edit{{Op: finding.Remove, Volume: w.Volume, Path: name}}}}
	if !f.Fix.Safe {
		risk := t("Nothing was found that makes a new one at boot", "未发现启动时会重新生成它的组件")
		f.Fix.Risk = &risk
	}
	p.Report(f)
	return nil
}

// fixed reports whether a machine-id file holds an ID: 32 hexadecimal digits.
func fixed(b []byte) bool {
	s := strings.TrimSpace(string(b))
	return len(s) >= 32 && strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}
