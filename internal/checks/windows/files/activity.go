package files

import (
	"assay/check"
	"assay/finding"
)

var activity = &Check{
	ID:       "windows/files/activity",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WHI-004", "WHI-006", "WCR-012", "WCR-024"},
	Doc: check.Doc{
		Title:  t("Traces of what people opened and copied", "用户打开和复制的内容的痕迹"),
		Why:    t("Names of files and machines, unsaved texts and pictures of screens stay behind", "文件和机器的名称、未保存的文本以及屏幕图像会遗留下来"),
		Remedy: t("Empty the files", "清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return run(p,
			left{t("Files and programs opened lately", "最近打开的文件和程序"), finding.Low, "", []string{"~/AppData/Roaming/Microsoft/Windows/Recent/*", "~/AppData/Roaming/Microsoft/Windows/Recent/*/*"}, finding.Blank, finding.Text{}},
			left{t("Clipboard and activity history", "剪贴板和活动历史"), finding.Low, "", []string{"~/AppData/Local/ConnectedDevicesPlatform/*/ActivitiesCache.db*"}, finding.Blank, finding.Text{}},
			left{t("Texts in Notepad and Sticky Notes", "记事本和便笺中的文本"), finding.Medium, "", []string{"~/AppData/Local/Packages/Microsoft.WindowsNotepad_*/LocalState/TabState/*.bin", "~/AppData/Local/Packages/Microsoft.MicrosoftStickyNotes_*/LocalState/plum.sqlite*"}, finding.Blank, finding.Text{}},
			left{t("Small pictures of files that were shown", "浏览过的文件的缩略图"), finding.Low, "", []string{"~/AppData/Local/Microsoft/Windows/Explorer/thumbcache_*.db"}, finding.Blank, finding.Text{}},
			left{t("Texts of documents in the search index", "搜索索引中的文档文本"), finding.Low, "", []string{"/ProgramData/Microsoft/Search/Data/Applications/Windows/Windows*.*db"}, finding.Blank, t("Windows builds its search index anew", "Windows 将重新建立搜索索引")},
			left{t("Pictures of remote screens", "远程桌面的屏幕图像"), finding.Low, "", []string{"~/AppData/Local/Microsoft/Terminal Server Client/Cache/*"}, finding.Blank, finding.Text{}},
		)
	},
}
