package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var fileTransfer = &Check{
	ID:       "any/cloud/file-transfer",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-021"},
	Doc: check.Doc{
		Title:  t("Logins of file transfer programs", "文件传输工具保存的登录凭证"),
		Why:    t("rclone, FileZilla and lftp keep passwords in clear or in a form anyone can turn back", "rclone、FileZilla、lftp 以明文或可逆方式保存密码"),
		Remedy: t("Delete the file and change the passwords", "删除该文件，并修改其中的密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "rclone", Patterns: []string{"~/.config/rclone/rclone.conf", "~/.rclone.conf"}, Parse: settings.INI,
				Secrets: "pass password password2 token secret_access_key client_secret key account_key bearer_token access_key_secret", IDs: "access_key_id user", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "FileZilla", Patterns: []string{"~/.config/filezilla/*.xml", "~/.filezilla/*.xml"}, Parse: settings.XML, Secrets: "pass", IDs: "user", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "lftp", Patterns: []string{"~/.lftp/bookmarks", "~/.local/share/lftp/bookmarks", "~/.gftp/bookmarks", "~/.gftp/gftprc"}, Find: credfile.URLs, Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "ncftp", Patterns: []string{"~/.ncftp/bookmarks", "~/.config/Cyberduck/**"}, Severity: finding.Medium, Fix: finding.Remove, Safe: true})
	},
}
