package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var vncPassword = &Check{
	ID:       "linux/account/vnc-password",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"ACC-027"},
	Doc: check.Doc{
		Title:  t("Passwords of VNC servers", "VNC 服务器的密码"),
		Why:    t("A VNC password is encrypted with a key that everybody knows: the file is the password", "VNC 密码使用众所周知的密钥加密：拿到文件就等于拿到密码"),
		Remedy: t("Delete the file and set a password per instance with vncpasswd", "删除该文件，并在每台实例上用 vncpasswd 单独设置"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.vnc/passwd", "~/.config/tigervnc/passwd", "~/.x11vnc/passwd", "~/.vnc/config.d/vncserver-x11", "/etc/vnc/passwd", "/etc/vncpasswd", "/etc/x11vnc.pass", "/etc/tigervnc/passwd", "/root/.vnc/passwd"},
			Title: func(g leftover.Group) finding.Text {
				return t("A VNC password, readable by whoever has the file", "VNC 密码，拿到文件即可还原")
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the file", "删除该文件"),
			Safe:     true,
		})
	},
}
