package text

import (
	"fmt"
	"slices"

	"assay/finding"
	"assay/internal/report"
)

// account says in numbers what an audit saw.
func (p *page) account(a *report.Account) []string {
	line := []string{p.say("account %s", "账号 %s", report.Printable(a.ID))}
	switch {
	case a.Management:
		line = append(line, p.say("management account of %s, %d members", "资源目录 %s 的管理账号，%d 个成员", report.Printable(a.Directory), a.Members))
	case a.Directory != "":
		line = append(line, p.say("member of %s", "资源目录 %s 的成员", report.Printable(a.Directory)))
	}
	line = append(line, p.say("%d regions", "%d 个地域", a.Regions), p.say("%d custom images", "%d 个自定义镜像", a.Images),
		p.say("%d snapshots", "%d 个快照", a.Snapshots), p.say("%d instances", "%d 台实例", a.Instances),
		p.say("%d users, groups and roles", "%d 个用户、用户组和角色", a.Principals))
	if a.TrailDays > 0 {
		line = append(line, p.say("ActionTrail of %d days", "%d 天的操作审计", a.TrailDays))
	}
	return append(line, p.say("as %s", "身份 %s", report.Printable(a.Caller)))
}

// maxCommands is how many commands of a finding are shown without All.
const maxCommands = 2

// commands shows what a person types to undo a finding. Those that stand
// right above are not said again.
func (p *page) commands(indent string, x *finding.Fix) {
	if x == nil || len(x.Commands) == 0 {
		return
	}
	if slices.Equal(p.said, x.Commands) {
		fmt.Fprintln(p, indent+p.o.Style.Dim(p.say("→ as above", "→ 同上")))
		return
	}
	p.said = x.Commands
	fmt.Fprintln(p, indent+"→ "+report.Printable(x.Title.In(p.o.Lang)))
	for i, c := range x.Commands {
		if i == maxCommands && !p.o.All && len(x.Commands) > maxCommands+1 {
			fmt.Fprintln(p, indent+p.o.Style.Dim(p.say("  … and %d more commands", "  … 另有 %d 条命令", len(x.Commands)-i)))
			break
		}
		fmt.Fprintln(p, indent+"  "+p.o.Style.Cyan(report.Printable(c)))
	}
}
