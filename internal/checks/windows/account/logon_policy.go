package account

import (
	"assay/check"
	"assay/finding"
)

var logonPolicy = &Check{
	ID:       "windows/account/logon-policy",
	Severity: finding.Medium,
	Class:    finding.Exposure,
	Rows:     []string{"A14"},
	Covers:   []string{"WAC-010", "WAC-012"},
	Doc: check.Doc{
		Title:  t("Settings that weaken logons", "削弱登录安全的设置"),
		Why:    t("Each lets somebody in more easily, or keeps passwords where they can be taken", "这些设置使他人更容易登录，或使密码更容易被窃取"),
		Remedy: t("Set the value back to what Windows has by default", "将该值恢复为 Windows 的默认值"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		set, name := w.ControlSet()
		h := w.Hive("SYSTEM")
		for _, s := range weak {
			v := set.Key(s.key).Value(s.value)
			if n, ok := v.Uint(); !ok || n != s.bad {
				continue
			}
			f := atKey(h, name+`\`+s.key+`\`+s.value)
			f.Title = s.title
			f.Fix = &finding.Fix{Title: t("Set the value to the default of Windows", "将该值设为 Windows 默认值"), Safe: true, Edits: []finding.Edit{setNumber(h, name+`\`+s.key, v.Name(), s.good)}}
			p.Report(f)
		}
		return nil
	},
}

// weak are the settings of the control set that let somebody in.
var weak = []struct {
	key, value string
	bad        uint64
	good       byte
	title      finding.Text
}{
	{`Control\Lsa`, "LimitBlankPasswordUse", 0, 1, t("Accounts without a password can log on from the network", "没有密码的账户可以从网络登录")},
	{`Control\Lsa`, "DisableRestrictedAdmin", 0, 1, t("A stolen hash is enough to log on through Remote Desktop (Restricted Admin mode)", "仅凭窃取的哈希即可通过远程桌面登录（受限管理员模式）")},
	{`Control\Lsa`, "NoLMHash", 0, 1, t("Windows keeps LM hashes of new passwords", "Windows 会为新密码保存 LM 哈希")},
	{`Control\SecurityProviders\WDigest`, "UseLogonCredential", 1, 0, t("Windows keeps the passwords of logged-on users in memory in clear (WDigest)", "Windows 在内存中以明文保存已登录用户的密码（WDigest）")},
	{`Control\Terminal Server\WinStations\RDP-Tcp`, "UserAuthentication", 0, 1, t("Remote Desktop shows a logon screen before it asks who is there (no Network Level Authentication)", "远程桌面在验证身份之前就显示登录界面（未启用网络级别身份验证）")},
}
