package ssh

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var cloudInitOverride = &Check{
	ID:       "any/ssh/cloud-init-override",
	Severity: finding.Low,
	Class:    finding.Exposure,
	Rows:     []string{"A13"},
	Covers:   []string{"SSH-015"},
	Doc: check.Doc{
		Title:  t("cloud-init's setting of an earlier boot", "以往启动时 cloud-init 写入的设置"),
		Why:    t("The file comes before sshd_config, so its PasswordAuthentication yes wins over whatever is written there", "该文件先于 sshd_config 生效，其中的 PasswordAuthentication yes 会覆盖后者的设置"),
		Remedy: t("Delete the file; cloud-init writes it again if the new instance needs it", "删除该文件；如新实例需要，cloud-init 会重新写入"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/etc/ssh/sshd_config.d/50-cloud-init.conf") {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			n := 0
			for l := range strings.Lines(string(b)) {
				n++
				f := strings.Fields(strings.ToLower(l))
				if len(f) < 2 || f[0] != "passwordauthentication" || strings.Trim(f[1], `"`) != "yes" {
					continue
				}
				w := credfile.Where(p.Subject, m)
				w.Line = n
				fix := &finding.Fix{Title: t("Remove the file", "删除该文件"), Safe: p.Subject.FirstBoot().CloudInit && !p.Subject.Live,
					Edits: []finding.Edit{{Op: finding.Remove, Volume: w.Volume, Path: w.Path}}}
				if !fix.Safe {
					risk := t("Logins with a password stop working", "密码登录将失效")
					fix.Risk = &risk
				}
				p.Report(finding.Finding{Where: w, Title: t("cloud-init switched password logins on at an earlier boot", "cloud-init 在以往启动时开启了密码登录"), Fix: fix})
				break
			}
		}
		return nil
	},
}
