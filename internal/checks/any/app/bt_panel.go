package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var btPanel = &Check{
	ID:       "any/app/bt-panel",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1", "B12"},
	Covers:   []string{"APP-034"},
	Doc: check.Doc{
		Title:  t("Login of the BaoTa (BT) panel", "宝塔面板的登录信息"),
		Why:    t("The panel has root rights; its user, password, entrance and database password become the same on every instance made from the image", "面板拥有 root 权限；由该镜像创建的所有实例将使用相同的面板用户、密码、安全入口和数据库密码"),
		Remedy: t("Reset panel user, password and entrance at first boot (bt 5, bt 6, bt 28) and the database's root password", "在首次启动时重置面板用户名、密码和安全入口（bt 5、bt 6、bt 28）以及数据库 root 密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			file{Tool: "BaoTa", Patterns: []string{"/www/server/panel/default.pl"}, Find: credfile.Whole, Fix: finding.Blank, Safe: true},
			file{Tool: "BaoTa", Patterns: []string{"/www/server/panel/data/userInfo.json", "/www/server/panel/config/api.json", "/www/server/panel/data/tmp_login.json"}, Parse: settings.JSON,
				Secrets: "token *_token secret_key access_key serverid password"},
			file{Tool: "BaoTa", Patterns: []string{"/www/server/panel/data/default.db", "/www/server/panel/data/db/*.db"}, Magic: "SQLite format 3\x00"},
			file{Tool: "BaoTa", Patterns: []string{"/www/server/panel/data/admin_path.pl"}, Find: credfile.Whole, Severity: finding.Medium})
	},
}
