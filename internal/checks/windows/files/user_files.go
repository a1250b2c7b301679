package files

import (
	"assay/check"
	"assay/finding"
)

var userFiles = &Check{
	ID:       "windows/files/user-files",
	Severity: finding.Low,
	Class:    finding.UserData,
	Rows:     []string{"B3"},
	Covers:   []string{"WTM-008"},
	Doc: check.Doc{
		Title:  t("Files on desktops and in documents", "桌面和文档中的文件"),
		Why:    t("They come with every instance", "这些文件会随每台实例分发"),
		Remedy: t("Remove what is not meant for the users of the image", "删除不打算提供给镜像用户的内容"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return empty(p, place{what: t("Personal files", "个人文件"), severity: finding.Low, dirs: []string{"~/Desktop", "~/Documents", "~/Downloads"}, keep: true})
	},
}
