package machine

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var foreignAgents = &Check{
	ID:       "linux/machine/foreign-agents",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"IDN-029", "IDN-030", "IDN-031"},
	Doc: check.Doc{
		Title:  t("Registrations of other clouds' agents", "其他云平台代理程序的注册信息"),
		Why:    t("A migrated image keeps keys with which its old cloud manages it, or its provisioning password", "迁移而来的镜像保留了原云平台管理它的密钥或初始化密码"),
		Remedy: t("Uninstall the agents of the other cloud", "卸载其他云平台的代理程序"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		azure := group("/var/lib/waagent", "Azure's provisioning data and keys", "Azure 的初始化数据和密钥", "/var/lib/waagent/ovf-env.xml", "/var/lib/waagent/*.prv", "/var/lib/waagent/*.p7m", "/var/lib/waagent/Certificates.*",
			"/var/lib/waagent/*.crt", "/var/lib/waagent/provisioned", "/var/lib/waagent/*.xml")
		ssm := group("/var/lib/amazon/ssm", "Registration of the AWS SSM agent", "AWS SSM 代理的注册信息", "/var/lib/amazon/ssm/**", "/etc/amazon/ssm/registration")
		ssm.Keep = func(m guest.Match) bool {
			return credfile.Vendor(p.Subject, m.Path) || !strings.Contains(m.Path, "Vault") && !strings.HasSuffix(m.Path, "registration")
		}
		other := group("/usr/local/qcloud", "Agents of another cloud", "其他云平台的代理程序", "/usr/local/qcloud/**", "/etc/qcloudzone", "/CloudrResetPwdAgent/**", "/CloudResetPwdUpdateAgent/**", "/usr/local/hostguard/**", "/usr/local/telescope/**")
		other.Keep = func(m guest.Match) bool { return credfile.Vendor(p.Subject, m.Path) }
		return run(p, azure, risky(ssm, finding.Medium, "The machine must be registered with SSM again", "本机需要重新注册到 SSM"), noted(other, finding.Low))
	},
}
