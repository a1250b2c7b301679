package machine

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var overlayNetwork = &Check{
	ID:       "linux/machine/overlay-network",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"IDN-041"},
	Doc: check.Doc{
		Title:  t("Membership in an overlay network: Tailscale, ZeroTier, frp, NetBird", "组网工具的成员身份：Tailscale、ZeroTier、frp、NetBird"),
		Why:    t("Each clone takes over the node's place in the private network, and whoever has the image can join it", "每个克隆实例都会顶替该节点在私有网络中的位置，获得镜像的人也能加入该网络"),
		Remedy: t("Log the node out before making the image, and delete its state", "制作镜像前注销该节点，并删除其状态文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p,
			file{Tool: "frp", Patterns: []string{"/etc/frp/*.toml", "/etc/frp/*.ini", "/opt/frp*/*.toml", "/opt/frp*/*.ini", "/usr/local/frp*/*.toml", "/usr/local/frp*/*.ini", "~/frp*/*.toml", "~/frp*/*.ini"},
				Parse: settings.INI, Secrets: "token auth.token *password *pwd *passwd secretkey sk privilege_token"},
			file{Tool: "NetBird", Patterns: []string{"/etc/netbird/config.json", "/var/lib/netbird/*.json"}, Parse: settings.JSON, Secrets: "privatekey sshkey presharedkey", Fix: finding.Remove}); err != nil {
			return err
		}
		return run(p, risky(group("/var/lib/tailscale", "Node key of an overlay network", "组网节点的密钥", "/var/lib/tailscale/tailscaled.state", "/var/lib/zerotier-one/identity.secret", "/var/lib/zerotier-one/authtoken.secret"),
			finding.High, "The node must join its network again", "该节点需要重新加入网络"))
	},
}
