package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var awsCredentials = &Check{
	ID:       "any/cloud/aws-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-011"},
	Doc: check.Doc{
		Title:  t("Access keys and session tokens of AWS tools", "AWS 工具保存的访问密钥和会话令牌"),
		Why:    t("Everyone who gets the image can act in the AWS account that the key belongs to", "任何获得该镜像的人都能操作该密钥所属的 AWS 账号"),
		Remedy: t("Delete the file and deactivate the key in IAM", "删除该文件，并在 IAM 中停用该密钥"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "AWS CLI", Patterns: []string{"~/.aws/credentials", "~/.aws/config"}, Parse: settings.INI,
				Secrets: "aws_secret_access_key aws_session_token", IDs: "aws_access_key_id", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "AWS CLI", Patterns: []string{"~/.aws/sso/cache/*.json", "~/.aws/cli/cache/*.json"}, Parse: settings.JSON,
				Secrets: "accesstoken refreshtoken clientsecret secretaccesskey sessiontoken", IDs: "accesskeyid", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "boto", Patterns: []string{"~/.boto", "/etc/boto.cfg"}, Parse: settings.INI,
				Secrets: "aws_secret_access_key gs_secret_access_key gs_oauth2_refresh_token", IDs: "aws_access_key_id gs_access_key_id", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "s3cmd", Patterns: []string{"~/.s3cfg"}, Parse: settings.INI,
				Secrets: "secret_key access_token gpg_passphrase", IDs: "access_key", Fix: finding.Remove, Safe: true})
	},
}
