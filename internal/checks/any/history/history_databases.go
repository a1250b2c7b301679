package history

import (
	"assay/check"
	"assay/finding"
)

var historyDatabases = &Check{
	ID:       "any/history/history-databases",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"A3", "B3", "B8"},
	Covers:   []string{"HIS-017"},
	Doc: check.Doc{
		Title:  t("Data bases of shell histories", "shell 历史数据库"),
		Why:    t("atuin and mcfly keep every command with its folder and time, often of several machines; atuin's key opens the copy on its server", "atuin 和 mcfly 保存每条命令及其目录和时间，常常包含多台机器；atuin 的密钥可以打开其服务器上的副本"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return kind{name: t("Data base of a shell history", "shell 历史数据库"), patterns: []string{"~/.atuin/**", "~/.local/share/atuin/*", "~/.mcfly/*", "~/.local/share/mcfly/*",
			"~/.local/share/fish/*.db", "~/.histdb/*", "~/.config/nushell/history.sqlite3", "~/.local/share/hstr/*", "~/.resh_history.json", "~/.hishtory/*"}}.run(p)
	},
}
