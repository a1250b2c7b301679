package files

import (
	"assay/check"
	"assay/finding"
)

var powershellHistory = &Check{
	ID:       "windows/files/powershell-history",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WHI-001", "WHI-002"},
	Doc: check.Doc{
		Title:  t("Histories and transcripts of PowerShell", "PowerShell 历史记录和会话记录"),
		Why:    t("Commands are kept with the passwords that were typed into them", "命令连同其中输入的密码一起被保存"),
		Remedy: t("Empty the files", "清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		return run(p,
			left{t("Commands typed into PowerShell", "在 PowerShell 中输入的命令"), finding.Medium, "", []string{"~/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/*_history.txt"}, finding.Blank, finding.Text{}},
			left{t("Transcripts of PowerShell sessions", "PowerShell 会话记录"), finding.Medium, "", []string{"~/Documents/PowerShell_transcript*.txt", "~/Documents/*/PowerShell_transcript*.txt", "/Transcripts/**", "/**/PowerShell_transcript.*.txt"}, finding.Blank, finding.Text{}},
		)
	},
}
