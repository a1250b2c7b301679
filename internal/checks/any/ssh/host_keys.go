package ssh

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var hostKeys = &Check{
	ID:       "any/ssh/host-keys",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B6"},
	Covers:   []string{"SSH-012", "SSH-013"},
	Doc: check.Doc{
		Title:  t("Host keys that all instances would share", "所有实例共用的主机密钥"),
		Why:    t("Whoever has the image can stand in for any instance made from it, and read the sessions of those who connect", "获得镜像的人可以冒充由其创建的任意实例，窃取连接者的会话"),
		Remedy: t("Delete them if something makes new ones at first boot (cloud-init, sshd-keygen); otherwise install such a generator first", "如首次启动时会重新生成（cloud-init、sshd-keygen），请删除；否则请先安装生成机制"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		patterns := []string{"/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_key", "/etc/dropbear/dropbear_*_host_key", "/etc/dropbear/*_host_key", "/var/lib/dropbear/*_host_key"}
		for _, m := range credfile.Targets(p.Subject, append(patterns, p.Subject.SSHD().HostKeys()...)...) {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			k, found := sshkey.ParseDropbear(b)
			sshkey.Private(b, func(x sshkey.PrivateKey) bool {
				k, found = x, true
				return false
			})
			if found {
				p.Report(hostFinding(p, m, b, k))
			}
		}
		return nil
	},
}

func hostFinding(p *Pass, m guest.Match, b []byte, k sshkey.PrivateKey) finding.Finding {
	f := finding.Finding{Where: credfile.Where(p.Subject, m), Evidence: p.Secret("private-key", b[k.Offset:k.Offset+k.Len], string(k.Format)+" "+check.Mask())}
	f.Where.User = ""
	kind, print := describeKind(k), ""
	if k.Public != nil {
		f.Anchor, print = k.Public.Fingerprint, ", "+k.Public.Fingerprint
	}
	f.Title = finding.Tf("Host key of this machine: %s%s", "本机的主机密钥：%s%s", kind, print)
	vol := p.Subject.Tree.VolumeOf(m.Place)
	f.Fix = &finding.Fix{Title: t("Remove the host key; the first boot makes a new one", "删除主机密钥，首次启动时会重新生成"), Edits: []finding.Edit{{Op: finding.Remove, Volume: vol, Path: m.Path}}}
	if p.Subject.Exists(m.Path + ".pub") {
		f.Fix.Edits = append(f.Fix.Edits, finding.Edit{Op: finding.Remove, Volume: vol, Path: m.Path + ".pub"})
	}
	maker := p.Subject.FirstBoot().HostKeys
	dropbear := strings.HasPrefix(path.Base(m.Path), "dropbear")
	f.Fix.Safe = maker != "" && !p.Subject.Live && !dropbear
	if !f.Fix.Safe {
		f.Fix.Title = t("Remove the host key", "删除主机密钥")
		risk := t("Nothing on this machine is known to make a new host key: sshd would not start. Install a generator first", "未发现本机有重新生成主机密钥的机制：sshd 将无法启动。请先安装生成机制")
		if p.Subject.Live {
			risk = t("Clients that know the machine will refuse to connect until they accept the new key", "已记录本机密钥的客户端在接受新密钥之前会拒绝连接")
		}
		f.Fix.Risk = &risk
	}
	return f
}
