package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var databaseServers = &Check{
	ID:       "any/app/database-servers",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-008", "APP-009", "APP-011", "APP-012", "APP-013", "APP-014"},
	Doc: check.Doc{
		Title:  t("Passwords and shared keys in database and queue configuration", "数据库和消息队列配置中的密码与共享密钥"),
		Why:    t("Every instance made from the image answers to the same password or cluster key", "由该镜像创建的所有实例使用相同的密码或集群密钥"),
		Remedy: t("Make the password at first boot; remove cluster keys and cookies so that each instance makes its own", "在首次启动时生成密码；删除集群密钥和 cookie，使每个实例各自生成"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			file{Tool: "Redis", Patterns: []string{"/etc/redis*.conf", "/etc/redis/*.conf", "/etc/redis/*.acl", "/usr/local/redis/*.conf", "/usr/local/etc/redis*.conf", "/etc/valkey/*.conf"}, Find: redis},
			file{Tool: "MySQL", Patterns: []string{"/etc/mysql/debian.cnf", "/etc/mysql/*.cnf", "/etc/mysql/*/*.cnf", "/etc/my.cnf", "/etc/my.cnf.d/*.cnf", "/usr/local/mysql/my.cnf"},
				Parse: settings.INI, Secrets: "password passwd *_password *-password", IDs: "user"},
			file{Tool: "PostgreSQL", Patterns: []string{"/etc/postgresql/*/*/*.conf", "/etc/postgresql/*/*/conf.d/*.conf", "/var/lib/postgresql/*/*/postgresql.auto.conf", "/var/lib/postgresql/*/*/recovery.conf",
				"/var/lib/pgsql/data/*.conf", "/var/lib/pgsql/*/data/*.conf", "/etc/pgbouncer/userlist.txt"}, Find: postgres},
			file{Tool: "MongoDB", Patterns: []string{"/etc/mongo*.key", "/etc/mongo*.keyfile", "/var/lib/mongo/keyfile", "/var/lib/mongodb/keyfile", "/etc/mongodb/keyfile"}, Find: credfile.Whole},
			file{Tool: "Elastic", Patterns: []string{"/etc/elasticsearch/elasticsearch.yml", "/etc/kibana/kibana.yml", "/etc/logstash/*.yml", "/etc/filebeat/filebeat.yml", "/etc/metricbeat/metricbeat.yml",
				"/etc/opensearch/opensearch.yml"}, Find: credfile.AnySecret(settings.YAML)},
			file{Tool: "Logstash", Patterns: []string{"/etc/logstash/conf.d/*", "/etc/logstash/pipeline/*"}, Find: credfile.AnySecret(logstash)},
			file{Tool: "Elasticsearch", Patterns: []string{"/etc/elasticsearch/elasticsearch.keystore", "/etc/kibana/kibana.keystore"}, Severity: finding.Low},
			file{Tool: "RabbitMQ", Patterns: []string{"/var/lib/rabbitmq/.erlang.cookie", "~/.erlang.cookie"}, Find: credfile.Whole, Severity: finding.Medium, Fix: finding.Remove},
			file{Tool: "RabbitMQ", Patterns: []string{"/etc/rabbitmq/definitions.json", "/etc/rabbitmq/*.json"}, Parse: settings.JSON, Secrets: "password password_hash", IDs: "name"},
			file{Tool: "RabbitMQ", Patterns: []string{"/etc/rabbitmq/rabbitmq.conf", "/etc/rabbitmq/conf.d/*.conf"}, Parse: settings.INI, Secrets: "default_pass *.password"},
			file{Tool: "ClickHouse", Patterns: []string{"/etc/clickhouse-server/users.xml", "/etc/clickhouse-server/users.d/*.xml", "/etc/clickhouse-server/config.d/*.xml"}, Parse: settings.XML,
				Secrets: "password password_sha256_hex password_double_sha1_hex"})
	},
}

// redis finds requirepass and masterauth, and the ">password" of a user line
// of redis.conf or of an ACL file.
func redis(b []byte) []credfile.Secret {
	set, _ := settings.Words(b)
	out := credfile.Pick(set, "requirepass masterauth tls-key-file-pass", "")
	for _, s := range set {
		if s.Key != "user" {
			continue
		}
		for w := range strings.FieldsSeq(s.Value) {
			if (w[0] == '>' || w[0] == '#' && len(w) == 65) && credfile.Real(w[1:]) {
				out = append(out, credfile.Secret{Name: "user", Value: []byte(w[1:]), Line: s.Line})
			}
		}
	}
	return out
}

// postgres finds password= in primary_conninfo and the hashes of pgbouncer's
// user list.
func postgres(b []byte) []credfile.Secret {
	set, _ := settings.INI(b)
	var conn []settings.Setting
	for _, s := range set {
		if strings.HasSuffix(s.Key, "conninfo") {
			conn = append(conn, s)
		}
	}
	out := credfile.AnySecret(func([]byte) ([]settings.Setting, error) { return conn, nil })(b)
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		if f := strings.Split(strings.TrimSpace(l), `"`); len(f) == 5 && f[0] == "" && f[4] == "" && strings.TrimSpace(f[2]) == "" && credfile.Real(f[3]) {
			out = append(out, credfile.Secret{Name: "user list", Value: []byte(f[3]), Line: n})
		}
	}
	return out
}

// logstash reads `key => "value"`.
func logstash(b []byte) ([]settings.Setting, error) {
	return settings.INI([]byte(strings.ReplaceAll(string(b), "=>", "=")))
}
