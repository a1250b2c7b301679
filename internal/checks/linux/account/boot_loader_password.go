package account

import (
	"bytes"
	"regexp"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var bootLoaderPassword = &Check{
	ID:       "linux/account/boot-loader-password",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"ACC-023"},
	Doc: check.Doc{
		Title:  t("The boot loader's password", "引导加载程序的密码"),
		Why:    t("Its hash is the same on every instance; whoever cracks it edits the kernel command line of all of them", "所有实例上的哈希相同；破解后即可修改所有实例的内核启动参数"),
		Remedy: t("Set it per instance, or remove it: grub2-setpassword, or the password line in /etc/grub.d", "为每台实例单独设置或删除：grub2-setpassword，或 /etc/grub.d 中的 password 行"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		seen := map[string]bool{}
		for _, m := range credfile.Targets(p.Subject, "/etc/grub.d/*", "/boot/grub/user.cfg", "/boot/grub2/user.cfg", "/boot/efi/EFI/*/user.cfg", "/boot/grub/grub.cfg",
			"/boot/grub2/grub.cfg", "/boot/grub/menu.lst", "/boot/grub/grub.conf", "/etc/grub.conf", "/boot/grub/custom.cfg", "/boot/grub2/custom.cfg") {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			hit := grubHash.FindSubmatchIndex(b)
			if hit == nil || seen[string(b[hit[2]:hit[3]])] {
				continue
			}
			seen[string(b[hit[2]:hit[3]])] = true
			w := credfile.Where(p.Subject, m)
			w.Line = bytes.Count(b[:hit[2]], []byte{'\n'}) + 1
			p.Report(finding.Finding{Where: w, Title: t("The boot loader has a password", "引导加载程序设有密码"),
				Evidence: p.Secret("password-hash", b[hit[2]:hit[3]], "password "+check.Mask())})
		}
		return nil
	},
}

// grubHash matches "password_pbkdf2 USER HASH", "GRUB2_PASSWORD=HASH", and
// GRUB Legacy's "password --md5 HASH".
var grubHash = regexp.MustCompile(`(?m)^[ \t]*(?:password_pbkdf2[ \t]+\S+[ \t]+|GRUB2_PASSWORD=|password[ \t]+(?:--md5|--encrypted)[ \t]+)((?:grub\.pbkdf2\.|\$)\S{16,})`)
