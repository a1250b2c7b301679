package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/crypt"
	"assay/internal/checks/credfile"
)

var oldPasswords = &Check{
	ID:       "linux/account/old-passwords",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-014"},
	Doc: check.Doc{
		Title:  t("Hashes of former passwords", "历史密码的哈希"),
		Why:    t("pam_pwhistory keeps the last hashes of every user; people vary one password, so a cracked old one gives the new one", "pam_pwhistory 保存每个用户以往的密码哈希；人们常在旧密码基础上变化，破解旧密码往往就能得到新密码"),
		Remedy: t("Empty the file, keep its mode: : > /etc/security/opasswd", "清空文件并保留权限：: > /etc/security/opasswd"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/etc/security/opasswd", "/etc/security/opasswd[.~-]*", "/etc/security/nopasswd") {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			n, first := 0, ""
			crypt.Find(b, func(_ int, h crypt.Hash) bool {
				if n++; n == 1 {
					first = h.Text()
				}
				return true
			})
			if n == 0 {
				continue
			}
			p.Report(finding.Finding{
				Where:    credfile.Where(p.Subject, m),
				Title:    finding.Tf("Hashes of former passwords: %d", "%d 个历史密码哈希", n),
				Evidence: hashEvidence(p, "…", first),
				Fix: &finding.Fix{Title: t("Empty the file", "清空该文件"), Safe: true,
					Edits: []finding.Edit{{Op: finding.Blank, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}},
			})
		}
		return nil
	},
}
