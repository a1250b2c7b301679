package files

import (
	"assay/check"
	"assay/finding"
)

var logs = &Check{
	ID:       "windows/files/logs",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-002", "WLG-003", "WLG-009"},
	Doc: check.Doc{
		Title:  t("Logs and traces of Windows and IIS", "Windows 和 IIS 的日志与痕迹"),
		Why:    t("They tell about the source machine, its users and its visitors", "其中包含源机器、用户和访问者的信息"),
		Remedy: t("Empty the files", "清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return run(p,
			left{t("Logs of setup and updates", "安装和更新日志"), finding.Low, "/Windows/Logs", []string{"/Windows/Logs/**", "/Windows/Panther/*.log", "/Windows/Panther/*/*.log", "/Windows/debug/**", "/Windows/inf/setupapi*.log", "/Windows/System32/Sysprep/Panther/*.log", "/Windows/*.log"}, finding.Blank, finding.Text{}},
			left{t("Logs of IIS, firewall and services", "IIS、防火墙和服务日志"), finding.Low, "/Windows/System32/LogFiles", []string{"/Windows/System32/LogFiles/**", "/inetpub/logs/**", "/ProgramData/USOShared/Logs/**"}, finding.Blank, finding.Text{}},
			left{t("Traces of programs that ran", "程序运行痕迹"), finding.Low, "/Windows/Prefetch", []string{"/Windows/Prefetch/*.pf", "/Windows/System32/sru/SRUDB.dat", "/ProgramData/Microsoft/Diagnosis/**", "/ProgramData/Microsoft/Windows Defender/Scans/History/**", "/ProgramData/Microsoft/Windows Defender/Support/**"}, finding.Blank, finding.Text{}},
		)
	},
}
