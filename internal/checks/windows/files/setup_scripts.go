package files

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var setupScripts = &Check{
	ID:       "windows/files/setup-scripts",
	Severity: finding.Low,
	Class:    finding.UserData,
	Rows:     []string{"A14", "B3"},
	Covers:   []string{"WLG-006"},
	Doc: check.Doc{
		Title:  t("Scripts that every new instance runs as SYSTEM", "每台新实例都会以 SYSTEM 身份运行的脚本"),
		Why:    t("They may be wanted; they also set passwords and open back doors", "它们可能是有意保留的，但也可能设置密码或开启后门"),
		Remedy: t("Read the script, and empty it if the image does not need it", "查看脚本内容，如镜像不需要则清空"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/Windows/Setup/Scripts/*.cmd", "/Windows/Setup/Scripts/*.ps1", "/Windows/System32/GroupPolicy/Machine/Scripts/Startup/*", "/Windows/OEM/**/*.cmd"},
			Title: func(leftover.Group) finding.Text {
				return t("A script that runs as SYSTEM on every new instance", "在每台新实例上以 SYSTEM 身份运行的脚本")
			},
			Fix: finding.Blank, FixTitle: t("Empty the script", "清空该脚本"), Risk: t("What the script sets up is missing on new instances", "新实例上将缺少该脚本所做的设置"),
		})
	},
}
