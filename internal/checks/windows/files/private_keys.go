package files

import (
	"assay/check"
	"assay/finding"
)

var privateKeys = &Check{
	ID:       "windows/files/private-keys",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B6"},
	Covers:   []string{"WCR-003", "WCR-004"},
	Doc: check.Doc{
		Title:  t("Key stores of Windows", "Windows 密钥存储"),
		Why:    t("They open everything that Windows encrypts for the user, and the private keys of certificates", "它们可以打开 Windows 为用户加密的所有内容以及证书的私钥"),
		Remedy: t("Delete the profile of the user; the keys of the machine itself are renewed by Sysprep", "删除该用户的配置文件；机器自身的密钥由 Sysprep 更新"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return run(p,
			left{t("Master keys of a user (DPAPI)", "用户的主密钥（DPAPI）"), finding.Medium, "", []string{"~/AppData/Roaming/Microsoft/Protect/S-1-5-21-*/*"}, finding.Blank, t("Everything that this user has encrypted is lost", "该用户加密的所有内容将丢失")},
			left{t("Private keys of a user", "用户的私钥"), finding.Medium, "", []string{"~/AppData/Roaming/Microsoft/Crypto/RSA/S-1-5-21-*/*", "~/AppData/Roaming/Microsoft/Crypto/Keys/*"}, finding.Blank, t("Certificates of this user lose their keys", "该用户的证书将失去私钥")},
		)
	},
}
