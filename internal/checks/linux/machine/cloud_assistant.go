package machine

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var cloudAssistant = &Check{
	ID:       "linux/machine/cloud-assistant",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"A14", "B1", "B3"},
	Covers:   []string{"IDN-016", "IDN-017", "IDN-019"},
	Doc: check.Doc{
		Title:  t("Commands, files and identity that Cloud Assistant keeps", "云助手保存的命令、文件和身份信息"),
		Why:    t("Cloud Assistant keeps the content of commands in clear; an image of a managed instance answers in its place", "云助手以明文保存命令内容；托管实例的镜像会冒充该托管实例"),
		Remedy: t("Remove the scripts and the hybrid folder; do not remove the agent itself", "删除脚本和 hybrid 目录；不要删除云助手 Agent 本身"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		const root = "/usr/local/share/aliyun-assist"
		scripts := credfile.Targets(p.Subject, root+"/work/script/*", root+"/*/work/script/*")
		var secrets []credfile.Secret
		var first guest.Match
		for _, m := range scripts {
			b, _ := credfile.Read(p, m)
			if s := credfile.Commands(b); len(s) > 0 && len(secrets) == 0 {
				secrets, first = s, m
			}
		}
		if len(scripts) > 0 {
			f := finding.Finding{Where: p.Subject.Where(path.Dir(scripts[0].Path), 0), Anchor: "script",
				Title: finding.Tf("Cloud Assistant keeps commands it ran (%[1]s)", "云助手保存了执行过的命令(%[2]d 个文件)", leftover.Files(len(scripts)), len(scripts)),
				Fix:   &finding.Fix{Title: removeTitle, Safe: true}}
			if len(secrets) > 0 {
				f.Severity = finding.High
				f.Evidence = p.Secret("secret", secrets[0].Value, credfile.Show(secrets[0].Name)+" "+check.Mask())
				w := credfile.Where(p.Subject, first)
				w.Line = secrets[0].Line
				f.Places = append(f.Places, w)
				f.Title = finding.Tf("Cloud Assistant keeps commands it ran, with passwords (%[1]s)", "云助手保存了执行过的命令,其中含有密码(%[2]d 个文件)", leftover.Files(len(scripts)), len(scripts))
			}
			for i, m := range scripts {
				w := credfile.Where(p.Subject, m)
				if i < 50 {
					f.Places = append(f.Places, w)
				}
				f.Fix.Edits = append(f.Fix.Edits, finding.Edit{Op: finding.Remove, Volume: w.Volume, Path: w.Path})
			}
			p.Report(f)
		}
		hybrid := group(root+"/hybrid", "Identity of a managed instance of Cloud Assistant", "云助手托管实例的身份信息", root+"/hybrid/*", root+"/*/hybrid/*")
		hybrid.Keep = func(m guest.Match) bool { return strings.HasSuffix(m.Path, "region-id") }
		return run(p, risky(hybrid, finding.High, "The managed instance must be registered again", "托管实例需要重新注册"),
			rated(group(root+"/cache", "Files that Cloud Assistant received", "云助手接收的文件", root+"/cache/**", root+"/*/cache/**"), finding.Low))
	},
}
