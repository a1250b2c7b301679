package data

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var passwordNotes = &Check{
	ID:       "any/data/password-notes",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"APP-036"},
	Doc: check.Doc{
		Title:  t("Notes that are named after passwords", "以密码、账号命名的笔记文件"),
		Why:    t("A file called passwords.txt or 账号密码.xlsx is mostly just that", "名为 passwords.txt 或“账号密码.xlsx”的文件往往名副其实"),
		Remedy: t("Remove the file, and change what was in it", "删除该文件，并更换其中的密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.NamedBy(p.Subject, noteName) {
			if people(m.Path) && !strings.HasPrefix(m.Path, "/var/lib/") && !inSource(m.Path) {
				p.Report(finding.Finding{Where: credfile.Where(p.Subject, m), Title: finding.Tf("Note %s", "笔记文件 %s", credfile.Show(path.Base(m.Path)))})
			}
		}
		return nil
	},
}

var noteExts = map[string]bool{"txt": true, "csv": true, "xls": true, "xlsx": true, "doc": true, "docx": true, "md": true, "rtf": true, "odt": true, "ods": true, "et": true, "wps": true, "": true}

// englishNote wants the word to be most of the name: "reset-password.md" of a
// program's manual has more to say.
var englishNote = regexp.MustCompile(`^(?:(?:my|all|our|the|server|db|root|admin|prod|ssh|old|new|ecs|aliyun)[-_ .]?)?(?:passwords?|passwd|pass|pwds?|secrets?|credentials?|accounts?|logins?|tokens?|accesskeys?|aksk|userpass)[-_ .]?(?:list|file|all|backup|bak|old|new|prod|test|\d{0,8})$`)

// noteWords are what englishNote cannot match without; looking for them first
// is cheaper by far.
var noteWords = []string{"pass", "pwd", "secret", "credential", "account", "login", "token", "accesskey", "aksk"}

var chineseNote = []string{"密码", "账号", "帐号", "口令", "密钥", "账户密码", "登录信息"}

func foreign(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return true
		}
	}
	return false
}

func noteName(name string) bool {
	ext := credfile.Ext(name)
	if !noteExts[ext] || ext == "" && strings.HasPrefix(name, ".") {
		return false
	}
	contains := func(w string) bool { return strings.Contains(name, w) }
	if foreign(name) && slices.ContainsFunc(chineseNote, contains) {
		return true
	}
	if ext == "" || len(name) > 60 {
		return false
	}
	name = strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
	return slices.ContainsFunc(noteWords, contains) && englishNote.MatchString(name)
}

// inSource reports whether a file is part of a program's manual or tests.
func inSource(name string) bool {
	for _, d := range []string{"/docs/", "/doc/", "/test/", "/tests/", "/testdata/", "/templates/", "/locale/", "/i18n/", "/src/", "/examples/", "/fixtures/"} {
		if strings.Contains(name, d) {
			return true
		}
	}
	return false
}
