package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var kubernetesNode = &Check{
	ID:       "any/app/kubernetes-node",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"APP-030"},
	Doc: check.Doc{
		Title:  t("This machine's identity in a Kubernetes cluster", "本机在 Kubernetes 集群中的身份"),
		Why:    t("Node keys and join tokens make any instance a member of the cluster; the CA key makes its owner its administrator", "节点密钥和加入令牌可让任意实例成为集群成员；CA 私钥的持有者就是集群管理员"),
		Remedy: t("Make images before the machine joins a cluster (kubeadm reset), and rotate what was in the image", "在机器加入集群之前制作镜像（kubeadm reset），并轮换镜像中出现过的密钥"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p,
			file{Tool: "kubeadm", Patterns: []string{"/etc/kubernetes/*.conf", "/var/lib/kubelet/kubeconfig", "/var/lib/kubelet/bootstrap-kubeconfig", "/etc/rancher/k3s/k3s.yaml", "/etc/rancher/rke2/rke2.yaml"},
				Parse: settings.YAML, Secrets: "client-key-data token password"},
			file{Tool: "k3s", Patterns: []string{"/var/lib/rancher/*/server/token", "/var/lib/rancher/*/server/node-token", "/var/lib/rancher/*/server/agent-token", "/etc/rancher/node/password"}, Find: credfile.Whole},
			file{Tool: "k3s", Patterns: []string{"/etc/rancher/*/config.yaml", "/etc/rancher/*/registries.yaml"}, Find: inYAML},
			file{Tool: "k3s", Patterns: []string{"/etc/systemd/system/k3s*.env"}, Find: inEnv}); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/etc/kubernetes/pki/**", "/var/lib/kubelet/pki/*", "/var/lib/rancher/*/server/tls/**", "/var/lib/rancher/*/agent/*.key"},
			Keep:     func(m guest.Match) bool { e := credfile.Ext(m.Path); return e != "key" && e != "pem" },
			Group:    kubeDir,
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Cluster keys in %[1]s (%[2]s)", "%[1]s 中的集群密钥(%[3]d 个文件)", g.Key, g.Count(), len(g.Matches))
			},
			Fix: finding.Remove, FixTitle: t("Remove the cluster keys", "删除集群密钥"),
			Risk: t("The machine must join the cluster again", "本机需要重新加入集群"),
		})
	},
}

func kubeDir(m guest.Match) string {
	for _, d := range []string{"/etc/kubernetes/pki", "/var/lib/kubelet/pki"} {
		if credfile.Under(m.Path, d) {
			return d
		}
	}
	return "/var/lib/rancher"
}
