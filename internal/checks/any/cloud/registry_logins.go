package cloud

import (
	"encoding/base64"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var registryLogins = &Check{
	ID:       "any/cloud/registry-logins",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-010"},
	Doc: check.Doc{
		Title:  t("Logins to container registries", "容器镜像仓库的登录凭证"),
		Why:    t("docker login keeps user and password in base64: who has the file can pull private images, or push changed ones", "docker login 以 base64 保存用户名和密码：得到该文件的人可以拉取私有镜像，或推送被篡改的镜像"),
		Remedy: t("Run docker logout, delete the file and change the registry password (ACR: access credential)", "执行 docker logout，删除该文件，并修改镜像仓库密码（ACR：访问凭证）"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p, credfile.File{Tool: "docker", Patterns: []string{"~/.docker/config.json", "~/.dockercfg", "~/.config/containers/auth.json", "/etc/containers/auth.json",
			"/var/lib/kubelet/config.json", "/var/lib/kubelet/.dockercfg", "~/.config/helm/registry/config.json"}, Find: dockerAuths, Fix: finding.Remove, Safe: true})
	},
}

// dockerAuths finds the logins in a docker config.json; the format is
// config/configfile/file.go of github.com/docker/cli.
func dockerAuths(b []byte) (out []credfile.Secret) {
	set, _ := settings.JSON(b)
	for _, s := range set {
		if !strings.Contains("/"+s.Path, "/auths/") && strings.Count(s.Path, "/") > 0 {
			continue
		}
		host := s.Path[strings.Index(s.Path, "/")+1:]
		switch strings.ToLower(s.Key) {
		case "auth":
			raw, err := base64.StdEncoding.DecodeString(s.Value)
			_, pass, ok := strings.Cut(strings.TrimRight(string(raw), "\x00"), ":")
			if err == nil && ok && credfile.Real(pass) {
				out = append(out, credfile.Secret{Name: "auth of " + host, Value: []byte(pass), Line: s.Line})
			}
		case "identitytoken", "registrytoken", "password":
			if credfile.Real(s.Value) {
				out = append(out, credfile.Secret{Name: strings.ToLower(s.Key) + " of " + host, Value: []byte(s.Value), Line: s.Line})
			}
		}
	}
	return out
}
