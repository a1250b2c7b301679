package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var azureCredentials = &Check{
	ID:       "any/cloud/azure-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-013"},
	Doc: check.Doc{
		Title:  t("Tokens and service principals of Azure tools", "Azure 工具保存的令牌和服务主体"),
		Why:    t("Everyone who gets the image can act in the subscription of the login", "任何获得该镜像的人都能操作该登录所属的订阅"),
		Remedy: t("Delete the file (az account clear) and reset the service principal's secret", "删除该文件（az account clear），并重置服务主体的机密"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "Azure CLI", Patterns: []string{"~/.azure/accessTokens.json", "~/.azure/msal_token_cache.json", "~/.azure/service_principal_entries.json"},
				Parse: settings.JSON, Secrets: "accesstoken refreshtoken secret client_secret client_assertion", IDs: "client_id servicePrincipalId", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "Azure CLI", Patterns: []string{"~/.azure/msal_token_cache.bin", "~/.azure/service_principal_entries.bin"},
				Severity: finding.Medium, Fix: finding.Remove, Safe: true})
	},
}
