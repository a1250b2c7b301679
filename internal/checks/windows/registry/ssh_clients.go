package registry

import (
	"assay/check"
	"assay/finding"
)

var sshClients = &Check{
	ID:       "windows/registry/ssh-clients",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B6"},
	Covers:   []string{"WSS-005", "WSS-006", "WSS-007", "WSS-008"},
	Doc: check.Doc{
		Title:  t("Sessions and passwords of SSH clients", "SSH 客户端的会话和密码"),
		Why:    t("They name other servers and logins; the passwords in them are only disguised", "其中包含其他服务器和登录名；保存的密码只是经过简单变换"),
		Remedy: t("Remove the sessions", "删除这些会话"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		report(p, clients)
		return nil
	},
}

// clients are the keys of this check.
var clients = []saved{
	{"OpenSSH", `OpenSSH\Agent\Keys`, t("private keys in the agent", "代理中的私钥"), finding.High, "", true},
	{"PuTTY", `SimonTatham\PuTTY\Sessions`, t("saved sessions", "保存的会话"), finding.Medium, "", true},
	{"PuTTY", `SimonTatham\PuTTY\SshHostKeys`, t("keys of servers that were visited", "访问过的服务器的公钥"), finding.Low, "", true},
	{"WinSCP", `Martin Prikryl\WinSCP 2\Sessions`, t("saved sessions", "保存的会话"), finding.High, "", true},
	{"WinSCP", `Martin Prikryl\WinSCP 2\SshHostKeys`, t("keys of servers that were visited", "访问过的服务器的公钥"), finding.Low, "", true},
	{"MobaXterm", `Mobatek\MobaXterm\P`, t("saved passwords", "保存的密码"), finding.High, "", true},
	{"MobaXterm", `Mobatek\MobaXterm\C`, t("saved credentials", "保存的凭证"), finding.High, "", true},
	{"SecureCRT", `VanDyke\SecureCRT`, t("settings with sessions", "包含会话的设置"), finding.Medium, "", true},
	{"Bitvise", `Bitvise\BvSshClient`, t("settings and keys", "设置和密钥"), finding.Medium, "", true},
	{"Xshell", `NetSarang\Xshell`, t("settings with sessions", "包含会话的设置"), finding.Low, "", true},
}
