package history

import (
	"assay/check"
	"assay/finding"
)

var terminalLogs = &Check{
	ID:       "any/history/terminal-logs",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B8"},
	Covers:   []string{"HIS-016"},
	Doc: check.Doc{
		Title:  t("Recorded terminals", "终端录制文件"),
		Why:    t("A recording holds everything that was shown: configuration, keys, answers of programs", "录制文件包含屏幕上显示过的一切：配置、密钥和程序输出"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := (kind{name: t("Recorded terminal", "终端录制"), patterns: []string{"~/typescript*", "~/*.typescript", "~/.script", "~/screenlog.*", "~/*.cast", "~/.tmux/resurrect/*",
			"~/.local/share/tmux/resurrect/*", "~/.local/share/zellij/**", "~/tmux-*.log", "~/putty*.log", "~/*.ttyrec", "/tmp/typescript", "/tmp/screenlog.*", "/var/log/sudo-io/**", "/var/log/tlog/*"}}).run(p); err != nil {
			return err
		}
		return kind{name: t("Settings of a terminal multiplexer", "终端复用器配置"), severity: finding.Low, patterns: []string{"~/.screenrc"}}.run(p)
	},
}
