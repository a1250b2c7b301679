package data

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var dumps = &Check{
	ID:       "any/data/dumps",
	Severity: finding.High,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B13"},
	Covers:   []string{"APP-038", "TMP-014"},
	Doc: check.Doc{
		Title:  t("Database dumps, backups and archives lying around", "遗留的数据库转储、备份和压缩包"),
		Why:    t("A dump is the whole database in one readable file; an archive may hold anything", "转储文件就是一个可直接读取的完整数据库；压缩包中可能有任何内容"),
		Remedy: t("Remove the files from the image", "从镜像中删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		var archives []guest.Match
		for _, m := range credfile.NamedBy(p.Subject, func(name string) bool { return dumpKind(name) != 0 }) {
			if err := p.Context.Err(); err != nil {
				return err
			}
			if !people(m.Path) || credfile.UnderAny(m.Path, "/var/lib/redis", "/var/lib/valkey", "/tmp", "/var/tmp", "/var/lib/docker") {
				continue // those have a check of their own
			}
			switch dumpKind(path.Base(m.Path)) {
			case sqlText:
				if isDump(head(p, m, 32<<10)) {
					dump(p, m)
				}
			case packedDump:
				if credfile.Ext(m.Path) != "dmp" || !memory(head(p, m, 8)) {
					dump(p, m)
				}
			case archiveFile:
				if loose(p, m) {
					archives = append(archives, m)
				}
			}
		}
		byArea := map[string][]guest.Match{}
		var order []string
		for _, m := range archives {
			d := path.Dir(m.Path)
			if byArea[d] == nil {
				order = append(order, d)
			}
			byArea[d] = append(byArea[d], m)
		}
		for _, d := range order {
			report(p, d, byArea[d], "Archives and installers in "+credfile.Show(d), credfile.Show(d)+" 中的压缩包和安装包", finding.Low)
		}
		return nil
	},
}

const (
	sqlText     = iota + 1 // may be a schema: the content decides
	packedDump             // named as a dump
	archiveFile            // counts only where people put such things
)

func dumpKind(name string) int {
	switch credfile.Ext(name) {
	case "sql":
		return sqlText
	case "dump", "rdb", "bson", "pgdump", "dmp":
		return packedDump
	case "gz", "xz", "zst", "bz2", "zip", "7z":
		low := strings.ToLower(name)
		if strings.Contains(low, ".sql.") || strings.Contains(low, ".dump.") {
			return packedDump
		}
		return archiveFile
	case "tar", "tgz", "txz", "tbz2", "rar", "rpm", "deb", "iso", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "wim", "bak":
		return archiveFile
	}
	return 0
}

// memory reports whether a file begins as Windows' dumps of memory do: of the
// kernel, or of a program. Those have a check of their own.
func memory(b string) bool {
	return strings.HasPrefix(b, "PAGEDUMP") || strings.HasPrefix(b, "PAGEDU64") || strings.HasPrefix(b, "MDMP")
}

// isDump knows the heads that mysqldump, mariadb-dump, pg_dump, Navicat,
// phpMyAdmin and sqlite3 write, and rows of data.
func isDump(b string) bool {
	for _, s := range []string{"-- MySQL dump", "-- MariaDB dump", "-- PostgreSQL database dump", "-- PostgreSQL database cluster dump", "Navicat", "phpMyAdmin SQL Dump", "/*M!999999", "-- Dump completed", "-- Dumping data for table"} {
		if strings.Contains(b, s) {
			return true
		}
	}
	return strings.HasPrefix(b, "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;") || strings.Count(b, "INSERT INTO ") >= 20
}

func dump(p *Pass, m guest.Match) {
	p.Report(finding.Finding{Where: credfile.Where(p.Subject, m),
		Title: finding.Tf("Database dump %s (%s)", "数据库转储 %s(%s)", credfile.Show(path.Base(m.Path)), finding.Size(m.Meta.Size))})
}

// loose reports whether an archive lies where people drop such things, not
// inside an application.
func loose(p *Pass, m guest.Match) bool {
	dir := path.Dir(m.Path)
	switch dir {
	case "/", "/root", "/opt", "/opt/src", "/usr/local/src", "/home", "/backup", "/backups", "/data", "/data/backup", "/www/backup":
		return true
	}
	for _, h := range p.Subject.Homes() {
		if dir == h.Path || dir == h.Path+"/backup" || dir == h.Path+"/Downloads" {
			return true
		}
	}
	return credfile.UnderAny(dir, "/backup", "/www/backup")
}
