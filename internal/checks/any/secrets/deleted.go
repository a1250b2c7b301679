package secrets

import (
	"assay/check"
	"assay/finding"
	"assay/internal/content"
)

var deleted = &Check{
	ID:       "any/secrets/deleted",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"TMP-017", "TMP-018", "TMP-021", "TMP-023"},
	Content:  true,
	Doc: check.Doc{
		Title:  t("Credentials in deleted data", "已删除数据中的凭证"),
		Why:    t("Deleting a file leaves its bytes on the disk, in the log of the file system, in swap or in unused parts of the image file; free tools bring them back.", "删除文件后，其内容仍留在磁盘、文件系统日志、交换分区或镜像文件的未用部分中，用免费工具即可恢复。"),
		Remedy: t("Revoke the credential. Then write zeros over free space before the image is made (fstrim, or zerofree on an unmounted file system), and make a new image file.", "吊销该凭证。制作镜像前用零覆盖空闲空间（fstrim，或对未挂载的文件系统使用 zerofree），然后重新制作镜像文件。"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		e, err := engine()
		if err != nil {
			return err
		}
		r, err := content.Residue(p.Context, p.Subject, e, options(p))
		report(p, r)
		return err
	},
}
