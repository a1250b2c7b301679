package ssh

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var otpSeeds = &Check{
	ID:       "any/ssh/otp-seeds",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"SSH-017"},
	Doc: check.Doc{
		Title:  t("Seeds of one-time passwords", "一次性密码的种子"),
		Why:    t("With the seed anybody computes the second factor, for ever; the emergency codes beside it need no computing", "拥有种子即可永久计算第二因素；旁边的应急码甚至无需计算"),
		Remedy: t("Delete the file and enrol anew on each instance", "删除该文件，并在每台实例上重新注册"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.google_authenticator", "~/.config/google-authenticator/*", "~/.otpw", "~/.totp*", "/etc/users.oath", "/etc/liboath/users.oath", "/var/lib/google-authenticator/*", "/etc/ssh/google_authenticator/*"},
			Title: func(g leftover.Group) finding.Text {
				return t("The seed of one-time passwords", "一次性密码的种子")
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the file", "删除该文件"),
			Safe:     false,
			Risk:     t("Users who log in with a one-time password are locked out", "使用一次性密码登录的用户将无法登录"),
		})
	},
}
