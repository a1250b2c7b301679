package history

import (
	"assay/check"
	"assay/finding"
)

var clientHistory = &Check{
	ID:       "any/history/client-history",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"A3", "B3", "B8"},
	Covers:   []string{"HIS-006", "HIS-007", "HIS-008", "HIS-009", "HIS-010"},
	Doc: check.Doc{
		Title:  t("Histories of database clients and interpreters", "数据库客户端和解释器的历史记录"),
		Why:    t("They hold the passwords of CREATE USER and AUTH, queries with customers' data, and pasted keys", "其中包含 CREATE USER 和 AUTH 中的密码、含客户数据的查询以及粘贴的密钥"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, k := range []kind{
			{name: t("History of a database client", "数据库客户端历史记录"), patterns: []string{"~/.mysql_history*", "~/.mariadb_history*", "~/.psql_history*", "~/.rediscli_history*", "~/.valkeycli_history",
				"~/.sqlite_history", "~/.usql_history", "~/.mycli-history", "~/.mycli.log", "~/.config/pgcli/history", "~/.config/pgcli/log", "~/.config/litecli/history", "~/.config/mycli/history",
				"~/.dbshell", "~/.mongodb/mongosh/mongosh_repl_history", "~/.mongodb/mongosh/*_log", "~/.mongorc.js", "~/.mongoshrc.js", "~/.cqlsh_history", "~/.cassandra/cqlsh_history",
				"~/.influx_history", "~/.influxql_history", "~/.clickhouse-client-history*", "~/.isql_history", "~/.duckdb_history", "~/.beeline/history", "~/.hivehistory", "~/.obclient_history", "~/.taos_history", "~/.mysqlsh/history*"}},
			{name: t("History of an interpreter", "解释器历史记录"), patterns: []string{"~/.python_history*", "~/.pythonhist", "~/.node_repl_history*", "~/.irb_history*", "~/.irb-history", "~/.pry_history",
				"~/.local/share/pry/pry_history", "~/.php_history", "~/.config/psysh/psysh_history", "~/.local/share/psysh/*history*", "~/.Rhistory", "~/.scala_history*", "~/.groovy/groovysh.history",
				"~/.gdb_history", "~/.lua_history", "~/.jshell_history", "~/.erlang-history", "~/.cache/erlang-history/*", "~/.octave_hist", "~/.julia/logs/repl_history.jl", "~/.bpython_history",
				"~/.ipython/profile_*/history.sqlite", "~/.jupyter/lab/workspaces/*", "~/.local/share/jupyter/runtime/*.json", "~/.ghc/ghci_history", "~/.ansible/tmp/*history*", "~/.lftp/rl_history", "~/.local/share/lftp/rl_history", "~/.virsh_history", "~/.cache/virsh/history"}},
		} {
			if err := k.run(p); err != nil {
				return err
			}
		}
		return nil
	},
}
