package files

import (
	"regexp"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var savedConnections = &Check{
	ID:       "windows/files/saved-connections",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"WSS-007", "WSS-008", "WCR-012", "WCR-016", "WCR-017", "WCR-021", "WCR-022"},
	Doc: check.Doc{
		Title:  t("Saved connections of clients for files, data bases and remote screens", "文件传输、数据库和远程桌面客户端保存的连接"),
		Why:    t("They name other machines and logins; the passwords in them are only disguised, or opened with keys of the same disk", "其中包含其他机器和登录名；保存的密码只经过简单变换，或可用同一块磁盘上的密钥解密"),
		Remedy: t("Remove the connections, or empty the files", "删除这些连接，或清空文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		files := []credfile.File{
			{Tool: "Remote Desktop", Patterns: []string{"~/Documents/Default.rdp", "~/Desktop/*.rdp", "~/Documents/*.rdp", "~/Downloads/*.rdp", "/Users/Public/Desktop/*.rdp"}, Find: rdpPassword, Present: finding.Low},
		}
		return credfile.Run(p, append(files, connections...)...)
	},
}

// connections are files of clients whose presence is the fact.
var connections = []credfile.File{
	{Tool: "FileZilla", Patterns: []string{"~/AppData/Roaming/FileZilla/sitemanager.xml", "~/AppData/Roaming/FileZilla/recentservers.xml", "/Program Files*/FileZilla Server/FileZilla Server.xml"}},
	{Tool: "WinSCP", Patterns: []string{"~/AppData/Roaming/WinSCP.ini", "~/AppData/Local/Programs/WinSCP/WinSCP.ini", "/Program Files*/WinSCP/WinSCP.ini"}},
	{Tool: "FlashFXP", Patterns: []string{"~/AppData/Roaming/FlashFXP/*/Sites.dat", "/ProgramData/FlashFXP/*/Sites.dat"}},
	{Tool: "Xftp, Xshell", Patterns: []string{"~/Documents/NetSarang Computer/*/Xshell/Sessions/**/*.xsh", "~/Documents/NetSarang Computer/*/Xftp/Sessions/**/*.xfp"}},
	{Tool: "FinalShell", Patterns: []string{"~/AppData/Local/finalshell/conn/*.json"}},
	{Tool: "MobaXterm", Patterns: []string{"~/AppData/Roaming/MobaXterm/MobaXterm.ini", "~/Documents/MobaXterm/MobaXterm.ini", "/Program Files*/Mobatek/MobaXterm/MobaXterm.ini"}},
	{Tool: "mRemoteNG", Patterns: []string{"~/AppData/Roaming/mRemoteNG/confCons.xml"}},
	{Tool: "SecureCRT", Patterns: []string{"~/AppData/Roaming/VanDyke/Config/Sessions/**/*.ini"}},
	{Tool: "RDCMan", Patterns: []string{"~/Documents/*.rdg", "~/Desktop/*.rdg", "~/AppData/Local/Microsoft/Remote Desktop Connection Manager/RDCMan.settings"}},
	{Tool: "UltraVNC", Patterns: []string{"/Program Files*/uvnc bvba/UltraVNC/ultravnc.ini", "/Program Files*/UltraVNC/ultravnc.ini"}},
	{Tool: "AnyDesk", Patterns: []string{"~/AppData/Roaming/AnyDesk/service.conf", "/ProgramData/AnyDesk/service.conf"}},
	{Tool: "Sunlogin", Patterns: []string{"/Program Files*/Oray/SunLogin/*/config.ini", "/ProgramData/Oray/SunloginClient/*.ini"}},
	{Tool: "ToDesk", Patterns: []string{"/Program Files*/ToDesk/config.ini"}},
	{Tool: "Foxmail", Patterns: []string{"~/AppData/Roaming/Foxmail*/**/Account.rec0", "/Program Files*/Foxmail*/Storage/*/Accounts/Account.rec0"}},
	{Tool: "Thunderbird", Patterns: []string{"~/AppData/Roaming/Thunderbird/Profiles/*/logins.json"}},
	{Tool: "DBeaver", Patterns: []string{"~/AppData/Roaming/DBeaverData/workspace*/*/.dbeaver/credentials-config.json"}},
	{Tool: "SSMS", Patterns: []string{"~/AppData/Roaming/Microsoft/SQL Server Management Studio/*/SqlStudio.bin", "~/AppData/Roaming/Microsoft/SQL Server Management Studio/*/UserSettings.xml"}},
	{Tool: "KeePass", Patterns: []string{"~/Documents/*.kdbx", "~/Desktop/*.kdbx", "~/AppData/Roaming/KeePass/KeePass.config.xml"}},
	{Tool: "OpenVPN", Patterns: []string{"~/OpenVPN/config/**/*.ovpn", "/Program Files/OpenVPN/config*/**/*.ovpn"}},
}

// rdpLine is a password that Remote Desktop has saved: encrypted with a key of
// the user who lies on the same disk.
var rdpLine = regexp.MustCompile(`(?i)^password 51:b:([0-9A-F]+)`)

func rdpPassword(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(utf8Text(b))) {
		n++
		if m := rdpLine.FindStringSubmatch(l); m != nil {
			out = append(out, credfile.Secret{Name: "password 51", Value: []byte(m[1]), Line: n})
		}
	}
	return out
}
