package machine

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var cloudInitState = &Check{
	ID:       "linux/machine/cloud-init-state",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"IDN-012", "IDN-013"},
	Doc: check.Doc{
		Title:  t("What cloud-init remembers of the instance it ran on", "cloud-init 记录的运行过的实例信息"),
		Why:    t("The pickled data source holds the metadata of the old instance; left semaphores stop steps of the next first boot", "序列化的数据源保存了旧实例的元数据；残留的信号量会使下次首次启动的步骤不执行"),
		Remedy: t("Run cloud-init clean", "执行 cloud-init clean"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		if g.Live {
			return nil
		}
		files, _ := g.Match("/var/lib/cloud/instances/*", "/var/lib/cloud/data/*", "/var/lib/cloud/instance", "/var/lib/cloud/sem/*")
		if len(files) == 0 {
			return nil
		}
		f := finding.Finding{Where: g.Where("/var/lib/cloud", 0), Fix: resetCloudInit(p), Title: t("cloud-init remembers an earlier first boot", "cloud-init 记录了先前的首次启动")}
		for _, m := range files {
			if id := path.Base(m.Path); path.Dir(m.Path) == "/var/lib/cloud/instances" {
				f.Title = finding.Tf("cloud-init remembers instance %s", "cloud-init 记录了实例 %s", credfile.Show(id))
			}
			f.Places = append(f.Places, credfile.Where(g, m))
		}
		f.Places = f.Places[:min(len(f.Places), 50)]
		p.Report(f)
		return nil
	},
}
