package history

import (
	"regexp"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/crypt"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var installerAnswers = &Check{
	ID:       "any/history/installer-answers",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"A1", "B1", "B3"},
	Covers:   []string{"HIS-020", "HIS-021"},
	Doc: check.Doc{
		Title:  t("Answers that were given to installers", "提供给安装程序的应答"),
		Why:    t("The hash of the first user, and passwords that packages asked for, stay in the installer's files", "首个用户的密码哈希和软件包询问过的密码会保留在安装程序的文件中"),
		Remedy: t("Delete the installer's files; empty /var/cache/debconf/passwords.dat", "删除安装程序的文件；清空 /var/cache/debconf/passwords.dat"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/var/log/installer/**", "/root/preseed*.cfg", "/preseed*.cfg", "/root/*.seed", "/var/cache/debconf/passwords.dat*", "/var/lib/cloud/seed/**",
			"/var/lib/cdebconf/*.dat", "/etc/cloud/cloud.cfg.d/*installer*.cfg", "/etc/cloud/cloud.cfg.d/*subiquity*.cfg", "/var/lib/waagent/ovf-env.xml", "/autounattend.xml") {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			if v, line := answer(b); v != "" {
				p.Report(answerFinding(p, m, v, line))
			}
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/installer/**"},
			Group:    func(guest.Match) string { return "/var/log/installer" },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Log of the installer: %s, %[3]s", "安装程序日志:%[2]d 个文件,%[3]s", g.Count(), len(g.Matches), g.Size())
			},
			Fix: finding.Remove, FixTitle: t("Remove the log", "删除安装日志"), Safe: true,
		})
	},
}

// given are the forms of a password in answers: preseed(5), debconf's data
// base, autoinstall and cloud-config.
var given = []*regexp.Regexp{
	regexp.MustCompile(`^\s*\S+\s+(?:passwd/(?:user|root)-password(?:-again|-crypted)?|\S*(?:password|passphrase)\S*)\s+(?:password|string)\s+(\S+)`),
	regexp.MustCompile(`^Value:\s*(\S.*)$`),
	regexp.MustCompile(`^\s*-?\s*(?:password|passwd|hashed_passwd|plain_text_passwd)\s*:\s*["']?([^"'\s{}]{3,})["']?\s*$`),
}

// answer returns the first password in a file of answers and its line. In
// debconf's data base only the values of password questions count: the file
// passwords.dat holds nothing else.
func answer(b []byte) (value string, line int) {
	isPassword := true
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		l = strings.TrimRight(l, "\r\n")
		if t, ok := strings.CutPrefix(l, "Template: "); ok {
			isPassword = strings.Contains(t, "pass") || strings.Contains(t, "secret")
		}
		for i, f := range given {
			m := f.FindStringSubmatch(l)
			if m == nil || i == 1 && !isPassword {
				continue
			}
			if v := m[1]; credfile.Real(v) && v != "!" && v != "*" {
				return v, n
			}
		}
	}
	crypt.Find(b, func(off int, h crypt.Hash) bool {
		value, line = h.Text(), strings.Count(string(b[:off]), "\n")+1
		return false
	})
	return value, line
}

func answerFinding(p *Pass, m guest.Match, value string, line int) finding.Finding {
	w := credfile.Where(p.Subject, m)
	w.Line = line
	op, title := finding.Remove, t("Remove the file", "删除该文件")
	if strings.HasPrefix(m.Path, "/var/cache/debconf/") {
		op, title = finding.Blank, t("Empty the file", "清空该文件")
	}
	return finding.Finding{Where: w, Severity: finding.High, Title: finding.Tf("A password given to an installer in %s", "提供给安装程序的密码保留在 %s 中", base(m.Path)),
		Evidence: p.Secret("password", []byte(value), check.Mask()),
		Fix:      &finding.Fix{Title: title, Safe: true, Edits: []finding.Edit{{Op: op, Volume: w.Volume, Path: w.Path}}}}
}
