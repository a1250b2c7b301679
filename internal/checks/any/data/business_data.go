package data

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var businessData = &Check{
	ID:       "any/data/business-data",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B13"},
	Covers:   []string{"DBD-010", "DBD-012"},
	Doc: check.Doc{
		Title:  t("Files in data directories and container volumes", "数据目录和容器卷中的文件"),
		Why:    t("What lies in /data, /srv, /backup or a container volume is seldom meant to be in every instance", "/data、/srv、/backup 或容器卷中的内容通常不应出现在每个实例中"),
		Remedy: t("Look through the directory and take out what is not part of the product", "检查该目录，移除不属于产品的内容"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		var dirs []string
		for _, d := range []string{"/data", "/mnt", "/media", "/srv", "/backup", "/backups", "/nfs", "/export", "/www/backup"} {
			if _, real, err := g.Tree.Lookup(d, true); err == nil && real == d && directory(p, d) {
				dirs = append(dirs, d)
			}
		}
		volumes, _ := g.Match("/var/lib/docker/volumes/*", "/var/lib/containers/storage/volumes/*")
		for _, v := range volumes {
			if v.Meta.Kind == fsys.Directory {
				dirs = append(dirs, v.Path)
			}
		}
		for _, d := range dirs {
			if err := p.Context.Err(); err != nil {
				return err
			}
			s := below(p, d, func(name string) bool { return !credfile.Vendor(g, name) && name != "/srv/ftp/welcome.msg" }) // from Debian's proftpd, which no package owns
			if s.bytes == 0 {
				continue
			}
			en, zh := "Data in "+credfile.Show(d), credfile.Show(d)+" 中的数据"
			if strings.Contains(d, "/volumes/") {
				en, zh = "Container volume "+credfile.Show(d[strings.LastIndexByte(d, '/')+1:]), "容器卷 "+credfile.Show(d[strings.LastIndexByte(d, '/')+1:])
			}
			p.Report(finding.Finding{Where: g.Where(d, 0), Title: counted(en, zh, s)})
		}
		return nil
	},
}
