package machine

import (
	"assay/check"
	"assay/finding"
)

var seeds = &Check{
	ID:       "linux/machine/seeds",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"IDN-003", "IDN-004"},
	Doc: check.Doc{
		Title:  t("Random seed and the key of systemd credentials", "随机数种子和 systemd 凭据密钥"),
		Why:    t("Instances would start from the same random seed, and share the key that encrypts their service credentials", "各实例会使用相同的随机数种子，并共用加密服务凭据的密钥"),
		Remedy: t("Remove both; systemd makes them anew. Encrypt *.cred files again first", "删除两者，systemd 会重新生成；请先重新加密 *.cred 文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if p.Subject.Live {
			return nil
		}
		seed := group("/var/lib/systemd/random-seed", "Random seed", "随机数种子", "/var/lib/systemd/random-seed", "/var/lib/random-seed", "/var/lib/urandom/random-seed", "/var/lib/seedrng/seed.*",
			"/boot/efi/loader/random-seed", "/boot/loader/random-seed", "/efi/loader/random-seed")
		secret := group("/var/lib/systemd/credential.secret", "Key of systemd credentials", "systemd 凭据密钥", "/var/lib/systemd/credential.secret")
		encrypted, _ := p.Subject.Match("/etc/credstore.encrypted/*", "/etc/credstore/*.cred", "/usr/lib/credstore.encrypted/*", "/etc/systemd/system/*.cred")
		secret.Safe = len(encrypted) == 0
		secret.Risk = t("Credentials encrypted with it cannot be opened any more", "用它加密的凭据将无法解密")
		return run(p, seed, rated(secret, finding.Medium))
	},
}
