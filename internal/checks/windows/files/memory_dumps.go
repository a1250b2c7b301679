package files

import (
	"assay/check"
	"assay/finding"
)

var memoryDumps = &Check{
	ID:       "windows/files/memory-dumps",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-008", "WTM-003"},
	Doc: check.Doc{
		Title:  t("Memory on disk: dumps, page files, hibernation", "磁盘上的内存内容：转储、页面文件、休眠文件"),
		Why:    t("Memory holds passwords and keys of whoever was logged on, in clear", "内存中以明文保存着登录用户的密码和密钥"),
		Remedy: t("Empty the files; Windows makes page files anew at start", "清空这些文件；Windows 启动时会重新创建页面文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if err := empty(p, place{what: t("Reports of crashed programs", "崩溃程序报告"), severity: finding.Low, dirs: []string{"/ProgramData/Microsoft/Windows/WER", "~/AppData/Local/Microsoft/Windows/WER"}}); err != nil {
			return err
		}
		return run(p,
			left{t("Dumps of memory and crashed programs", "内存和崩溃程序的转储"), finding.Medium, "", []string{"/Windows/MEMORY.DMP", "/Windows/Minidump/*", "/Windows/LiveKernelReports/**", "~/AppData/Local/CrashDumps/*"}, finding.Blank, finding.Text{}},
			left{t("Memory that was swapped out", "换出到磁盘的内存"), finding.Medium, "", []string{"/pagefile.sys", "/swapfile.sys"}, finding.Blank, finding.Text{}},
			left{t("The memory of a hibernated or fast-started machine", "休眠或快速启动的机器内存"), finding.High, "", []string{"/hiberfil.sys"}, finding.Blank, t("If Windows has been put to sleep, its open files are lost: shut it down instead", "如果 Windows 处于休眠状态，其打开的文件将丢失：请改为正常关机")},
		)
	},
}
