package data

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var sqliteFiles = &Check{
	ID:       "any/data/sqlite-files",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B13"},
	Covers:   []string{"DBD-009"},
	Doc: check.Doc{
		Title:  t("SQLite databases of people and applications", "用户和应用程序的 SQLite 数据库"),
		Why:    t("The file holds the application's data, and deleted rows in its free pages and write-ahead log", "该文件保存应用数据，其空闲页和预写日志中还残留已删除的行"),
		Remedy: t("Leave the file out of the image, or empty its tables and run VACUUM", "不要将该文件放入镜像，或清空表后执行 VACUUM"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		byDir := map[string][]guest.Match{}
		var order []string
		for _, m := range credfile.Named(p.Subject, "*.db", "*.sqlite", "*.sqlite3", "*.db3") {
			if !people(m.Path) || credfile.UnderAny(m.Path, "/var/lib", "/var/log", "/var/db", "/tmp", "/var/tmp") || personal(m.Path) || m.Meta.Size < 512 || !strings.HasPrefix(head(p, m, 16), "SQLite format 3\x00") {
				continue
			}
			key := area(m)
			if byDir[key] == nil {
				order = append(order, key)
			}
			byDir[key] = append(byDir[key], m)
		}
		for _, key := range order {
			report(p, key, byDir[key], "SQLite databases in "+credfile.Show(key), credfile.Show(key)+" 中的 SQLite 数据库", 0)
		}
		return nil
	},
}

// personal are the databases of browsers and of the panel, which other checks
// speak about, and a package manager's own.
func personal(name string) bool {
	return strings.HasSuffix(name, "/rpmdb.sqlite") || strings.Contains(name, "/.mozilla/") || strings.Contains(name, "/.config/") || strings.HasPrefix(name, "/www/server/panel/")
}

// area is the application or the home that a file belongs to.
func area(m guest.Match) string {
	parts := strings.SplitN(m.Path, "/", 4)
	if len(parts) < 4 {
		return "/"
	}
	return "/" + parts[1] + "/" + parts[2]
}

// report makes one finding of files below key, whose path is key whether they
// are one or many: its ID must not change when another file comes.
func report(p *Pass, key string, files []guest.Match, en, zh string, sev finding.Severity) {
	var s total
	f := finding.Finding{Where: p.Subject.Where(key, 0), Anchor: key, Severity: sev}
	for i, m := range files {
		s.files++
		s.bytes += m.Meta.Size
		if i < leftover.MaxPlaces {
			f.Places = append(f.Places, credfile.Where(p.Subject, m))
		}
	}
	f.Title = counted(en, zh, s)
	p.Report(f)
}
