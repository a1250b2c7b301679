package machine

import (
	"assay/check"
	"assay/finding"
)

var endpointAgents = &Check{
	ID:       "linux/machine/endpoint-agents",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"IDN-043"},
	Doc: check.Doc{
		Title:  t("Registrations of endpoint security agents", "终端安全代理的注册信息"),
		Why:    t("All clones report as one machine, so an attack on one is lost among the others", "所有克隆实例以同一台机器上报，针对其中一台的攻击会被淹没"),
		Remedy: t("Use the agent's own way to prepare an image, or register at first boot", "使用代理自带的镜像制作方式，或在首次启动时注册"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return run(p, noted(group("/var/ossec/etc", "Keys with which this machine reports to its security server", "本机向安全服务器上报所用的密钥", "/var/ossec/etc/client.keys"), finding.Medium),
			noted(group("/opt/CrowdStrike", "Identity of an endpoint security agent", "终端安全代理的身份信息", "/opt/CrowdStrike/falconstore*", "/etc/opt/microsoft/mdatp/mdatp_onboard.json", "/opt/microsoft/mdatp/conf/wdavcfg",
				"/etc/tenable_tag", "/etc/machine_id.nessus", "/opt/nessus_agent/var/nessus/uuid", "/opt/nessus_agent/var/nessus/master.key", "/opt/qualys/cloud-agent/Default_Config.db", "/etc/qualys/hostid"), finding.Low))
	},
}
