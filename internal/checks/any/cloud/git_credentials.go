package cloud

import (
	"bytes"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var gitCredentials = &Check{
	ID:       "any/cloud/git-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-016"},
	Doc: check.Doc{
		Title:  t("Passwords and tokens of git and code hosts", "git 和代码托管平台的密码与令牌"),
		Why:    t("Who gets the image can read the company's code, and push to it", "获得镜像的人可以读取并推送企业的代码"),
		Remedy: t("Delete the file and revoke the token at the code host", "删除该文件，并在代码托管平台吊销该令牌"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "git", Patterns: []string{"~/.git-credentials", "~/.config/git/credentials"}, Find: credfile.URLs, Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "git", Patterns: []string{"~/.gitconfig", "~/.config/git/config", "/etc/gitconfig"}, Find: gitConfig, Fix: finding.RemoveLine},
			credfile.File{Tool: "gh", Patterns: []string{"~/.config/gh/hosts.yml"}, Parse: settings.YAML, Secrets: "oauth_token", IDs: "user", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "glab", Patterns: []string{"~/.config/glab-cli/config.yml"}, Parse: settings.YAML, Secrets: "token oauth2_refresh_token", Fix: finding.Remove, Safe: true})
	},
}

// gitConfig finds URLs with a password and Authorization headers.
func gitConfig(b []byte) []credfile.Secret {
	out := credfile.URLs(b)
	n := 0
	for l := range bytes.Lines(b) {
		n++
		_, v, ok := strings.Cut(strings.TrimSpace(string(l)), "=")
		if ok && strings.Contains(strings.ToLower(v), "authorization:") {
			f := strings.Fields(v)
			if s := strings.Trim(f[len(f)-1], `"`); credfile.Real(s) && len(f) > 1 {
				out = append(out, credfile.Secret{Name: "Authorization", Value: []byte(s), Line: n})
			}
		}
	}
	return out
}
