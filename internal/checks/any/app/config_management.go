package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var configManagement = &Check{
	ID:       "any/app/config-management",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"APP-027", "APP-028", "APP-029"},
	Doc: check.Doc{
		Title:  t("This machine's identity in Ansible, Chef, Puppet or Salt", "本机在 Ansible、Chef、Puppet 或 Salt 中的身份"),
		Why:    t("The master takes every instance with this key for the same machine, and hands it that machine's secrets", "主控端会把持有该密钥的所有实例当成同一台机器，并下发该机器的机密"),
		Remedy: t("Remove the keys; let each instance enrol at first boot", "删除这些密钥；让每个实例在首次启动时自行注册"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		vars := []string{"/etc/ansible/group_vars/**", "/etc/ansible/host_vars/**", "~/ansible/group_vars/**", "~/ansible/host_vars/**", "/opt/ansible/group_vars/**", "/opt/ansible/host_vars/**"}
		if err := credfile.Run(p,
			file{Tool: "Ansible", Patterns: []string{"/etc/ansible/hosts", "/etc/ansible/inventory*", "~/ansible/hosts", "~/ansible/inventory*", "/opt/ansible/hosts", "/opt/ansible/inventory*"}, Find: inventory},
			file{Tool: "Ansible", Patterns: vars, Find: inYAML}); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/etc/chef/*.pem", "/etc/cinc/*.pem", "/var/chef/**", "/var/lib/puppet/ssl/**", "/etc/puppetlabs/puppet/ssl/**", "/opt/puppetlabs/puppet/cache/**", "/var/lib/puppet/**",
				"/etc/salt/pki/minion/*", "/etc/salt/minion_id", "/etc/salt/pki/master/**"},
			Keep:  func(m guest.Match) bool { return credfile.Vendor(p.Subject, m.Path) },
			Group: manager,
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Keys and state of this machine in %[1]s (%[2]s)", "本机在 %[1]s 中的密钥和状态(%[3]d 个文件)", g.Key, g.Count(), len(g.Matches))
			},
			Severity: func(g leftover.Group) finding.Severity {
				for _, m := range g.Matches {
					if strings.HasSuffix(m.Path, ".pem") || strings.Contains(m.Path, "private") {
						return finding.High
					}
				}
				return finding.Low
			},
			Fix: finding.Remove, FixTitle: t("Remove this machine's enrolment", "删除本机的注册信息"),
			Risk: t("The machine must enrol again at its master", "本机需要在主控端重新注册"),
		})
	},
}

func manager(m guest.Match) string {
	for _, d := range []string{"/etc/chef", "/etc/cinc", "/var/chef", "/var/lib/puppet", "/etc/puppetlabs/puppet", "/opt/puppetlabs/puppet/cache", "/etc/salt"} {
		if credfile.Under(m.Path, d) {
			return d
		}
	}
	return m.Path
}

// inventory reads "host key=value key=value".
func inventory(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		for _, w := range settings.Fields(strings.TrimSpace(l)) {
			if k, v, ok := strings.Cut(w, "="); ok && credfile.Names(k) && credfile.Real(v) {
				out = append(out, credfile.Secret{Name: k, Value: []byte(v), Line: n})
			}
		}
	}
	return out
}
