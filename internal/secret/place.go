package secret

import (
	"path"
	"strings"

	"assay/finding"
)

// A form is what kind of text a file holds, as far as its name says.
type form uint8

const (
	unknown form = iota
	config       // settings: what stands after the separator is a literal
	shell        // scripts, units, crontabs, Dockerfiles: bare words are literals, "$x" is not
	history      // typed at a prompt
	source       // a programming language: only quoted text is a literal
	markup       // pages and templates
	prose        // manuals, read-mes, change logs
	logs
	table // package lists, dictionaries, checksums: no credential by design
)

// A place is what the path alone says of a file.
type place struct {
	name   string // last element, lower case
	form   form
	tests  bool // a test or an example
	manual bool // documentation, not somebody's notes
	doubts []*doubt
	store  [6]*doubt // of doubts
}

// A doubt is a reason to believe less.
type doubt struct {
	less   int
	reason finding.Text
}

var (
	inDocs    = &doubt{35, finding.T("in documentation", "位于文档中")}
	inTests   = &doubt{35, finding.T("in a test or an example", "位于测试或示例中")}
	inLocale  = &doubt{60, finding.T("in a translation", "位于语言文件中")}
	inTable   = &doubt{60, finding.T("in a list of packages or words", "位于软件包列表或词表中")}
	inVendor  = &doubt{30, finding.T("in installed third-party code", "位于已安装的第三方代码中")}
	inBinary  = &doubt{15, finding.T("in a binary file", "位于二进制文件中")}
	inPackage = &doubt{20, finding.T("in minified code", "位于压缩后的代码中")}
)

var formOf = forms(map[form]string{
	config: "conf cnf cfg ini properties props yml yaml toml json env xml config plist reg tfvars tfstate hcl desktop service timer socket mount network netdev repo list " +
		"sources creds credentials netrc pgpass npmrc pypirc ovpn inf rdp settings prefs local preseed seed ks cfn j2 jsonc json5 neon kdl ldif repos nmconnection secrets passwd keys auth",
	shell:  "sh bash zsh ksh csh fish ps1 psm1 bat cmd mk dockerfile containerfile expect exp awk cron",
	source: "go c h cc cpp cxx hpp hh java kt kts scala groovy gradle py pyi pyw rb php phtml inc pl pm t js mjs cjs jsx ts tsx vue svelte cs vb fs swift m mm rs lua r jl ex exs erl hs ml clj dart sql s asm el vim tcl pyx proto zig nim d pas",
	markup: "html htm xhtml css scss less svg tmpl tpl jsp jspx asp aspx erb ejs hbs twig xsl xslt xsd wsdl dtd",
	prose:  "md markdown sgml rst txt adoc asciidoc tex texi info man pod changelog news readme roff",
	logs:   "log out err journal",
	table:  "po pot mo strings list_ index dic words sha256 md5sums sum lock symbols shlibs templates",
})

func forms(m map[form]string) map[string]form {
	out := map[string]form{}
	for f, list := range m {
		for _, ext := range strings.Fields(list) {
			out[ext] = f
		}
	}
	return out
}

var formByName = map[string]form{
	"dockerfile": shell, "containerfile": shell, "makefile": shell, "crontab": shell, ".bashrc": shell, ".profile": shell, ".bash_profile": shell,
	".zshrc": shell, ".zprofile": shell, ".bash_login": shell, ".bash_aliases": shell, "profile": shell, "rc.local": shell, "jenkinsfile": source, "environment": shell,
	"vagrantfile": source, "gemfile": source, ".htaccess": config, ".htpasswd": config, "hosts": config, "fstab": config, ".my.cnf": config, "readme": prose, "changelog": prose,
	"copying": prose, "license": prose, "news": prose, "authors": prose, "consolehost_history.txt": history, "user-data": config, "user-data.txt": config,
	"requirements.txt": table, "package-lock.json": table, "yarn.lock": table, "go.sum": table, "go.mod": table, "cargo.lock": table, "fish_history": history, ".dockercfg": config,
	"config": config, "credentials": config, ".netrc": config, "_netrc": config, ".git-credentials": config, ".s3cfg": config, ".boto": config, ".ossutilconfig": config,
	".pgpass": config, ".npmrc": config, ".pypirc": config, ".vault-token": config, "syslog": logs, "messages": logs, "secure": logs, ".viminfo": history,
}

