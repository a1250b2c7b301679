package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var environmentSecrets = &Check{
	ID:       "any/app/environment-secrets",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"CLD-007", "APP-007"},
	Doc: check.Doc{
		Title:  t("Secrets exported to every shell", "导出到所有 Shell 环境中的机密"),
		Why:    t("An AccessKey or password exported in a profile is in every process of every instance made from the image", "在 profile 中导出的 AccessKey 或密码会出现在由该镜像创建的每个实例的每个进程中"),
		Remedy: t("Remove the lines; let instances use a RAM role, or fetch the secret at start", "删除这些行；改用实例 RAM 角色，或在启动时获取机密"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p, file{Tool: "shell", Patterns: []string{"/etc/environment", "/etc/environment.d/*", "/etc/profile", "/etc/profile.d/*", "/etc/bash.bashrc", "/etc/bashrc",
			"/etc/csh.login", "/etc/csh.cshrc", "/etc/zshenv", "/etc/zsh/zshenv", "/etc/zsh/zshrc", "/etc/zshrc", "/etc/security/pam_env.conf",
			"~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.bash_aliases", "~/.profile", "~/.zshrc", "~/.zshenv", "~/.zprofile", "~/.cshrc", "~/.tcshrc", "~/.pam_environment",
			"~/.ssh/environment", "~/.config/environment.d/*", "~/.config/fish/config.fish", "~/.config/fish/conf.d/*"},
			Find: credfile.AnySecret(settings.Env), Fix: finding.RemoveLine})
	},
}
