package app

import (
	"bytes"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var applicationConfig = &Check{
	ID:       "any/app/application-config",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-001", "APP-002", "APP-003", "APP-004", "APP-033"},
	Doc: check.Doc{
		Title:  t("Passwords and keys in applications' configuration", "应用程序配置中的密码和密钥"),
		Why:    t("Who gets the image can log in to the databases and services that the application uses", "获得镜像的人可以登录该应用所使用的数据库和服务"),
		Remedy: t("Take the secrets out of the file: instance metadata, KMS Secrets Manager or environment set at start", "将机密移出配置文件：使用实例元数据、KMS 凭据管家或启动时设置的环境变量"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.NamedBy(p.Subject, func(name string) bool { return configKind(name) != nil }) {
			if err := p.Context.Err(); err != nil {
				return err
			}
			if base := m.Path[strings.LastIndexByte(m.Path, '/')+1:]; !sample(m) {
				credfile.One(p, file{Tool: toolOf(base), Find: configKind(base)}, m)
			}
		}
		return nil
	},
}

type finder = func([]byte) []credfile.Secret

var (
	inEnv        finder = credfile.AnySecret(settings.Env)
	inYAML       finder = credfile.AnySecret(settings.YAML)
	inJSON       finder = credfile.AnySecret(settings.JSON)
	inProperties finder = credfile.AnySecret(settings.Properties)
	inPHP        finder = phpSecrets
	inTomcat     finder = tomcat
)

// exactConfigs are files that hold secrets by design, by their whole name.
var exactConfigs = map[string]finder{
	".env": inEnv, ".envrc": inEnv, "wp-config.php": inPHP, "LocalSettings.php": inPHP, "configuration.php": inPHP, "database.php": inPHP, "db.php": inPHP, "settings.php": inPHP,
	"config.inc.php": inPHP, "tomcat-users.xml": inTomcat, "context.xml": inTomcat, "boot.properties": inProperties, "jetty-realm.properties": jettyRealm,
	"database.yml": inYAML, "secrets.yml": inYAML, "parameters.yml": inYAML, "jdbc.properties": inProperties, "db.properties": inProperties, "druid.properties": inProperties,
	"Dockerfile": dockerfile,
}

// configKind returns how to look into a file of this name, nil for others.
func configKind(name string) finder {
	if f, ok := exactConfigs[name]; ok {
		return f
	}
	has := func(prefix string, ends ...string) bool {
		if !strings.HasPrefix(name, prefix) {
			return false
		}
		for _, e := range ends {
			if strings.HasSuffix(name, e) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasPrefix(name, ".env."):
		return inEnv
	case has("application", ".yml", ".yaml"), has("bootstrap", ".yml", ".yaml"), has("docker-compose", ".yml", ".yaml"), has("compose", ".yml", ".yaml"):
		return inYAML
	case has("application", ".properties"), has("bootstrap", ".properties"):
		return inProperties
	case has("appsettings", ".json"):
		return inJSON
	}
	return nil
}

// sample reports whether a file is there to be copied and filled in.
func sample(m guest.Match) bool {
	for _, s := range []string{".example", ".sample", ".template", ".dist", ".tpl", ".default", "/vendor/", "/node_modules/", "/site-packages/", "/dist-packages/", "/usr/share/doc/"} {
		if strings.Contains(m.Path, s) {
			return true
		}
	}
	return false
}

func toolOf(base string) string {
	switch {
	case base == "wp-config.php":
		return "WordPress"
	case base == "tomcat-users.xml" || base == "context.xml":
		return "Tomcat"
	case base == "Dockerfile" || strings.Contains(base, "compose"):
		return "Docker"
	case strings.HasPrefix(base, "application") || strings.HasPrefix(base, "bootstrap"):
		return "Spring"
	}
	return "application"
}

// phpSecrets takes the settings of a PHP file, with the short names that PHP
// applications use for a database password.
func phpSecrets(b []byte) []credfile.Secret {
	set, _ := settings.PHP(b)
	return credfile.Pick(set, "password db_password *_password passwd *_passwd dbpass *pass pwd db_pwd *secret secret_key auth_key secure_auth_key logged_in_key nonce_key *_salt accesskeysecret *_api_key app_key wgdbpassword wgsecretkey", "")
}

// tomcat takes the password attributes of tomcat-users.xml and of a
// <Resource> in context.xml.
func tomcat(b []byte) []credfile.Secret {
	set, _ := settings.XML(b)
	return credfile.Pick(set, "password connectionpassword", "username")
}

// jettyRealm reads "user: password, role"; OBF: can be turned back, MD5: and
// CRYPT: can be guessed.
func jettyRealm(b []byte) (out []credfile.Secret) {
	set, _ := settings.Properties(b)
	for _, s := range set {
		if v, _, _ := strings.Cut(s.Value, ","); credfile.Real(v) {
			out = append(out, credfile.Secret{Name: s.Key, Value: []byte(strings.TrimSpace(v)), Line: s.Line})
		}
	}
	return out
}

// dockerfile reads ENV and ARG, in both forms.
func dockerfile(b []byte) []credfile.Secret {
	var env bytes.Buffer
	for l := range strings.Lines(string(b)) {
		l = strings.TrimSpace(l)
		word, rest, _ := strings.Cut(l, " ")
		if w := strings.ToUpper(word); w == "ENV" || w == "ARG" {
			if k, v, ok := strings.Cut(strings.TrimSpace(rest), " "); ok && !strings.Contains(k, "=") {
				rest = k + "=" + strings.TrimSpace(v)
			}
			env.WriteString(rest)
		}
		env.WriteByte('\n')
	}
	return credfile.AnySecret(settings.Env)(env.Bytes())
}
