package data

import (
	"path"
	"strconv"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var databases = &Check{
	ID:       "any/data/databases",
	Severity: finding.High,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B13"},
	Covers:   []string{"DBD-001", "DBD-004", "DBD-005", "DBD-006", "DBD-007", "DBD-008", "DBD-013", "APP-010"},
	Doc: check.Doc{
		Title:  t("Databases with content", "含有内容的数据库"),
		Why:    t("The image gives whole databases away, with deleted rows still in their pages, and the database accounts with their hashes", "镜像会泄露整个数据库（页面中仍残留已删除的行）以及数据库账号的密码哈希"),
		Remedy: t("Make the image before data is loaded, or drop the databases and initialise the data directory anew; dropping alone leaves rows in free pages", "在载入数据之前制作镜像，或删除数据库并重新初始化数据目录；仅执行 DROP 会在空闲页中残留数据"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, e := range engines {
			seen := map[string]bool{}
			for _, pattern := range e.dirs {
				dirs, _ := p.Subject.Match(pattern)
				for _, d := range dirs {
					_, real, err := p.Subject.Tree.Lookup(d.Path, true)
					if err == nil && !seen[real] && directory(p, real) {
						seen[real] = true
						database(p, e, real)
					}
				}
			}
		}
		return nil
	},
}

func directory(p *Pass, name string) bool {
	m, err := p.Subject.Tree.Stat(name)
	return err == nil && m.Kind == fsys.Directory
}

// An engine is a database server: where its data lies, and what in it is not
// there after a fresh installation.
type engine struct {
	name string
	dirs []string
	// content names what people put in: databases, collections, indices. The
	// flag says that there is some even when nothing can be named.
	content func(p *Pass, dir string) (names []string, full bool)
}

var engines = []engine{
	{"MySQL", []string{"/var/lib/mysql", "/usr/local/mysql/data", "/www/server/data", "/data/mysql", "/opt/mysql/data"}, mysqlContent},
	{"PostgreSQL", []string{"/var/lib/postgresql/*/*", "/var/lib/pgsql/data", "/var/lib/pgsql/*/data", "/usr/local/pgsql/data"}, postgresContent},
	{"Redis", []string{"/var/lib/redis", "/var/lib/valkey", "/usr/local/redis/data", "/www/server/redis"}, redisContent},
	{"MongoDB", []string{"/var/lib/mongo", "/var/lib/mongodb", "/data/db", "/www/server/mongodb/data"}, mongoContent},
	{"Elasticsearch", []string{"/var/lib/elasticsearch", "/usr/share/elasticsearch/data", "/var/lib/opensearch"}, elasticContent},
	{"LDAP", []string{"/var/lib/ldap", "/var/lib/dirsrv/slapd-*/db"}, larger(256 << 10)},
	{"etcd", []string{"/var/lib/etcd"}, larger(0)},
	{"ClickHouse", []string{"/var/lib/clickhouse"}, clickhouseContent},
	{"InfluxDB", []string{"/var/lib/influxdb"}, larger(64 << 10)},
	{"Cassandra", []string{"/var/lib/cassandra/data"}, larger(16 << 20)},
	{"CouchDB", []string{"/var/lib/couchdb", "/opt/couchdb/data"}, larger(64 << 10)},
	{"ZooKeeper", []string{"/var/lib/zookeeper/version-2"}, larger(64 << 10)},
	{"RabbitMQ", []string{"/var/lib/rabbitmq/mnesia"}, larger(1 << 20)},
	{"Kafka", []string{"/var/lib/kafka-logs", "/var/lib/kafka", "/tmp/kafka-logs"}, larger(64 << 10)},
	{"Prometheus", []string{"/var/lib/prometheus"}, larger(64 << 10)},
	{"Grafana", []string{"/var/lib/grafana"}, larger(4 << 20)},
	{"Neo4j", []string{"/var/lib/neo4j/data"}, larger(64 << 20)},
}

func database(p *Pass, e engine, dir string) {
	names, full := e.content(p, dir)
	s := below(p, dir, func(name string) bool { return !credfile.Vendor(p.Subject, name) })
	if s.files == 0 || s.bytes == 0 {
		return
	}
	f := finding.Finding{Where: p.Subject.Where(dir, 0), Anchor: e.name}
	switch {
	case len(names) > 0:
		list := credfile.Show(strings.Join(names[:min(len(names), 4)], ", "))
		if len(names) > 4 {
			list += ", …"
		}
		f.Title = finding.Tf("%s data with content: %s (%s)", "%s 中有业务数据：%s(%s)", e.name, list, s.size())
	case full:
		f.Title = finding.Tf("%s data with content (%s)", "%s 中有业务数据（%s）", e.name, s.size())
	default:
		f.Severity = finding.Low
		f.Title = finding.Tf("%s data directory, as after installation (%s)", "%s 数据目录，内容与刚安装时相同（%s）", e.name, s.size())
	}
	p.Report(f)
}

// subdirs lists the directories directly below dir.
func subdirs(p *Pass, dir string) (out []string) {
	es, _ := p.Subject.Tree.ReadDir(dir) // a missing one has none
	for _, e := range es {
		if e.Kind == fsys.Directory {
			out = append(out, e.Name)
		}
	}
	return out
}

func mysqlContent(p *Pass, dir string) (names []string, full bool) {
	for _, n := range subdirs(p, dir) {
		switch {
		case n == "mysql" || n == "performance_schema" || n == "sys" || n == "test" || n == "lost+found" || strings.HasPrefix(n, "#") || strings.HasPrefix(n, ".") || n == "binlog" || n == "undo":
		default:
			names = append(names, n)
		}
	}
	return names, false
}

// postgresContent counts databases with an OID that initdb does not give:
// FirstNormalObjectId is 16384 (src/include/access/transam.h).
func postgresContent(p *Pass, dir string) (names []string, full bool) {
	for _, n := range subdirs(p, path.Join(dir, "base")) {
		if oid, err := strconv.ParseUint(n, 10, 32); err == nil && oid >= 16384 {
			names = append(names, "oid "+n)
		}
	}
	return names, false
}

func redisContent(p *Pass, dir string) (names []string, full bool) {
	for _, m := range p.Subject.Files(dir+"/*.rdb", dir+"/*.aof", dir+"/appendonlydir/*") {
		if m.Meta.Size > 128 { // an empty dump.rdb has about 90 bytes
			names = append(names, path.Base(m.Path))
		}
	}
	return names, false
}

// mongoContent counts collection files: a fresh WiredTiger directory has
// those of admin, config and local.
func mongoContent(p *Pass, dir string) (names []string, full bool) {
	files := p.Subject.Files(dir+"/collection-*.wt", dir+"/*/collection-*.wt", dir+"/collection/*.wt")
	for _, n := range subdirs(p, dir) {
		if n != "journal" && n != "diagnostic.data" && n != "admin" && n != "config" && n != "local" && n != "_tmp" && n != "lost+found" {
			names = append(names, n)
		}
	}
	return names, len(files) > 8
}

func elasticContent(p *Pass, dir string) (names []string, full bool) {
	n := len(subdirs(p, path.Join(dir, "indices")))
	for _, node := range subdirs(p, path.Join(dir, "nodes")) {
		n += len(subdirs(p, path.Join(dir, "nodes", node, "indices")))
	}
	return nil, n > 0
}

func clickhouseContent(p *Pass, dir string) (names []string, full bool) {
	for _, n := range subdirs(p, path.Join(dir, "metadata")) {
		if n != "system" && n != "default" && !strings.EqualFold(n, "information_schema") {
			names = append(names, n)
		}
	}
	return names, false
}

// larger takes a directory with more bytes than a fresh installation has as
// full.
func larger(n int64) func(*Pass, string) ([]string, bool) {
	return func(p *Pass, dir string) ([]string, bool) { return nil, below(p, dir, nil).bytes > n }
}
