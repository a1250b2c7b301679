package files

import (
	"encoding/base64"
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/checks/credfile"
)

var answerFiles = &Check{
	ID:       "windows/files/answer-files",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1", "B3"},
	Covers:   []string{"WCR-006", "WCR-007"},
	Doc: check.Doc{
		Title:      t("Answer files of Windows setup", "Windows 安装应答文件"),
		Why:        t("They hold the passwords of Administrator, of other accounts and of the domain, in clear or in base64", "其中包含 Administrator、其他账户和域的密码，以明文或 base64 保存"),
		Remedy:     t("Empty the file after setup; give Sysprep one without passwords", "安装完成后清空该文件；为 Sysprep 提供不含密码的应答文件"),
		References: []string{"https://learn.microsoft.com/windows-hardware/customize/desktop/wsim/hide-sensitive-data-in-an-answer-file"},
		Since:      "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		patterns := answerPaths
		if named := w.Path(w.Hive("SYSTEM").Key("Setup").Text("UnattendFile")); named != "" && !strings.ContainsAny(named, `*?[\`) {
			patterns = append(patterns[:len(patterns):len(patterns)], named)
		}
		return credfile.Run(p, credfile.File{Tool: "Windows setup", Patterns: patterns, Find: answers, Present: finding.Low, Fix: finding.Blank, Safe: true})
	},
}

var answerPaths = []string{
	"/unattend.xml", "/autounattend.xml", "/unattend.txt", "/sysprep.inf", "/Windows/sysprep.inf", "/sysprep/*.inf", "/Windows/sysprep/*.inf", "/Windows/sysprep/*.xml",
	"/Windows/Panther/unattend*.xml", "/Windows/Panther/Unattend/*.xml", "/Windows/Panther/UnattendGC/*.xml",
	"/Windows/System32/Sysprep/*.xml", "/Windows/System32/Sysprep/Panther/*.xml", "/Windows.old/Windows/Panther/unattend*.xml",
	"/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/Unattend.xml",
}

// cleaned stands where setup has taken a password out.
const cleaned = "*SENSITIVE*DATA*DELETED*"

// answers finds the passwords in an answer file.
func answers(b []byte) (out []credfile.Secret) {
	text := utf8Text(b)
	if !strings.Contains(string(text[:min(len(text), 1<<10)]), "<") {
		return answersINF(string(text))
	}
	// A damaged file is read up to where it breaks: what follows is for the
	// scan of contents.
	_ = elements(b, func(e element) {
		if v, ok := answer(e); ok {
			out = append(out, credfile.Secret{Name: path.Base(path.Dir(e.path)), Value: v, Line: e.line})
		}
	})
	return out
}

// answer is the password in an element: <AdministratorPassword><Value>, or
// <Credentials><Password>.
func answer(e element) ([]byte, bool) {
	name := path.Base(e.path)
	parent := path.Base(path.Dir(e.path))
	switch {
	case name == "value" && (parent == "administratorpassword" || parent == "password"):
	case (name == "password" || name == "machinepassword" || name == "productkey") && e.text != "":
		if name == "productkey" {
			return nil, false // activation is not a login
		}
	default:
		return nil, false
	}
	if e.text == "" || e.text == cleaned {
		return nil, false
	}
	return []byte(plainAnswer(e.text)), true
}

// plainAnswer undoes <PlainText>false</PlainText>: base64 of the password and
// the element's name in UTF-16.
func plainAnswer(text string) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < 4 || len(b)%2 != 0 {
		return text
	}
	for _, suffix := range []string{"AdministratorPassword", "Password"} {
		if rest, ok := strings.CutSuffix(string(b), string(regf.UTF16(suffix))); ok {
			return rest
		}
	}
	return text
}

// answersINF finds the passwords in a sysprep.inf.
func answersINF(text string) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(text) {
		n++
		name, value, ok := strings.Cut(l, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
		if ok && strings.HasSuffix(name, "password") && !strings.HasPrefix(name, "encrypted") && value != "" && value != "*" {
			out = append(out, credfile.Secret{Name: name, Value: []byte(value), Line: n})
		}
	}
	return out
}
