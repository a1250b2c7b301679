package files

import (
	"assay/check"
	"assay/finding"
)

var temporaryFiles = &Check{
	ID:       "windows/files/temporary-files",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WTM-001", "WTM-002", "WTM-005"},
	Doc: check.Doc{
		Title:  t("Temporary files, the recycle bin and old systems", "临时文件、回收站和旧系统"),
		Why:    t("What was thrown away or forgotten is still there", "已丢弃或遗忘的内容仍然存在"),
		Remedy: t("Empty the files", "清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return empty(p,
			place{what: t("Temporary files", "临时文件"), severity: finding.Low, dirs: []string{"/Windows/Temp", "~/AppData/Local/Temp", "/Temp"}},
			place{what: t("Files in the recycle bin", "回收站中的文件"), severity: finding.Medium, dirs: []string{"/$Recycle.Bin/*"}},
			place{what: t("The system before an upgrade", "升级前的系统"), severity: finding.Medium, dirs: []string{"/Windows.old"}, risk: t("The upgrade cannot be undone", "将无法回退升级")},
			place{what: t("Downloaded updates", "已下载的更新"), severity: finding.Low, dirs: []string{"/Windows/SoftwareDistribution/Download", "/$Windows.~BT", "/$Windows.~WS"}},
			place{what: t("Pages that were visited", "浏览过的网页缓存"), severity: finding.Low, dirs: []string{"~/AppData/Local/Microsoft/Windows/INetCache"}},
		)
	},
}
