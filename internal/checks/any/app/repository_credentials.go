package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var repositoryCredentials = &Check{
	ID:       "any/app/repository-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-023"},
	Doc: check.Doc{
		Title:  t("Passwords for package repositories and proxies", "软件源和代理的密码"),
		Why:    t("The password of a private repository or of the company's proxy goes to everyone who has the image", "私有软件源或企业代理的密码会泄露给所有获得镜像的人"),
		Remedy: t("Remove the lines; set the repository up at first boot", "删除这些行；在首次启动时配置软件源"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			file{Tool: "apt", Patterns: []string{"/etc/apt/auth.conf", "/etc/apt/auth.conf.d/*"}, Parse: settings.Netrc, Secrets: "password", Fix: finding.RemoveLine},
			file{Tool: "apt", Patterns: []string{"/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*", "/etc/apt/sources.list", "/etc/apt/sources.list.d/*"}, Find: credfile.URLs, Fix: finding.RemoveLine},
			file{Tool: "yum", Patterns: []string{"/etc/yum.conf", "/etc/dnf/dnf.conf", "/etc/yum.repos.d/*.repo", "/etc/zypp/repos.d/*.repo"}, Find: yum, Fix: finding.RemoveLine},
			file{Tool: "zypper", Patterns: []string{"/etc/zypp/credentials.d/*", "/etc/zypp/credentials.cat"}, Parse: settings.INI, Secrets: "password", IDs: "username", Fix: finding.Remove},
			file{Tool: "apk", Patterns: []string{"/etc/apk/repositories"}, Find: credfile.URLs, Fix: finding.RemoveLine})
	},
}

func yum(b []byte) []credfile.Secret {
	set, _ := settings.INI(b)
	return append(credfile.Pick(set, "password proxy_password", "username"), credfile.URLs(b)...)
}
