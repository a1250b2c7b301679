package secrets

import (
	"assay/check"
	"assay/finding"
	"assay/internal/content"
)

var hardCoded = &Check{
	ID:       "any/secrets/hard-coded",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2", "B12"},
	Covers:   []string{"APP-001", "APP-002", "APP-003", "ACC-015"},
	Content:  true,
	Doc: check.Doc{
		Title:  t("Credentials in the contents of files", "文件内容中的硬编码凭证"),
		Why:    t("Whoever starts an instance from the image, or gets a copy of it, can read every file in it and use these credentials.", "任何用该镜像创建实例或得到镜像副本的人，都能读取其中的文件并使用这些凭证。"),
		Remedy: t("Revoke the credential first: it was in an image. Then take it out of the file and let the instance fetch it at start (instance RAM role, KMS, a parameter store).", "先吊销该凭证：它曾存在于镜像中。再将其从文件中移除，改为实例启动时获取（实例 RAM 角色、KMS、参数仓库等）。"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		e, err := engine()
		if err != nil {
			return err
		}
		r, err := content.Scan(p.Context, p.Subject, e, options(p))
		report(p, r)
		return err
	},
}