// of judges a path. It does not fail: what it does not know is unknown.
func (p *place) of(name string) {
	low := strings.ToLower(name)
	*p = place{name: path.Base(low)}
	p.doubts = p.store[:0]
	base := p.name
	for _, cut := range []string{".bak", ".old", ".orig", ".save", ".swp", "~", ".1", ".dpkg-old", ".rpmsave", ".gz"} { // a copy is what it is a copy of
		if short := strings.TrimSuffix(base, cut); short != "" && short != base && strings.Contains(short, ".") {
			base = short
		}
	}
	ext := strings.TrimPrefix(path.Ext(base), ".")
	switch {
	case formByName[base] != unknown:
		p.form = formByName[base]
	case strings.HasSuffix(base, "_history") || strings.HasSuffix(base, "history") || base == ".histfile":
		p.form = history
	case strings.HasPrefix(base, ".env") || strings.HasPrefix(base, "env."):
		p.form = config
	case strings.HasPrefix(base, "dockerfile") || strings.HasPrefix(base, "docker-entrypoint"):
		p.form = shell
	case len(ext) == 1 && ext[0] >= '1' && ext[0] <= '8' && strings.Count(base, ".") == 1 && !has(low, "/log"): // a manual page
		p.form = prose
	case strings.HasPrefix(base, "readme") || strings.HasPrefix(base, "changelog"):
		p.form = prose
	case formOf[ext] != unknown && "."+ext != base:
		p.form = formOf[ext]
	case has(low, "/etc/cron", "/var/spool/cron", "/etc/init.d/", "/etc/profile.d/"):
		p.form = shell
	case has(low, "/var/log/"):
		p.form = logs
	case has(low, "/etc/"):
		p.form = config
	}
	p.weigh(low, base)
}

// weigh collects the doubts of a path.
func (p *place) weigh(low, base string) {
	add := func(d *doubt, yes bool) {
		if yes {
			p.doubts = append(p.doubts, d)
		}
	}
	locale := p.form == table && (strings.HasSuffix(base, ".po") || strings.HasSuffix(base, ".pot") || strings.HasSuffix(base, ".strings")) ||
		has(low, "/locale/", "/locales/", "/localization/", "/localisation/", "/i18n/", "/lang/", "/langs/", "/translations/", "/l10n/", "/lc_messages/", "messages_", "messages.properties", "strings.xml", "_zh_cn.", "zh-cn.", "en-us.")
	add(inLocale, locale)
	manual := has(low, "/usr/share/doc/", "/usr/share/man/", "/usr/share/info/", "/docs/", "/doc/", "/man/man")
	prosaic := p.form == prose && !has(low, "passwords.txt", "password.txt", "/root/", "/home/", "user-data") && !strings.HasPrefix(low, "/users/")
	add(inDocs, !locale && (prosaic || manual))
	p.manual = manual || !strings.HasSuffix(base, ".txt") || strings.HasPrefix(base, "readme") || strings.HasPrefix(base, "changelog") || strings.HasPrefix(base, "install")
	p.tests = has(low, "/test/", "/tests/", "/testdata/", "_test.", "/spec/", "/__tests__/", ".test.", ".spec.", "/examples/", "/example/", "/samples/", "/sample/", "/fixtures/", "/mock", ".example", ".sample", ".dist", "-sample.", "-example.", "test_", "/demos/", "/tutorial", "/specs/", "_spec.", "/molecule/", "/test-")
	add(inTests, p.tests)
	add(inTable, !locale && p.form == table || has(low, "/var/lib/apt/lists/", "/var/lib/dpkg/info/", "/var/lib/dpkg/status", "/var/lib/dpkg/available", "/usr/share/dict/", "/var/lib/rpm/", "/usr/share/zoneinfo", "/var/cache/debconf/templates", "/usr/share/mime/", "/usr/share/perl/"))
	add(inVendor, has(low, "/node_modules/", "/site-packages/", "/dist-packages/", "/vendor/", "/usr/lib/python", "/usr/lib/ruby", "/usr/share/perl", "/usr/local/go/src", "/gems/", "/go/pkg/mod/", "/.m2/repository/", ".egg-info", ".dist-info"))
	add(inPackage, has(base, ".min.js", ".min.css", ".js.map", ".bundle.js", ".chunk.js"))
}

// testFloor is the least confidence of what stands in a test and has no other
// doubt: below it are documentation, translations, third-party code.
const testFloor = 20

func has(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// weigh is the confidence after all doubts, and the reasons in words. The
// surest rules that hold without context are doubted half as much: a
// well-formed token in a manual is more often a leak than a password there.
// The test data of third-party code is doubted in full.
func (r *run) weigh(x *rule, d verdict) (int, finding.Text) {
	conf, reason := d.confidence, d.reason
	if conf == 0 {
		conf = x.confidence
	}
	if reason.EN == "" {
		reason = x.reason
	}
	less := 0
	say := func(w *doubt) {
		less += w.less
		reason = finding.T(reason.EN+"; "+w.reason.EN, reason.ZH+"；"+w.reason.ZH)
	}
	for _, w := range r.place.doubts {
		if x.kindOfMatch == atLine && w == inDocs { // the rule knows the file
			continue
		}
		say(w)
		if w == inDocs && !x.high && r.place.manual { // what manuals say after "password" is an example
			less += w.less
		}
	}
	if r.binary && !r.src.HighOnly {
		say(inBinary)
	}
	if x.high && x.confidence >= 90 && !(len(r.place.doubts) > 1 && less > 60) {
		less /= 2
	}
	least := 5
	if r.place.tests && len(r.place.doubts) == 1 { // weak as it may be, it is not documentation
		least = min(conf, testFloor)
	}
	conf = max(conf-less, least)
	return min(conf, 100), reason
}
