package report

import (
	"assay/finding"
)

// The words that every format for people uses, so that they agree.
var (
	severityWords = map[finding.Severity]finding.Text{
		finding.Critical: finding.T("critical", "严重"), finding.High: finding.T("high", "高危"),
		finding.Medium: finding.T("medium", "中危"), finding.Low: finding.T("low", "低危"),
	}
	classWords = map[finding.Class]finding.Text{
		finding.PresetAccount:      finding.T("Who can log in", "谁能登录"),
		finding.IdentityCredential: finding.T("Credentials it gives away", "泄露的凭证"),
		finding.Exposure:           finding.T("Weak settings", "不安全的设置"),
		finding.UserData:           finding.T("Private data", "私有数据"),
		finding.SystemTrace:        finding.T("Traces of its past", "使用痕迹"),
		finding.Policy:             finding.T("Missing policies", "缺失的策略"),
	}
)

// opWords are the headings under which actions are shown.
var opWords = map[finding.Op]finding.Text{
	finding.Blank: finding.T("Emptied files", "清空文件"), finding.Remove: finding.T("Removed files", "删除文件"),
	finding.RemoveTree: finding.T("Removed directories and files", "删除目录及文件"), finding.EmptyDir: finding.T("Emptied directories", "清空目录"),
	finding.RemoveLine: finding.T("Removed lines", "删除行"), finding.Replace: finding.T("Overwritten secrets", "覆盖机密"),
	finding.RegDeleteValue: finding.T("Registry values removed", "删除注册表值"), finding.RegDeleteKey: finding.T("Registry keys removed", "删除注册表键"),
	finding.RegReplace:  finding.T("Secrets in the registry overwritten", "覆盖注册表中的机密"),
	finding.RegSetValue: finding.T("Registry values changed", "修改注册表值"), finding.RegScrub: finding.T("Registry hives scrubbed", "清除注册表残留"),
	finding.ForgetComment: finding.T("Descriptions of accounts emptied", "清空账户描述"),
	finding.ForgetLogons:  finding.T("Cached logons emptied", "清空缓存的登录信息"), finding.EmptyLog: finding.T("Event logs emptied", "清空事件日志"),
	finding.LockPassword: finding.T("Locked passwords", "锁定密码"), finding.RemoveUser: finding.T("Removed users", "删除用户"),
	finding.SetSSHD: finding.T("Settings of sshd", "sshd 设置"), finding.Scrub: finding.T("Zeroed what deleted data left", "清零已删除数据的残留"),
	finding.Reset:    finding.T("Reset to first boot", "恢复到首次启动状态"),
	finding.PlaceKey: finding.T("New keys", "写入新公钥"), finding.BindKeyPair: finding.T("Key pairs bound", "绑定密钥对"),
	finding.Restart: finding.T("Restarts", "重启"), finding.ProveLogin: finding.T("Proofs from outside", "外部验证"),
	finding.SetPassword: finding.T("New passwords", "重置密码"), finding.DisableUser: finding.T("Disabled users", "停用用户"),
	finding.ChangePolicy: finding.T("Policies", "权限策略"),
}

// OpWord is the heading for actions of one kind.
func OpWord(op finding.Op) finding.Text {
	if t, ok := opWords[op]; ok {
		return t
	}
	return finding.T(string(op), string(op))
}

// ownerWords say whose a login key is.
var ownerWords = map[string]finding.Text{
	"unknown": finding.T("unknown", "未知"), "new": finding.T("new", "新密钥"), "bound": finding.T("bound key pair", "已绑定的密钥对"),
	"trusted": finding.T("trusted", "受信任"), "published": finding.T("PUBLISHED", "私钥已公开"), "system": finding.T("system", "系统"),
}

// OwnerWord says whose a key or an account is; a word that it does not know stays.
func OwnerWord(o string) finding.Text {
	if t, ok := ownerWords[o]; ok {
		return t
	}
	return finding.T(Printable(o), Printable(o))
}

// resultWords say what became of an action.
var resultWords = map[string]finding.Text{
	"planned": finding.T("planned", "计划"), "done": finding.T("done", "已完成"), "weaker": finding.T("done in part", "部分完成"),
	"left": finding.T("left as it was", "未改动"), "refused": finding.T("refused", "已拒绝"), "failed": finding.T("failed", "失败"),
	"undone": finding.T("taken back", "已还原"), "guarded": finding.T("taken back by the guard", "由守护进程还原"),
}

// ResultWord says what became of an action; a word that it does not know stays.
func ResultWord(r string) finding.Text {
	if t, ok := resultWords[r]; ok {
		return t
	}
	return finding.T(Printable(r), Printable(r))
}

// SeverityWord names a severity for people.
func SeverityWord(s finding.Severity) finding.Text { return severityWords[s] }

// ClassWord is the heading under which findings of a class are shown.
func ClassWord(c finding.Class) finding.Text { return classWords[c] }

// A Run is what a handler for people collects before it writes: one target.
type Run struct {
	Config    Config
	Inventory Inventory
	Findings  []finding.Finding
	Gaps      []finding.Gap
	Actions   []Action
	Verdict   *Verdict
	Checks    map[string]Check
}

// A Collector gathers a stream into runs. Handlers that need the whole run
// embed it.
type Collector struct{ Runs []*Run }

// Handle adds m to the current run.
func (c *Collector) Handle(m Message) error {
	if m.Config != nil || len(c.Runs) == 0 {
		c.Runs = append(c.Runs, &Run{Checks: map[string]Check{}})
	}
	r := c.Runs[len(c.Runs)-1]
	switch {
	case m.Config != nil:
		r.Config = *m.Config
		for _, k := range m.Config.Checks {
			r.Checks[k.ID] = k
		}
	case m.Inventory != nil:
		r.Inventory = *m.Inventory
	case m.Finding != nil:
		r.Findings = append(r.Findings, *m.Finding)
	case m.Gap != nil:
		r.Gaps = append(r.Gaps, *m.Gap)
	case m.Action != nil:
		r.Actions = append(r.Actions, *m.Action)
	case m.Verdict != nil:
		v := *m.Verdict
		r.Verdict = &v
	}
	return nil
}
