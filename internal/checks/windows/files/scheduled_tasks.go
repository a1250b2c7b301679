package files

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var scheduledTasks = &Check{
	ID:       "windows/files/scheduled-tasks",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A6", "B1"},
	Covers:   []string{"WCR-009"},
	Doc: check.Doc{
		Title:  t("Scheduled tasks with a saved password", "保存了密码的计划任务"),
		Why:    t("Windows keeps the password of the task's account where who reads the disk can decrypt it", "Windows 会保存任务账户的密码，能读取磁盘的人即可将其解密"),
		Remedy: t("Let the task run as SYSTEM or a service account, or make it on the instance", "让任务以 SYSTEM 或服务账户运行，或在实例上创建该任务"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		for _, m := range p.Subject.Files("/Windows/System32/Tasks/**") {
			if m.Meta.Kind != fsys.Regular {
				continue
			}
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			user, password := "", false
			err := elements(b, func(e element) {
				switch path.Base(e.path) {
				case "userid":
					user = e.text
				case "logontype":
					password = password || e.text == "Password"
				}
			})
			if err != nil {
				p.Gap(finding.GapCorrupt, credfile.Where(p.Subject, m), "%v", err)
			}
			if password {
				f := finding.Finding{Where: credfile.Where(p.Subject, m)}
				f.Where.User = user
				f.Title = finding.Tf("The scheduled task %s runs with a saved password as %s", "计划任务 %s 使用保存的密码以 %s 运行", credfile.Show(path.Base(m.Path)), credfile.Show(user))
				p.Report(f)
			}
		}
		return nil
	},
}
