package files

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var wireless = &Check{
	ID:       "windows/files/wireless",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"WCR-014"},
	Doc: check.Doc{
		Title:  t("Keys of wireless networks and VPN connections", "无线网络和 VPN 连接的密钥"),
		Why:    t("The key of the machine that opens them lies on the same disk", "用于解密的机器密钥就在同一块磁盘上"),
		Remedy: t("Empty the files", "清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		return credfile.Run(p, credfile.File{Tool: "Wi-Fi", Patterns: []string{"/ProgramData/Microsoft/Wlansvc/Profiles/**/*.xml"}, Fix: finding.Blank, Safe: true,
			Find: func(b []byte) (out []credfile.Secret) {
				_ = elements(b, func(e element) { // what follows a break is for the scan of contents
					if path.Base(e.path) == "keymaterial" && e.text != "" {
						out = append(out, credfile.Secret{Name: "keyMaterial", Value: []byte(e.text), Line: e.line})
					}
				})
				return out
			}},
			credfile.File{Tool: "VPN", Patterns: []string{"~/AppData/Roaming/Microsoft/Network/Connections/Pbk/rasphone.pbk", "/ProgramData/Microsoft/Network/Connections/Pbk/rasphone.pbk"}, Severity: finding.Low})
	},
}
