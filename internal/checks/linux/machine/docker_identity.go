package machine

import (
	"assay/check"
	"assay/finding"
)

var dockerIdentity = &Check{
	ID:       "linux/machine/docker-identity",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"IDN-042"},
	Doc: check.Doc{
		Title:  t("Identity of the Docker engine and its swarm", "Docker 引擎及其 Swarm 的身份信息"),
		Why:    t("Swarm certificates and join keys make every clone a manager or worker of the old swarm", "Swarm 证书和加入密钥会使每个克隆实例成为旧集群的管理或工作节点"),
		Remedy: t("Leave the swarm before making the image (docker swarm leave); remove /etc/docker/key.json and engine-id", "制作镜像前退出 Swarm(docker swarm leave)；删除 /etc/docker/key.json 和 engine-id"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return run(p, group("/etc/docker/key.json", "Identity of the Docker engine", "Docker 引擎的身份信息", "/etc/docker/key.json", "/var/lib/docker/engine-id"),
			risky(group("/var/lib/docker/swarm", "Certificates and keys of a Docker swarm", "Docker Swarm 的证书和密钥", "/var/lib/docker/swarm/certificates/*", "/var/lib/docker/swarm/docker-state.json", "/var/lib/docker/swarm/raft/**"),
				finding.High, "The machine leaves the swarm, with the services that it runs", "本机将退出 Swarm，其上运行的服务也会停止"))
	},
}
