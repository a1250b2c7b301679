package registry

import (
	"assay/check"
	"assay/finding"
)

var traces = &Check{
	ID:       "windows/registry/traces",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WHI-003", "WHI-005", "WCR-012"},
	Doc: check.Doc{
		Title:  t("Traces of what people typed, opened and connected to", "用户输入、打开和连接过的内容的痕迹"),
		Why:    t("Commands, paths, addresses and user names tell about the maker of the image and other machines", "命令、路径、地址和用户名会透露镜像制作者和其他机器的信息"),
		Remedy: t("Remove the keys", "删除这些键"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		report(p, traceKeys)
		return nil
	},
}

const explorer = `Microsoft\Windows\CurrentVersion\Explorer\`

// traceKeys are the keys of this check.
var traceKeys = []saved{
	{"Explorer", explorer + "RunMRU", t("commands typed into the Run box", "在“运行”框中输入的命令"), finding.Low, "", true},
	{"Explorer", explorer + "TypedPaths", t("paths typed into the address bar", "在地址栏中输入的路径"), finding.Low, "", true},
	{"Explorer", explorer + "RecentDocs", t("documents opened lately", "最近打开的文档"), finding.Low, "", true},
	{"Explorer", explorer + "WordWheelQuery", t("words searched for", "搜索过的词语"), finding.Low, "", true},
	{"Explorer", explorer + `ComDlg32\OpenSavePidlMRU`, t("files chosen in dialogs", "在对话框中选择的文件"), finding.Low, "", true},
	{"Explorer", explorer + `ComDlg32\LastVisitedPidlMRU`, t("folders chosen in dialogs", "在对话框中选择的文件夹"), finding.Low, "", true},
	{"Explorer", explorer + "Map Network Drive MRU", t("network drives that were connected", "连接过的网络驱动器"), finding.Low, "", true},
	{"Explorer", explorer + "MountPoints2", t("drives and shares that were connected", "连接过的驱动器和共享"), finding.Low, "", true},
	{"Internet Explorer", `Microsoft\Internet Explorer\TypedURLs`, t("addresses that were typed", "输入过的网址"), finding.Low, "", true},
	{"Remote Desktop", `Microsoft\Terminal Server Client\Servers`, t("machines that were connected to, with user names", "连接过的计算机及用户名"), finding.Low, "", true},
	{"Remote Desktop", `Microsoft\Terminal Server Client\Default`, t("machines that were connected to lately", "最近连接过的计算机"), finding.Low, "", true},
	{"regedit", `Microsoft\Windows\CurrentVersion\Applets\Regedit`, t("the key that was open last", "最后打开的键"), finding.Low, "LastKey", true},
}
