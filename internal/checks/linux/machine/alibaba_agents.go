package machine

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var alibabaAgents = &Check{
	ID:       "linux/machine/alibaba-agents",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"IDN-020", "IDN-021", "IDN-022", "IDN-023", "IDN-024"},
	Doc: check.Doc{
		Title:  t("Identity of Alibaba Cloud agents: Logtail, CloudMonitor, Security Center", "阿里云代理程序的身份信息：Logtail、云监控、云安全中心"),
		Why:    t("A clone with the old Logtail ID joins the old machine group and ships its logs to the old project", "带有旧 Logtail 标识的克隆实例会加入旧的机器组，并把日志发送到旧的 Project"),
		Remedy: t("Remove the IDs, or install the agents at first boot", "删除这些标识，或在首次启动时安装代理程序"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p, file{Tool: "CloudMonitor", Patterns: []string{"/usr/local/cloudmonitor/conf/accesskey.properties", "/usr/local/cloudmonitor/config/accesskey.properties"}, Parse: settings.Properties,
			Secrets: "*secret* *accesskey* *key*", Severity: finding.High, Fix: finding.Remove}); err != nil {
			return err
		}
		markers(p)
		return run(p,
			noted(group("/usr/local/ilogtail", "Logtail keeps the configuration of a project", "Logtail 保存了某个 Project 的采集配置", "/usr/local/ilogtail/user_log_config.json", "/usr/local/ilogtail/app_info.json",
				"/usr/local/loongcollector/conf/instance_config/local/*", "/etc/ilogtail/config/**"), finding.Low),
			noted(group("/usr/local/aegis", "Security Center agent with the identity of one machine", "云安全中心客户端保存了某台机器的身份信息", "/usr/local/aegis/**/aegis_uuid*", "/usr/local/aegis/aegis_client/*/data/*", "/usr/local/aegis/globalcfg/*"), finding.Low))
	},
}

// markers reports Logtail's identity files. A users/ID marker is an empty
// file: its name is the account.
func markers(p *Pass) {
	all, _ := p.Subject.Match("/etc/ilogtail/user_defined_id", "/etc/ilogtail/users/*")
	for _, m := range all {
		if m.Meta.Kind != fsys.Regular || path.Base(m.Path) == "user_defined_id" && m.Meta.Size == 0 {
			continue
		}
		w := credfile.Where(p.Subject, m)
		f := finding.Finding{Where: w, Title: finding.Tf("Logtail lets account %s collect this machine's logs", "Logtail 允许账号 %s 采集本机日志", credfile.Show(path.Base(m.Path)))}
		if path.Base(m.Path) == "user_defined_id" {
			f.Title = t("Logtail joins a machine group by a fixed ID", "Logtail 以固定的自定义标识加入机器组")
		}
		risk := t("Instances no longer join the machine group by themselves", "实例将不再自动加入该机器组")
		f.Fix = &finding.Fix{Title: removeTitle, Risk: &risk, Edits: []finding.Edit{{Op: finding.Remove, Volume: w.Volume, Path: w.Path}}}
		p.Report(f)
	}
}
