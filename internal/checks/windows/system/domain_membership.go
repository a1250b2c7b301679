package system

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var domainMembership = &Check{
	ID:       "windows/system/domain-membership",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"WID-009", "WCR-027"},
	Doc: check.Doc{
		Title:  t("Membership in a domain or in Microsoft Entra ID", "加入域或 Microsoft Entra ID"),
		Why:    t("The image holds the password of the machine's account: whoever has it is that machine to the domain", "镜像中含有计算机账户的密码：获得它的人在域中即为该计算机"),
		Remedy: t("Leave the domain before making the image; instances join by themselves", "制作镜像前退出域；由实例自行加入"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		set, name := w.ControlSet()
		h := w.Hive("SYSTEM")
		const tcpip, cloud = `Services\Tcpip\Parameters`, `Control\CloudDomainJoin\JoinInfo`
		// Netlogon's start type tells a member from a machine of a work group, whose
		// DNS suffix may be set too.
		if start, ok := set.Key(`Services\Netlogon`).Uint("Start"); ok && start == startAuto {
			domain := set.Key(tcpip).Text("Domain")
			if domain == "" {
				domain = set.Key(tcpip).Text("NV Domain")
			}
			f := at(h, name+`\Services\Netlogon`)
			f.Title = finding.Tf("The machine is a member of the domain %s", "该机器已加入域 %s", credfile.Show(domain))
			p.Report(f)
		}
		for _, k := range set.Key(cloud).Keys() {
			f := at(h, name+`\`+cloud+`\`+k.Name())
			f.Title = t("The machine is joined to Microsoft Entra ID, with a certificate of its own", "该机器已加入 Microsoft Entra ID，并持有自己的证书")
			p.Report(f)
		}
		return nil
	},
}
