package cloud

import (
	"bytes"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var vaultTokens = &Check{
	ID:       "any/cloud/vault-tokens",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-020"},
	Doc: check.Doc{
		Title:  t("Tokens and passwords that open secret stores", "可打开机密库的令牌和密码"),
		Why:    t("One of these opens everything that is kept encrypted elsewhere: Vault, Ansible Vault, SOPS, age, pass", "其中任意一个都能打开加密保存在别处的全部内容：Vault、Ansible Vault、SOPS、age、pass"),
		Remedy: t("Delete the file, revoke the token, and encrypt the store again with a new key", "删除该文件，吊销该令牌，并用新密钥重新加密机密库"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "Vault", Patterns: []string{"~/.vault-token"}, Find: credfile.Whole, Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "Ansible Vault", Patterns: []string{"~/.vault-pass*", "~/.vault_pass*", "~/.ansible_vault*", "/etc/ansible/.vault*", "/etc/ansible/vault_pass*"},
				Find: vaultPassword, Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "age", Patterns: []string{"~/.config/sops/age/keys.txt", "~/.age/*", "~/.config/age/*", "/etc/sops/age/*"}, Find: ageKeys, Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "pass", Patterns: []string{"~/.password-store/.gpg-id"}, Severity: finding.Low})
	},
}

// vaultPassword takes a short text as a password; a script that asks for one
// is left out.
func vaultPassword(b []byte) []credfile.Secret {
	if bytes.HasPrefix(b, []byte("#!")) || len(b) > 512 {
		return nil
	}
	return credfile.Whole(b)
}

func ageKeys(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range bytes.Lines(b) {
		n++
		if l = bytes.TrimSpace(l); bytes.HasPrefix(l, []byte("AGE-SECRET-KEY-")) {
			out = append(out, credfile.Secret{Name: "AGE-SECRET-KEY", Value: bytes.Clone(l), Line: n})
		}
	}
	return out
}
