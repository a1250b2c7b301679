package history

import (
	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

var looseOutput = &Check{
	ID:       "any/history/loose-output",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10"},
	Covers:   []string{"HIS-018"},
	Doc: check.Doc{
		Title:  t("Output of commands left in homes", "遗留在主目录中的命令输出"),
		Why:    t("Installers print generated passwords into such files, and nobody looks at them again", "安装程序常把生成的密码输出到此类文件中，之后无人再看"),
		Remedy: t("Look at them; delete what the product does not need", "检查并删除产品不需要的文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return kind{name: t("Output of commands", "命令输出"), patterns: []string{"~/nohup.out", "~/*.log", "~/*.out", "~/install.log.syslog", "~/*.log.[0-9]*"},
			keep: func(m guest.Match) bool { return base(m.Path) == "install.log" || m.Skel }}.run(p)
	},
}
