package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var domainMembership = &Check{
	ID:       "any/app/domain-membership",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"APP-019", "APP-020"},
	Doc: check.Doc{
		Title:  t("This machine's membership in a domain: Kerberos, SSSD, IPA, Samba", "本机的域成员身份：Kerberos、SSSD、IPA、Samba"),
		Why:    t("A keytab is the machine's password in the domain: every instance, and whoever has the image, can act as this machine", "keytab 就是本机在域中的密码：每个实例以及获得镜像的人都能冒充本机"),
		Remedy: t("Leave the domain before making the image (realm leave, ipa-client-install --uninstall) and join at first boot", "制作镜像前退出域（realm leave、ipa-client-install --uninstall），在首次启动时重新加入"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p,
			file{Tool: "SSSD", Patterns: []string{"/etc/sssd/sssd.conf", "/etc/sssd/conf.d/*.conf"}, Parse: settings.INI, Secrets: "ldap_default_authtok", IDs: "ldap_default_bind_dn"},
			file{Tool: "Kerberos", Patterns: []string{"/tmp/krb5cc_*", "/var/tmp/krb5cc_*"}, Magic: "\x05", Severity: finding.Medium, Fix: finding.Remove, Safe: true}); err != nil {
			return err
		}
		for _, m := range credfile.Targets(p.Subject, "~/.k5login") {
			p.Report(finding.Finding{Where: credfile.Where(p.Subject, m), Severity: finding.Medium,
				Title: finding.Tf("Kerberos principals may log in as %s", "Kerberos 主体可以以用户 %s 登录", credfile.Show(m.User))})
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/etc/krb5.keytab", "/etc/*.keytab", "/var/lib/sss/db/*.ldb", "/var/lib/sss/secrets/*", "/var/lib/ipa-client/pki/*", "/var/lib/ipa-client/sysrestore/*",
				"/etc/ipa/default.conf", "/etc/ipa/nssdb/*.txt", "/var/lib/samba/private/secrets.tdb", "/etc/openldap/ldap.secret", "/etc/libnss-ldap.secret", "/etc/pam_ldap.secret"},
			Keep: func(m guest.Match) bool {
				return credfile.Vendor(p.Subject, m.Path) || m.Path == "/var/lib/sss/db/config.ldb"
			},
			Group: domainPart,
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Domain membership of this machine: %[1]s (%[2]s)", "本机的域成员身份:%[1]s(%[3]d 个文件)", g.Key, g.Count(), len(g.Matches))
			},
			Severity: func(g leftover.Group) finding.Severity {
				if g.Key == "/etc/ipa" {
					return finding.Medium
				}
				return finding.High
			},
			Fix: finding.Remove, FixTitle: t("Remove the machine's domain identity", "删除本机的域身份"),
			Risk: t("The machine leaves the domain; users of the domain cannot log in until it joins again", "本机将退出域；重新加入前域用户无法登录"),
		})
	},
}

func domainPart(m guest.Match) string {
	for _, d := range []string{"/var/lib/sss", "/etc/ipa", "/var/lib/ipa-client"} {
		if credfile.Under(m.Path, d) {
			return d
		}
	}
	return m.Path
}
