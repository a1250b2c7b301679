package system

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var agents = &Check{
	ID:       "windows/system/agents",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WID-005", "WID-006", "WID-007"},
	Doc: check.Doc{
		Title:  t("Identities and logs of Alibaba Cloud agents", "阿里云代理程序的身份标识和日志"),
		Why:    t("Instances of the image report under the identity of the source machine, or to its owner's account", "由该镜像创建的实例会以源机器的身份上报，或上报到其所有者的账号"),
		Remedy: t("Uninstall the agent before making the image, or empty its identity files", "制作镜像前卸载代理程序，或清空其身份文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		risk := t("The agent registers again, or stops reporting", "代理程序会重新注册，或停止上报")
		for _, a := range []struct{ name, dir, files string }{
			{"Logtail", "/LogtailData", "**"},
			{"Logtail", "/Program Files*/Alibaba/Logtail", "*.json"},
			{"Security Center", "/Program Files*/Alibaba/Aegis/globalcfg", "**"},
			{"CloudMonitor", "/Program Files*/Alibaba/cloudmonitor", "*.properties"},
			{"CloudMonitor", "/Program Files*/Alibaba/cloudmonitor/logs", "**"},
		} {
			if err := leftover.Run(p, leftover.Spec{Patterns: []string{a.dir + "/" + a.files}, Group: leftover.Under(a.dir),
				Title: func(g leftover.Group) finding.Text {
					return finding.Tf("Identity or logs of the agent %s: %s", "代理程序 %s 的身份标识或日志：%s", a.name, g.Count())
				},
				Fix: finding.Blank, FixTitle: t("Empty the files", "清空这些文件"), Risk: risk}); err != nil {
				return err
			}
		}
		return nil
	},
}
