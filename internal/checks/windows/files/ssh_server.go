package files

import (
	"assay/check"
	"assay/finding"
)

var sshServer = &Check{
	ID:       "windows/files/ssh-server",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A2", "A7", "B6"},
	Covers:   []string{"WSS-002", "WSS-003"},
	Doc: check.Doc{
		Title:  t("Keys of the SSH server", "SSH 服务器的密钥"),
		Why:    t("Administrators log in with the keys of administrators_authorized_keys, whatever their profiles say; with the host keys of the image anybody can pose as an instance", "管理员使用 administrators_authorized_keys 中的公钥登录，与其用户配置文件无关；利用镜像中的主机密钥，任何人都可以冒充实例"),
		Remedy: t("Empty the files; sshd makes host keys anew when it starts", "清空这些文件；sshd 启动时会重新生成主机密钥"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return run(p,
			left{t("SSH keys that let somebody in as Administrator on every instance", "可在所有实例上以管理员身份登录的 SSH 公钥"), finding.High, "", []string{"/ProgramData/ssh/administrators_authorized_keys"}, finding.Blank, finding.Text{}},
			left{t("Host keys that every instance would share", "所有实例共用的主机密钥"), finding.Medium, "", []string{"/ProgramData/ssh/ssh_host_*_key"}, finding.Blank, finding.Text{}},
			left{t("Logs of the SSH server", "SSH 服务器日志"), finding.Low, "", []string{"/ProgramData/ssh/logs/*"}, finding.Blank, finding.Text{}},
		)
	},
}
