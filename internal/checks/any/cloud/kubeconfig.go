package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var kubeconfig = &Check{
	ID:       "any/cloud/kubeconfig",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-009"},
	Doc: check.Doc{
		Title:  t("Kubernetes logins in users' kubeconfig files", "用户 kubeconfig 中的 Kubernetes 登录凭证"),
		Why:    t("A client key or token in a kubeconfig opens the cluster, often as its administrator", "kubeconfig 中的客户端密钥或令牌可访问集群，且往往具有管理员权限"),
		Remedy: t("Delete the file and revoke the kubeconfig of that user in the ACK console", "删除该文件，并在容器服务 ACK 控制台吊销该用户的 KubeConfig"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p, credfile.File{Tool: "kubectl", Patterns: []string{"~/.kube/config", "~/.kube/*.conf", "~/.kube/*.yaml", "~/.kube/*.yml", "~/.kube/config.*", "~/kubeconfig*"},
			Parse: settings.YAML, Secrets: "client-key-data token password id-token refresh-token", IDs: "username", Fix: finding.Remove})
	},
}
