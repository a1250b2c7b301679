package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

const (
	aliSecrets = "access_key_secret accesskeysecret *accesskey_secret sts_token ststoken security_token securitytoken private_key oauth_access_token oauth_refresh_token access_token"
	aliIDs     = "access_key_id accesskeyid *accesskey_id"
)

var alibabaCredentials = &Check{
	ID:       "any/cloud/alibaba-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-001", "CLD-002", "CLD-003", "CLD-004", "CLD-005", "CLD-006", "CLD-008", "IDN-028"},
	Doc: check.Doc{
		Title: t("AccessKey pairs and STS tokens of Alibaba Cloud tools", "阿里云工具保存的访问密钥 AccessKey 和 STS Token"),
		Why: t("Everyone who gets the image can call the cloud's API as the RAM user or account that owns the AccessKey",
			"任何获得该镜像的人都能以该 AccessKey 所属的 RAM 用户或主账号身份调用云 API"),
		Remedy: t("Delete the file, disable and rotate the AccessKey in the RAM console, and give instances a RAM role instead",
			"删除该文件，在 RAM 控制台禁用并轮换该 AccessKey，改为给实例授予 RAM 角色"),
		References: []string{"https://www.alibabacloud.com/help/en/ram/user-guide/create-an-accesskey-pair"},
		Since:      "0.1",
	},
	Run: func(p *Pass) error {
		file := func(tool string, parse settings.Parser, patterns ...string) credfile.File {
			return credfile.File{Tool: tool, Patterns: patterns, Parse: parse, Secrets: aliSecrets, IDs: aliIDs, Fix: finding.Remove, Safe: true}
		}
		ossfs := credfile.File{Tool: "ossfs", Patterns: []string{"/etc/passwd-ossfs", "~/.passwd-ossfs"},
			Find: credfile.Columns("AccessKey secret", ":", 3), Fix: finding.Remove}
		short := credfile.File{Tool: "ossfs", Patterns: ossfs.Patterns, Find: credfile.Columns("AccessKey secret", ":", 2), Fix: finding.Remove}
		ossfs2 := file("ossfs2", settings.INI, "/etc/ossfs2.conf", "/etc/ossfs2/*.conf")
		ossfs2.Secrets, ossfs2.IDs, ossfs2.Safe = "--oss_access_key_secret --oss_sts_token", "--oss_access_key_id", false
		osscmd := file("osscmd", settings.INI, "~/.osscredentials")
		osscmd.Secrets, osscmd.IDs = "accesskey", "accessid"
		odps := file("odpscmd", settings.INI, "~/.odpscmd/*", "~/.odps*")
		odps.Names, odps.Secrets, odps.IDs = []string{"odps_config.ini"}, "access_key", "access_id"
		sts := file("STS", settings.JSON, "/tmp/*sts*", "/tmp/*STS*", "~/.aliyun/cli/cache/*", "~/.cloudsso*/**", "~/.cloudsso*")
		sts.Loose, sts.Secrets = true, aliSecrets+" accesstoken refreshtoken refresh_token"
		acs := file("Alibaba Cloud CLI", settings.INI, "~/.acs/*", "~/.saml2alibabacloud", "~/.acsengine", "~/.ossftp*")
		acs.Secrets += " password *secret"
		yaml := file("Serverless Devs", settings.YAML, "~/.s/access.yaml", "~/.fcli/config.yaml", "~/.fcconfig")
		yaml.Secrets += " securitytoken"
		return credfile.Run(p,
			file("aliyun CLI", settings.JSON, "~/.aliyun/config.json"),
			file("ossutil", settings.INI, "~/.ossutilconfig", "~/.ossutilconfig.bak"),
			file("Alibaba Cloud SDK", settings.INI, "~/.alibabacloud/credentials", "~/.alibabacloud/credentials.ini"),
			osscmd, ossfs, short, ossfs2, odps, yaml, acs, sts)
	},
}
