package machine

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var subscription = &Check{
	ID:       "linux/machine/subscription",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"TMP-015", "TMP-016"},
	Doc: check.Doc{
		Title:  t("Subscriptions of this machine: Red Hat, Ubuntu Pro, snap store", "本机的订阅：红帽、Ubuntu Pro、Snap 商店"),
		Why:    t("Clones use up the owner's subscription, and its certificates open paid repositories", "克隆实例会占用所有者的订阅额度，其证书可访问付费软件源"),
		Remedy: t("Unregister before making the image (subscription-manager unregister, pro detach, snap logout)", "制作镜像前注销（subscription-manager unregister、pro detach、snap logout）"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p,
			file{Tool: "Ubuntu Pro", Patterns: []string{"/var/lib/ubuntu-advantage/private/machine-token.json", "/var/lib/ubuntu-advantage/machine-token.json"}, Parse: settings.JSON, Secrets: "machinetoken resourcetoken", Fix: finding.Remove},
			file{Tool: "snap", Patterns: []string{"/var/lib/snapd/state.json"}, Parse: settings.JSON, Secrets: "macaroon store-macaroon session-macaroon", IDs: "username"},
			file{Tool: "snap", Patterns: []string{"~/.snap/auth.json"}, Parse: settings.JSON, Secrets: "macaroon", Fix: finding.Remove, Safe: true}); err != nil {
			return err
		}
		return run(p, risky(group("/etc/pki/consumer", "Registration with Red Hat", "红帽订阅注册信息", "/etc/pki/consumer/*.pem", "/etc/pki/entitlement/*.pem", "/etc/sysconfig/rhn/systemid", "/etc/sysconfig/rhn/osad-auth.conf",
			"/var/lib/rhsm/cache/*"), finding.Medium, "The machine loses its repositories until it is registered again", "重新注册前本机无法使用这些软件源"))
	},
}
