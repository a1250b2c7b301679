package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var agentLogs = &Check{
	ID:       "linux/residue/agent-logs",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10"},
	Covers:   []string{"LOG-017", "LOG-018", "LOG-019", "LOG-020", "LOG-021", "LOG-022", "LOG-023"},
	Doc: check.Doc{
		Title:  t("Logs of cloud agents", "云平台代理程序的日志"),
		Why:    t("Cloud Assistant logs what commands it ran, Logtail keeps samples of the logs it ships", "云助手日志记录其执行过的命令，Logtail 保留所采集日志的样本"),
		Remedy: t("Stop the agents and remove their logs; let Security Center's own tool handle Aegis while client protection is on", "停止代理程序并删除其日志；开启客户端自保护时，请用云安全中心自带的方式处理 Aegis"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := leftover.Run(p, leftover.Spec{
			Patterns: []string{"/usr/local/share/aliyun-assist/*/log/**", "/usr/local/share/aliyun-assist/log/**", "/usr/local/share/assist-daemon/log/**", "/var/log/aliyun-service*",
				"/usr/local/cloudmonitor/logs/**", "/usr/local/cloudmonitor/local_data/logs/**", "/usr/local/ilogtail/*.LOG*", "/usr/local/ilogtail/snapshot/**", "/usr/local/ilogtail/checkpoint/**",
				"/tmp/logtail_check_point", "/usr/local/loongcollector/log/**", "/usr/local/loongcollector/data/**", "/var/log/amazon/**", "/var/log/waagent.log*", "/var/log/azure/**"},
			Group: agentOf,
			Title: inDir("Agent logs", "代理程序日志"),
			Fix:   finding.Remove, FixTitle: removeTitle, Safe: true,
		}); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/usr/local/aegis/**"},
			Keep: func(m guest.Match) bool {
				return !strings.Contains(m.Path, "/log/") && !strings.Contains(m.Path, "/globalcfg/")
			},
			Group: func(guest.Match) string { return "/usr/local/aegis" },
			Title: inDir("Security Center logs", "云安全中心日志"),
		})
	},
}

func agentOf(m guest.Match) string {
	for _, d := range []string{"/usr/local/share/aliyun-assist", "/usr/local/share/assist-daemon", "/usr/local/cloudmonitor", "/usr/local/ilogtail", "/usr/local/loongcollector", "/var/log/amazon", "/var/log/azure"} {
		if strings.HasPrefix(m.Path, d+"/") {
			return d
		}
	}
	return m.Path
}
