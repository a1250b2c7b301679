package reporttest

import (
	"assay/finding"
	"assay/internal/report"
)

// Hostile is a path as a stranger may choose it: an escape sequence, a line
// break, markup, a byte that is not UTF-8, a mark that turns the direction.
const Hostile = "/home/\x1b[2J<script>alert(1)</script>\n]]>&\"'\xff\u202egpj.exe"

// Check describes the check of the stream's findings.
var Check = report.Check{ID: "any/ssh/authorized-keys", Severity: "high", Class: finding.PresetAccount, Rows: []string{"A2", "B6"},
	Title:      finding.T("SSH keys that every instance would accept", "所有实例都会接受的 SSH 公钥"),
	Why:        finding.T("Whoever holds the private key can log in to every instance made from this image.", "持有对应私钥的人可以登录由此镜像创建的所有实例。"),
	Remedy:     finding.T("Empty the file; bind a key pair when the instance is created.", "清空该文件，并在创建实例时绑定密钥对。"),
	References: []string{"man:sshd(8)", "https://www.openssh.com/manual.html"}}

// Findings are findings of every severity and class.
func Findings() []finding.Finding {
	fs := []finding.Finding{
		{Severity: finding.Critical, Class: finding.PresetAccount, Title: finding.T("User guest can log in without a password", "用户 guest 无需密码即可登录"),
			Where: finding.Where{Volume: "p1", Path: "/etc/shadow", Line: 23, User: "guest"}, Rows: []string{"A1"},
			Fix: &finding.Fix{Title: finding.T("Lock the password", "锁定密码"), Safe: true, Edits: []finding.Edit{{Op: finding.LockPassword, User: "guest"}}}},
		{Severity: finding.High, Class: finding.PresetAccount, Title: finding.T("Key SHA256:abc of deploy", "deploy 的公钥 SHA256:abc"),
			Where:    finding.Where{Volume: "p1", Path: Hostile, Line: 2, User: "deploy"},
			Evidence: &finding.Evidence{Kind: "ssh-public-key", Fingerprint: "SHA256:abc", Excerpt: "ssh-ed25519 \x07AAAA… <b>laptop</b>"}},
		{Severity: finding.High, Class: finding.IdentityCredential, Title: finding.T("AccessKey in config.json", "config.json 中的 AccessKey"), Confidence: 90,
			Where:  finding.Where{Volume: "p1", Path: "/root/.aliyun/config.json", Line: 4},
			Places: []finding.Where{{Path: "/root/.ossutilconfig", Line: 3}, {Path: "/opt/a b/%41:c", Line: 1}},
			Fix:    &finding.Fix{Title: finding.T("Remove the file", "删除该文件"), Risk: &finding.Text{EN: "A script may need it", ZH: "脚本可能需要它"}}},
		{Severity: finding.Medium, Class: finding.SystemTrace, Title: finding.T("Shell history", "历史命令"), Where: finding.Where{Volume: "p1", Path: "/root/.bash_history"},
			Accepted: &finding.Acceptance{By: "ignore", Reason: "cleared by the pipeline", Expires: "2027-01-31"}},
		{Severity: finding.Medium, Class: finding.Exposure, Title: finding.T("Swap holds old memory", "交换分区包含旧内存"), Where: finding.Where{Volume: "p2"}},
		{Severity: finding.Low, Class: finding.UserData, Title: finding.T("Web content", "网站内容"), Where: finding.Where{Volume: "p1", Path: "/var/www", Deleted: true, Offset: 4096}},
	}
	for i := range fs {
		fs[i].Check = Check.ID
		fs[i].Identify()
	}
	return fs
}

// Stream is a whole stream with two targets, the second of which failed.
func Stream() []report.Message {
	gap := finding.NewGap(finding.GapEncrypted, finding.Where{Volume: "p3"}, "LUKS2 at byte 0\nsecond line")
	known := finding.NewGap(finding.GapMissing, finding.Where{Path: "/data", Volume: "UUID=x"}, "give its disk with --disk")
	known.Accepted = &finding.Acceptance{By: "ignore", Reason: "data disk", Expires: "2027-01-31"}
	ms := []report.Message{
		{Config: &report.Config{Protocol: report.Protocol, Tool: "assay", Version: "0.1.0", Command: "inspect", Target: "web \x1b]0;x\x07.qcow2",
			Catalogue: "0.1.0+abcd", Checks: []report.Check{Check}, FailOn: "medium", Started: "2026-11-22T10:00:00Z", Options: []string{"no-content"}}},
		{Inventory: &report.Inventory{
			Disks: []report.Disk{{Name: "web.qcow2", Format: "qcow2", Variant: "v3", Size: 8 << 30, Table: "gpt", Snapshots: []string{"before \x1b[31mupdate"}}},
			Volumes: []report.Volume{{Name: "p1", Content: "ext4", Size: 7 << 30, Mount: "/", Replayed: true}, {Name: "p2", Content: "swap", Size: 1 << 30},
				{Name: "p3", Content: "luks", Size: 1 << 20, Problem: "encrypted"}},
			System: &report.System{Family: "linux", ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)", Packages: 212, Accounts: 23,
				Logins: []report.Login{{User: "root", Password: "set"}, {User: "guest", UID: 1000, Password: "empty", Sudo: true}}}}},
		{Progress: &report.Progress{Phase: "check", Done: 1, Total: 2, Unit: "checks"}},
	}
	for _, f := range Findings() {
		ms = append(ms, report.Message{Finding: &f})
	}
	return append(ms, report.Message{Gap: &gap}, report.Message{Gap: &known},
		report.Message{Verdict: &report.Verdict{Findings: map[string]int{"critical": 1, "high": 2, "medium": 1, "low": 1}, Accepted: 1, Gaps: 1,
			Files: 31000, BytesRead: 320 << 20, Seconds: 1.25, Catalogue: "0.1.0+abcd", Sandbox: "landlock-v7"}},
		report.Message{Config: &report.Config{Protocol: report.Protocol, Tool: "assay", Version: "0.1.0", Command: "inspect", Target: "broken.img"}},
		report.Message{Verdict: &report.Verdict{Error: "raw: at byte 0: the file is empty", Sandbox: "landlock-v7"}})
}

// Feed hands the stream to a handler and closes it.
func Feed(h report.Handler) error {
	for _, m := range Stream() {
		if err := h.Handle(m); err != nil {
			return err
		}
	}
	return h.Close()
}
