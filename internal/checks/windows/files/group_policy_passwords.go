package files

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var groupPolicyPasswords = &Check{
	ID:       "windows/files/group-policy-passwords",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"WCR-008"},
	Doc: check.Doc{
		Title:      t("Passwords in group policy preferences", "组策略首选项中的密码"),
		Why:        t("They are encrypted with a key that Microsoft has published", "它们使用微软已公开的密钥加密"),
		Remedy:     t("Change the passwords, and empty the files", "更改这些密码，并清空文件"),
		References: []string{"https://learn.microsoft.com/openspecs/windows_protocols/ms-gppref/2c15cbf0-f086-4c74-8b70-1f2fa45dd4be"},
		Since:      "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		var patterns []string
		for _, dir := range []string{"/ProgramData/Microsoft/Group Policy/History/**/", "/Windows/System32/GroupPolicy/**/", "/Windows/SYSVOL/**/"} {
			for _, f := range []string{"Groups.xml", "Services.xml", "ScheduledTasks.xml", "DataSources.xml", "Printers.xml", "Drives.xml"} {
				patterns = append(patterns, dir+f)
			}
		}
		return credfile.Run(p, credfile.File{Tool: "Group Policy", Patterns: patterns, Fix: finding.Blank, Safe: true, Find: func(b []byte) (out []credfile.Secret) {
			_ = elements(b, func(e element) { // what follows a break is for the scan of contents
				if v := e.attr["cpassword"]; v != "" {
					out = append(out, credfile.Secret{Name: "cpassword", Value: []byte(v), Line: e.line})
				}
			})
			return out
		}})
	},
}
