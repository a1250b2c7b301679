package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var otherClouds = &Check{
	ID:       "any/cloud/other-clouds",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-014"},
	Doc: check.Doc{
		Title:  t("Credentials of other clouds' tools", "其他云平台工具保存的凭证"),
		Why:    t("Everyone who gets the image can act in the account of the credential", "任何获得该镜像的人都能操作该凭证所属的账号"),
		Remedy: t("Delete the file and revoke the key at that cloud", "删除该文件，并在对应云平台吊销该密钥"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		file := func(tool string, parse settings.Parser, secrets string, patterns ...string) credfile.File {
			return credfile.File{Tool: tool, Patterns: patterns, Parse: parse, Secrets: secrets, IDs: "secretid accesskeyid ak username os_username",
				Fix: finding.Remove, Safe: true}
		}
		return credfile.Run(p,
			file("tccli", settings.JSON, "secretkey token", "~/.tccli/*.credential"),
			file("qcloudcli", settings.INI, "qcloud_secretkey secretkey", "~/.qcloudcli/*"),
			file("hcloud", settings.JSON, "secretaccesskey secretkey securitytoken sk password", "~/.hcloud/config.json"),
			file("hcloud", settings.INI, "token", "~/.config/hcloud/cli.toml"),
			file("doctl", settings.YAML, "access-token access_token", "~/.config/doctl/config.yaml"),
			file("OCI CLI", settings.INI, "pass_phrase security_token", "~/.oci/config"),
			file("IBM Cloud CLI", settings.JSON, "iamtoken iamrefreshtoken uaatoken", "~/.bluemix/config.json"),
			file("linode-cli", settings.INI, "token", "~/.config/linode-cli"),
			file("OpenStack", settings.YAML, "password application_credential_secret token", "~/.openstack/*.yaml", "~/.config/openstack/*.yaml", "/etc/openstack/*.yaml"),
			file("OpenStack", settings.Env, "os_password os_token os_application_credential_secret", "~/*openrc*", "/etc/kolla/*openrc*", "/opt/*openrc*"))
	},
}
