package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var ciSecrets = &Check{
	ID:       "any/app/ci-secrets",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"APP-026"},
	Doc: check.Doc{
		Title:  t("Secrets of build servers and runners", "构建服务器和 Runner 的机密"),
		Why:    t("A build server's key store opens everything it deploys to; a runner's token receives jobs with their secrets", "构建服务器的密钥库可访问其部署的所有目标；Runner 令牌可以接收带有机密的作业"),
		Remedy: t("Register runners at first boot; do not make images of a configured build server", "在首次启动时注册 Runner；不要用已配置的构建服务器制作镜像"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p,
			file{Tool: "Jenkins", Patterns: []string{"/var/lib/jenkins/secrets/initialAdminPassword", "~/.jenkins/secrets/initialAdminPassword"}, Find: credfile.Whole},
			file{Tool: "GitLab", Patterns: []string{"/etc/gitlab/gitlab-secrets.json"}, Parse: settings.JSON, Secrets: "*secret* *key* *token* *password*"},
			file{Tool: "GitLab", Patterns: []string{"/etc/gitlab/gitlab.rb"}, Find: gitlabRB},
			file{Tool: "GitLab", Patterns: []string{"/etc/gitlab/initial_root_password"}, Find: initialPassword, Fix: finding.Remove, Safe: true},
			file{Tool: "GitLab Runner", Patterns: []string{"/etc/gitlab-runner/config.toml", "~/.gitlab-runner/config.toml"}, Parse: settings.INI, Secrets: "token secretkey accesskey password"},
			file{Tool: "Actions runner", Patterns: []string{"~/actions-runner/.credentials*", "/opt/actions-runner/.credentials*", "/actions-runner/.credentials*"}, Fix: finding.Remove}); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/lib/jenkins/secrets/master.key", "/var/lib/jenkins/secrets/hudson.util.Secret", "/var/lib/jenkins/credentials.xml", "/var/lib/jenkins/identity.key.enc"},
			Group:    func(guest.Match) string { return "/var/lib/jenkins" },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Jenkins credentials and the key that opens them (%[1]s)", "Jenkins 凭证及其解密密钥(%[2]d 个文件)", g.Count(), len(g.Matches))
			},
		})
	},
}

func gitlabRB(b []byte) []credfile.Secret {
	set, _ := settings.INI(b)
	return credfile.Pick(set, "*password'] *secret'] *token'] *password\"] *access_key'] *_key']", "")
}

// initialPassword reads "Password: X".
func initialPassword(b []byte) []credfile.Secret {
	set, _ := settings.Properties(b)
	return credfile.Pick(set, "password", "")
}
