package secret

import (
	"fmt"
	"strings"
)

// dialects are how formats write a setting: file, text before, one setting of
// name and value, text after.
var dialects = []struct{ path, before, line, after string }{
	{"/srv/x/application.yml", "app:\n", "  %s: %s\n", "  size: 4\n"},
	{"/srv/x/quoted.yaml", "app:\n", "  %s: \"%s\"\n", ""},
	{"/srv/x/app.properties", "# settings\n", "%s=%s\n", "size=4\n"},
	{"/srv/x/app.toml", "[app]\n", "%s = \"%s\"\n", "size = 4\n"},
	{"/srv/x/app.ini", "[app]\n", "%s = %s\n", "size = 4\n"},
	{"/srv/x/.env", "", "%s=%s\n", "SIZE=4\n"},
	{"/srv/x/app.json", "{\n", "  \"%s\": \"%s\",\n", "  \"size\": 4\n}\n"},
	{"/srv/x/app.xml", "<app>\n", "  <%[1]s>%[2]s</%[1]s>\n", "</app>\n"},
	{"/srv/x/config.php", "<?php\n$config = array(\n", "  '%s' => '%s',\n", ");\n"},
	{"/srv/x/env.sh", "#!/bin/sh\n", "export %s='%s'\n", ""},
	{"/srv/x/conf.py", "import os\n", "%s = '%s'\n", ""},
	{"/srv/x/Conf.java", "class Conf {\n", "  String %s = \"%s\";\n", "}\n"},
}

// names of settings that hold a password of a person.
var settingNames = []string{"password", "db_password", "DB_PASS", "smtpPassword", "redis_password", "admin_passwd", "ldap_bind_password",
	"mysql_root_password", "ftp_pwd", "keystore_password", "proxyPassword", "MAIL_PASSWORD"}

// stand-ins are values that stand where a secret should be.
var standIns = []string{"", "changeme", "CHANGE_ME", "your-password", "<password>", "${DB_PASSWORD}", "{{ db_password }}", "%DB_PASSWORD%", "@password@",
	"********", "xxxxxxxx", "null", "none", "true", "example", "REDACTED", "ENC(9fJ2kLm1)", "vault:secret/db", "/run/secrets/db", "file:///etc/pw", "env:DB_PASSWORD",
	"replace_me", "todo", "dummy", "AKIAIOSFODNN7EXAMPLE", "YOUR_PASSWORD_HERE", "placeholder", "${{ secrets.DB }}", "$(cat /run/pw)", "密码"}

// crossed writes every name and every stand-in in every dialect: one plant a
// name, one decoy a stand-in.
func crossed() (plants, decoys []plant) {
	for _, d := range dialects {
		var real, fake strings.Builder
		for _, n := range settingNames {
			fmt.Fprintf(&real, d.line, n, "«{{human}}»")
		}
		for i, v := range standIns {
			fmt.Fprintf(&fake, d.line, settingNames[i%len(settingNames)], v)
		}
		plants = append(plants, plant{"setting", d.path, d.before + real.String() + d.after})
		decoys = append(decoys, plant{"decoy", d.path, d.before + fake.String() + d.after})
	}
	return plants, decoys
}
