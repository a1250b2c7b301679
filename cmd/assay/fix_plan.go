package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/fleet"
	"assay/internal/report"
)

// owners are the words for whose a key or an account is.
var owners = map[fleet.Owner]finding.Text{
	fleet.Unknown: finding.T("unknown", "未知"), fleet.New: finding.T("new", "新密钥"), fleet.Bound: finding.T("bound key pair", "已绑定的密钥对"),
	fleet.Trusted: finding.T("trusted", "受信任"), fleet.Published: finding.T("PUBLISHED", "私钥已公开"), fleet.System: finding.T("system", "系统"),
	fleet.CloudInit: finding.T("cloud-init", "cloud-init"),
}

func (a *app) owner(o fleet.Owner, by string) string {
	s := owners[o].In(a.lang)
	if by != "" {
		s += " (" + report.Printable(strings.TrimSpace(by)) + ")"
	}
	return s
}

// showPlan prints who gets in today and what a fix would do. Names and comments
// come from the machine: they are made printable.
func (a *app) showPlan(target string, p *assay.FixPlan, fo assay.FixOptions) {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	say := func(format string, args ...any) { fmt.Printf(target+": "+format+"\n", args...) }
	say("%s", st.Bold(a.t("keys that open this machine", "可登录本机的公钥")))
	for _, k := range p.Facts.Keys {
		mark := "  "
		if k.Goes() {
			mark = st.Red("- ")
		}
		opts := ""
		if len(k.Options) > 0 {
			opts = " [" + report.Printable(strings.Join(k.Options, ",")) + "]"
		}
		say("%s%s %s %d %s %s%s: %s", mark, report.Printable(strings.Join(k.Users, ",")), k.Type, k.Bits, k.Fingerprint, report.Printable(k.Comment), opts, a.owner(k.Owner, k.By))
	}
	say("%s", st.Bold(a.t("accounts that can be logged in to", "可登录的账户")))
	for _, x := range p.Facts.Accounts {
		if x.Login {
			root := ""
			if x.Sudo {
				root = a.t(", may become root", "，可获得 root 权限")
			}
			say("  %s (uid %d): %s %s%s; %s", report.Printable(x.Name), x.UID, a.t("password", "密码"), x.Password, root, a.owner(x.Owner, x.By))
		}
	}
	say("%s", st.Bold(a.t("plan", "计划")))
	for i, s := range a.planLines(p.Plan, fo) {
		say("%3d. %s", i+1, report.Printable(s))
	}
	for _, r := range p.Plan.Remarks {
		say("%s", st.Yellow("  ! "+report.Printable(r.In(a.lang))))
	}
}

// planLines are the changes, in their order.
func (a *app) planLines(p *fleet.Plan, fo assay.FixOptions) (out []string) {
	add := func(en, zh string, args ...any) { out = append(out, finding.Tf(en, zh, args...).In(a.lang)) }
	print := ssh.FingerprintSHA256(fo.NewKey.PublicKey())
	if p.PlaceIn != "" {
		add("put the new key %s into %s", "将新公钥 %s 写入 %s", print, p.PlaceIn)
	} else {
		add("the new key %s is in place", "新公钥 %s 已存在", print)
	}
	add("log in with it as %s in a second connection", "使用新密钥以 %s 身份通过第二个连接登录", p.User)
	if p.Restart {
		add("restart, and log in again", "重启并再次登录")
	}
	for _, k := range p.Remove {
		add("remove the key %s (%s) from %s", "删除公钥 %s(%s)，位于 %s", k.Fingerprint, k.Comment, k.Path)
	}
	for _, u := range p.Lock {
		add("lock the password of %s", "锁定 %s 的密码", u)
	}
	for _, u := range p.Users {
		add("remove the user %s; the home stays", "删除用户 %s，保留主目录", u)
	}
	if p.SSHD != nil {
		add("make sshd take keys only: %s", "将 sshd 设置为仅接受密钥：%s", p.SSHD.Path)
	}
	add("prove from outside: the new key opens, old keys and passwords do not; else the machine restores itself after %s", "从外部验证：新密钥可登录，旧密钥和密码被拒绝；否则机器在 %s 后自行还原", fo.Rollback)
	return out
}
