package registry

import (
	"assay/check"
	"assay/finding"
)

var savedPasswords = &Check{
	ID:       "windows/registry/saved-passwords",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"WCR-011", "WCR-017", "WCR-021", "WCR-022"},
	Doc: check.Doc{
		Title:  t("Passwords that programs keep in the registry", "程序保存在注册表中的密码"),
		Why:    t("They are only disguised, with keys that everybody knows", "这些密码只经过简单变换，密钥众所周知"),
		Remedy: t("Remove the saved connection or password", "删除保存的连接或密码"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		report(p, passwords)
		return nil
	},
}

var servers, remote = t("saved connections with passwords", "带有密码的已保存连接"), t("the password for access from outside", "外部访问密码")

// passwords are the keys of this check.
var passwords = []saved{
	{"Navicat (MySQL)", `PremiumSoft\Navicat\Servers`, servers, finding.High, "Pwd", true},
	{"Navicat (SQL Server)", `PremiumSoft\NavicatMSSQL\Servers`, servers, finding.High, "Pwd", true},
	{"Navicat (PostgreSQL)", `PremiumSoft\NavicatPG\Servers`, servers, finding.High, "Pwd", true},
	{"Navicat (Oracle)", `PremiumSoft\NavicatOra\Servers`, servers, finding.High, "Pwd", true},
	{"Navicat (MariaDB)", `PremiumSoft\NavicatMARIADB\Servers`, servers, finding.High, "Pwd", true},
	{"Navicat (MongoDB)", `PremiumSoft\NavicatMONGODB\Servers`, servers, finding.High, "Pwd", true},
	{"HeidiSQL", `HeidiSQL\Servers`, servers, finding.High, "Password", true},
	{"RealVNC", `RealVNC\vncserver`, remote, finding.High, "Password", false},
	{"RealVNC 4", `RealVNC\WinVNC4`, remote, finding.High, "Password", false},
	{"TightVNC", `TightVNC\Server`, remote, finding.High, "Password", false},
	{"TigerVNC", `TigerVNC\WinVNC4`, remote, finding.High, "Password", false},
	{"WinVNC", `ORL\WinVNC3`, remote, finding.High, "Password", false},
	{"TeamViewer", `TeamViewer`, remote, finding.High, "SecurityPasswordAES", false},
	{"TeamViewer (32 bit)", `WOW6432Node\TeamViewer`, remote, finding.High, "SecurityPasswordAES", false},
	{"Radmin", `Radmin\v3.0\Server\Parameters\Radmin Security`, remote, finding.High, "", false},
	{"OpenVPN GUI", `OpenVPN-GUI\configs`, t("saved passwords of connections", "保存的连接密码"), finding.High, "auth-data", true},
	{"Outlook", `Microsoft\Office\16.0\Outlook\Profiles`, t("mail accounts", "邮件账户"), finding.Medium, "", true},
	{"Outlook", `Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\Profiles`, t("mail accounts", "邮件账户"), finding.Medium, "", true},
}
