package cloud

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var databaseClients = &Check{
	ID:       "any/cloud/database-clients",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-019"},
	Doc: check.Doc{
		Title:  t("Passwords that database clients keep", "数据库客户端保存的密码"),
		Why:    t("The file opens a database; .mylogin.cnf is only obfuscated, its key lies inside it", "该文件可用于登录数据库；.mylogin.cnf 只是混淆，密钥就在文件中"),
		Remedy: t("Delete the file and change the database password", "删除该文件，并修改数据库密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "MySQL", Patterns: []string{"~/.my.cnf"}, Parse: settings.INI, Secrets: "password passwd *_password", IDs: "user", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "MySQL", Patterns: []string{"~/.mylogin.cnf"}, Find: mylogin, Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "PostgreSQL", Patterns: []string{"~/.pgpass", "~/pgpass.conf"}, Find: credfile.Columns("password", ":", 5), Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "PostgreSQL", Patterns: []string{"~/.pg_service.conf", "/etc/pg_service.conf", "/etc/postgresql-common/pg_service.conf"}, Parse: settings.INI,
				Secrets: "password", IDs: "user", Fix: finding.RemoveLine},
			credfile.File{Tool: "MongoDB", Patterns: []string{"~/.mongorc.js", "~/.mongoshrc.js"}, Find: credfile.URLs, Fix: finding.RemoveLine},
			credfile.File{Tool: "Redis", Patterns: []string{"~/.redisclirc", "~/.config/redis*", "~/.config/redis*/*"}, Find: credfile.URLs, Fix: finding.RemoveLine},
			credfile.File{Tool: "Cassandra", Patterns: []string{"~/.cassandra/credentials", "~/.cassandra/cqlshrc", "~/.cqlshrc"}, Parse: settings.INI,
				Secrets: "password", IDs: "username", Fix: finding.RemoveLine})
	},
}

// mylogin recognises a login path file of mysql_config_editor: 4 unused bytes
// (zero), 20 bytes of key, then at least one length and one AES block. See
// client/mysql_config_editor.cc of MySQL.
func mylogin(b []byte) []credfile.Secret {
	if len(b) < 4+20+4+16 || b[0]|b[1]|b[2]|b[3] != 0 {
		return nil
	}
	return []credfile.Secret{{Name: "login path", Value: b[4:], Line: 0}}
}
