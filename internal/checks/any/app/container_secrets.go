package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var containerSecrets = &Check{
	ID:       "any/app/container-secrets",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-031"},
	Doc: check.Doc{
		Title:  t("Secrets in the environment of containers", "容器环境变量中的机密"),
		Why:    t("Docker keeps the environment of every container, running or stopped, in clear", "Docker 以明文保存每个容器（运行中或已停止）的环境变量"),
		Remedy: t("Remove the containers before making the image (docker rm) and start them anew at first boot", "制作镜像前删除容器（docker rm），在首次启动时重新创建"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p, file{Tool: "Docker", Patterns: []string{"/var/lib/docker/containers/*/config.v2.json", "/var/lib/containerd/io.containerd.runtime.v2.task/*/*/config.json",
			"/var/lib/containers/storage/overlay-containers/*/userdata/config.json"}, Find: containerEnv})
	},
}

// containerEnv reads the lists Config.Env of Docker and process.env of the OCI
// runtime specification.
func containerEnv(b []byte) []credfile.Secret {
	return credfile.AnySecret(func(b []byte) (out []settings.Setting, err error) {
		set, err := settings.JSON(b)
		for _, s := range set {
			if strings.HasSuffix(s.Path, "Config/Env") || s.Path == "Config/Env" || s.Path == "process/env" {
				out = append(out, s)
			}
		}
		return out, err
	})(b)
}
