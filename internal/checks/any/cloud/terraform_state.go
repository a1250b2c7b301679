package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var terraformState = &Check{
	ID:       "any/cloud/terraform-state",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"CLD-015"},
	Doc: check.Doc{
		Title:  t("Secrets in Terraform state, variables and logins", "Terraform 状态文件、变量文件和登录配置中的机密"),
		Why:    t("Terraform writes passwords and keys of what it made into its state in clear", "Terraform 会把其创建资源的密码和密钥以明文写入状态文件"),
		Remedy: t("Keep state in a remote backend, delete it from the image and change the secrets that it names", "将状态保存在远端后端，从镜像中删除该文件，并更换其中出现的机密"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		const keys = "password *_password passphrase *secret secret_key access_key_secret *_access_key private_key private_key_pem token *_token admin_pass root_pass"
		return credfile.Run(p,
			credfile.File{Tool: "Terraform", Names: []string{"*.tfstate", "terraform.tfstate.backup"}, Parse: settings.JSON, Secrets: keys, Present: finding.Low, Loose: true},
			credfile.File{Tool: "Terraform", Names: []string{"*.tfvars"}, Parse: settings.HCL, Secrets: keys, IDs: "access_key", Loose: true},
			credfile.File{Tool: "Terraform", Patterns: []string{"~/.terraformrc", "/etc/terraformrc"}, Parse: settings.HCL, Secrets: "token", Fix: finding.RemoveLine},
			credfile.File{Tool: "Terraform", Patterns: []string{"~/.terraform.d/credentials.tfrc.json"}, Parse: settings.JSON, Secrets: "token", Fix: finding.Remove, Safe: true})
	},
}
