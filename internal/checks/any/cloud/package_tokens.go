package cloud

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var packageTokens = &Check{
	ID:       "any/cloud/package-tokens",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-018"},
	Doc: check.Doc{
		Title:  t("Tokens of package registries: npm, PyPI, Maven, Gradle and others", "软件包仓库的令牌：npm、PyPI、Maven、Gradle 等"),
		Why:    t("A publishing token lets its finder release packages in the owner's name", "得到发布令牌的人可以冒用所有者名义发布软件包"),
		Remedy: t("Remove the lines and revoke the token at the registry", "删除相应的行，并在仓库侧吊销该令牌"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		file := func(tool string, parse settings.Parser, secrets string, patterns ...string) credfile.File {
			return credfile.File{Tool: tool, Patterns: patterns, Parse: parse, Secrets: secrets, IDs: "username"}
		}
		lines := func(f credfile.File) credfile.File { f.Fix = finding.RemoveLine; return f }
		return credfile.Run(p,
			lines(file("npm", settings.INI, "*_authtoken *_auth *:_password _password", "~/.npmrc", "/etc/npmrc", "/usr/local/etc/npmrc")),
			file("yarn", settings.YAML, "npmauthtoken npmauthident", "~/.yarnrc.yml"),
			lines(file("PyPI", settings.INI, "password", "~/.pypirc")),
			lines(credfile.File{Tool: "pip", Patterns: []string{"~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf", "~/.condarc", "~/.config/pip/uv.toml"}, Find: credfile.URLs}),
			lines(credfile.File{Tool: "RubyGems", Patterns: []string{"~/.gem/credentials", "~/.local/share/gem/credentials"}, Find: gemKeys}),
			file("Bundler", settings.YAML, "bundle_*__com bundle_*", "~/.bundle/config"),
			lines(file("cargo", settings.INI, "token", "~/.cargo/credentials", "~/.cargo/credentials.toml")),
			file("Maven", settings.XML, "password passphrase master", "~/.m2/settings.xml", "~/.m2/settings-security.xml", "/etc/maven/settings.xml"),
			lines(file("Gradle", settings.Properties, "*password *passwd *token *secret *apikey", "~/.gradle/gradle.properties")),
			credfile.File{Tool: "Composer", Patterns: []string{"~/.composer/auth.json", "~/.config/composer/auth.json"}, Find: composer},
			file("NuGet", settings.XML, "cleartextpassword", "~/.nuget/NuGet/NuGet.Config"),
			lines(file("Poetry", settings.INI, "password *token", "~/.config/pypoetry/auth.toml")),
			credfile.File{Tool: "Conan", Patterns: []string{"~/.conan/.conan.db", "~/.conan2/.conan.db"}, Magic: sqliteMagic, Severity: finding.Medium})
	},
}

// gemKeys reads ":rubygems_api_key: X", see gem help signin.
func gemKeys(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		k, v, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(l), ":"), ":")
		if v = strings.Trim(v, " '\""); ok && strings.HasSuffix(k, "key") && credfile.Real(v) {
			out = append(out, credfile.Secret{Name: k, Value: []byte(v), Line: n})
		}
	}
	return out
}

// composer reads an auth.json, where every string but user names is a secret.
func composer(b []byte) (out []credfile.Secret) {
	set, _ := settings.JSON(b)
	for _, s := range set {
		if s.Path != "" && s.Key != "username" && s.Key != "consumer-key" && credfile.Real(s.Value) {
			out = append(out, credfile.Secret{Name: strings.SplitN(s.Path, "/", 2)[0], Value: []byte(s.Value), Line: s.Line})
		}
	}
	return out
}
