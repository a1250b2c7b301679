package cloud

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

const sqliteMagic = "SQLite format 3\x00"

var gcpCredentials = &Check{
	ID:       "any/cloud/gcp-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-012"},
	Doc: check.Doc{
		Title:  t("Service account keys and tokens of Google Cloud tools", "Google Cloud 工具保存的服务账号密钥和令牌"),
		Why:    t("Everyone who gets the image can act as the user or service account", "任何获得该镜像的人都能以该用户或服务账号的身份操作"),
		Remedy: t("Delete the file and revoke the key or the login (gcloud auth revoke)", "删除该文件，并吊销该密钥或登录（gcloud auth revoke）"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		const keys = "private_key refresh_token client_secret access_token"
		if err := credfile.Run(p,
			credfile.File{Tool: "gcloud", Patterns: []string{"~/.config/gcloud/application_default_credentials.json", "~/.config/gcloud/legacy_credentials/*/*.json"},
				Parse: settings.JSON, Secrets: keys, IDs: "client_email client_id", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "gcloud", Patterns: []string{"~/.config/gcloud/credentials.db", "~/.config/gcloud/access_tokens.db"}, Magic: sqliteMagic,
				Fix: finding.Remove, Safe: true}); err != nil {
			return err
		}
		for _, m := range credfile.NamedBy(p.Subject, serviceAccountName) {
			reportJSON(p, m, "Google Cloud", "private_key")
		}
		return nil
	},
}

func serviceAccountName(name string) bool {
	if !strings.HasSuffix(name, ".json") {
		return false
	}
	name = strings.ToLower(name)
	return strings.Contains(name, "service-account") || strings.Contains(name, "service_account") || strings.Contains(name, "serviceaccount")
}

// reportJSON judges one JSON file found by its name; it may as well be
// something else, so one that cannot be parsed is no gap.
func reportJSON(p *Pass, m guest.Match, tool, keys string) {
	credfile.One(p, credfile.File{Tool: tool, Parse: settings.JSON, Secrets: keys, IDs: "client_email", Loose: true}, m)
}
