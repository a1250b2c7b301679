package account

import (
	"bytes"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var sambaPasswords = &Check{
	ID:       "linux/account/samba-passwords",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"ACC-026"},
	Doc: check.Doc{
		Title:  t("Passwords of Samba users", "Samba 用户的密码"),
		Why:    t("Samba keeps NT hashes without salt: they need not even be cracked to log in with them", "Samba 保存无盐的 NT 哈希：无需破解即可直接用于登录"),
		Remedy: t("pdbedit -x USER for each, or remove the data base if Samba is not part of the product", "对每个用户执行 pdbedit -x；如产品不使用 Samba，则删除该数据库"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/var/lib/samba/private/passdb.tdb", "/var/lib/samba/passdb.tdb", "/etc/samba/passdb.tdb",
			"/etc/samba/smbpasswd", "/var/lib/samba/private/smbpasswd", "/var/lib/samba/private/secrets.tdb") {
			b, ok := credfile.Read(p, m)
			n := 0
			switch {
			case !ok:
			case strings.HasSuffix(m.Path, "secrets.tdb"):
				n = bytes.Count(b, []byte("SECRETS/MACHINE_PASSWORD/")) // a domain member's account
			case strings.HasSuffix(m.Path, ".tdb"):
				n = bytes.Count(b, []byte("USER_")) // the key of each record in passdb/pdb_tdb.c
			default:
				n = smbUsers(b)
			}
			if n == 0 {
				continue
			}
			risk := t("Samba users can no longer log in", "Samba 用户将无法登录")
			p.Report(finding.Finding{Where: credfile.Where(p.Subject, m),
				Title: finding.Tf("Password hashes of Samba users: %d", "Samba 保存了 %d 个密码哈希", n),
				Fix: &finding.Fix{Title: t("Remove the file", "删除该文件"), Risk: &risk,
					Edits: []finding.Edit{{Op: finding.Remove, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}}})
		}
		return nil
	},
}

// smbUsers counts the lines of smbpasswd(5) with an NT hash.
func smbUsers(b []byte) (n int) {
	for l := range strings.Lines(string(b)) {
		f := strings.Split(l, ":")
		if len(f) > 4 && len(f[3]) == 32 && strings.Trim(f[3], "X") != "" && !strings.HasPrefix(f[3], "NO PASSWORD") {
			n++
		}
	}
	return n
}
