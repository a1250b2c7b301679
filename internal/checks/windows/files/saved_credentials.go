package files

import (
	"assay/check"
	"assay/finding"
)

var savedCredentials = &Check{
	ID:       "windows/files/saved-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"WCR-001", "WCR-002", "WCR-015"},
	Doc: check.Doc{
		Title:  t("Credentials that Windows and browsers have saved", "Windows 和浏览器保存的凭证"),
		Why:    t("Passwords for other machines, shares and web sites; the keys that open them lie on the same disk", "其他机器、共享和网站的密码；解密所需的密钥就在同一块磁盘上"),
		Remedy: t("Remove them in Credential Manager and in the browser, or empty the files", "在“凭据管理器”和浏览器中删除，或清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if err := empty(p, place{what: t("Sign-in tokens of Microsoft accounts", "Microsoft 账户的登录令牌"), severity: finding.High,
			dirs: []string{"~/AppData/Local/Microsoft/TokenBroker/Cache", "~/AppData/Local/Microsoft/IdentityCache", "~/AppData/Local/Microsoft/OneAuth"}}); err != nil {
			return err
		}
		return run(p,
			left{t("Saved in Credential Manager", "保存在凭据管理器中"), finding.High, "", []string{"~/AppData/Roaming/Microsoft/Credentials/*", "~/AppData/Local/Microsoft/Credentials/*"}, finding.Blank, finding.Text{}},
			left{t("Saved in a vault of Windows", "保存在 Windows 保管库中"), finding.High, "", []string{"~/AppData/Roaming/Microsoft/Vault/*/*.vcrd", "~/AppData/Local/Microsoft/Vault/*/*.vcrd", "/ProgramData/Microsoft/Vault/*/*.vcrd"}, finding.Blank, finding.Text{}},
			left{t("Passwords, cookies and history of a browser", "浏览器的密码、Cookie 和历史记录"), finding.High, "", []string{"~/AppData/Local/Google/Chrome/User Data/*/Login Data", "~/AppData/Local/Google/Chrome/User Data/*/Cookies", "~/AppData/Local/Google/Chrome/User Data/*/Network/Cookies", "~/AppData/Local/Google/Chrome/User Data/*/Web Data", "~/AppData/Local/Google/Chrome/User Data/*/History", "~/AppData/Local/Microsoft/Edge/User Data/*/Login Data", "~/AppData/Local/Microsoft/Edge/User Data/*/Cookies", "~/AppData/Local/Microsoft/Edge/User Data/*/Network/Cookies", "~/AppData/Local/Microsoft/Edge/User Data/*/Web Data", "~/AppData/Local/Microsoft/Edge/User Data/*/History", "~/AppData/Local/Chromium/User Data/*/Login Data", "~/AppData/Local/Chromium/User Data/*/Cookies", "~/AppData/Local/Chromium/User Data/*/Network/Cookies", "~/AppData/Local/Chromium/User Data/*/Web Data", "~/AppData/Local/Chromium/User Data/*/History", "~/AppData/Local/BraveSoftware/Brave-Browser/User Data/*/Login Data", "~/AppData/Local/BraveSoftware/Brave-Browser/User Data/*/Cookies", "~/AppData/Local/BraveSoftware/Brave-Browser/User Data/*/Network/Cookies", "~/AppData/Local/BraveSoftware/Brave-Browser/User Data/*/Web Data", "~/AppData/Local/BraveSoftware/Brave-Browser/User Data/*/History", "~/AppData/Local/360Chrome/Chrome/User Data/*/Login Data", "~/AppData/Local/360Chrome/Chrome/User Data/*/Cookies", "~/AppData/Local/360Chrome/Chrome/User Data/*/Network/Cookies", "~/AppData/Local/360Chrome/Chrome/User Data/*/Web Data", "~/AppData/Local/360Chrome/Chrome/User Data/*/History", "~/AppData/Local/Tencent/QQBrowser/User Data/*/Login Data", "~/AppData/Local/Tencent/QQBrowser/User Data/*/Cookies", "~/AppData/Local/Tencent/QQBrowser/User Data/*/Network/Cookies", "~/AppData/Local/Tencent/QQBrowser/User Data/*/Web Data", "~/AppData/Local/Tencent/QQBrowser/User Data/*/History", "~/AppData/Local/SogouExplorer/User Data/*/Login Data", "~/AppData/Local/SogouExplorer/User Data/*/Cookies", "~/AppData/Local/SogouExplorer/User Data/*/Network/Cookies", "~/AppData/Local/SogouExplorer/User Data/*/Web Data", "~/AppData/Local/SogouExplorer/User Data/*/History", "~/AppData/Roaming/Mozilla/Firefox/Profiles/*/logins.json", "~/AppData/Roaming/Mozilla/Firefox/Profiles/*/key4.db", "~/AppData/Roaming/Mozilla/Firefox/Profiles/*/cookies.sqlite", "~/AppData/Roaming/Mozilla/Firefox/Profiles/*/places.sqlite", "~/AppData/Local/Microsoft/Windows/WebCache/WebCacheV01.dat"}, finding.Blank, finding.Text{}},
		)
	},
}
