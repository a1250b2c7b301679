package machine

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var customImageConf = &Check{
	ID:       "linux/machine/custom-image-conf",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"IDN-025"},
	Doc: check.Doc{
		Title:  t("Instance settings of a Customized Linux image, with the password in base64", "Customized Linux 镜像的实例配置，其中密码仅经 base64 编码"),
		Why:    t("os.conf holds the instance's password, host name and addresses; base64 is no protection", "os.conf 保存实例密码、主机名和地址；base64 不提供任何保护"),
		Remedy: t("Delete /aliyun_custom_image/os.conf after the first boot, and change the password", "首次启动后删除 /aliyun_custom_image/os.conf，并更换密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p, file{Tool: "Customized Linux", Patterns: []string{"/aliyun_custom_image/os.conf"}, Parse: settings.Properties, Secrets: "*password* *passwd*", Present: finding.Low, Fix: finding.Remove, Safe: true})
	},
}
