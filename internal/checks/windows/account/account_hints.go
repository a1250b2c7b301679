package account

import (
	"regexp"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var accountHints = &Check{
	ID:       "windows/account/account-hints",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"WAC-001"},
	Doc: check.Doc{
		Title:  t("Password hints, security answers and passwords in descriptions of accounts", "账户的密码提示、安全问题答案以及描述中的密码"),
		Why:    t("They stand in clear in the SAM, and help to guess this password and others of the same person", "它们以明文保存在 SAM 中，有助于猜出该密码以及同一个人的其他密码"),
		Remedy: t("Remove the hint and the answers; change the description", "删除提示和答案；修改描述"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SAM")
		list, _ := w.Accounts() // the error is a gap of local-accounts
		for _, a := range list {
			name := credfile.Show(a.Name)
			report := func(anchor string, title finding.Text, op finding.Op, value string) {
				f := at(h, a.Name+"/"+anchor)
				f.Where.User, f.Title = a.Name, title
				e := h.Edit(op, a.Key, value)
				if op == finding.ForgetComment {
					e.User = a.Name
				}
				f.Fix = &finding.Fix{Title: t("Remove it", "删除"), Safe: true, Edits: []finding.Edit{e}}
				p.Report(f)
			}
			if a.Hint {
				report("hint", finding.Tf("The local account %s has a password hint", "本地账户 %s 设有密码提示", name), finding.RegDeleteValue, "UserPasswordHint")
			}
			if a.Questions {
				report("questions", finding.Tf("The local account %s keeps its security questions with the answers in clear", "本地账户 %s 以明文保存安全问题及答案", name), finding.RegDeleteValue, "ResetData")
			}
			if passwordWords.MatchString(a.Comment) || passwordWords.MatchString(a.FullName) {
				report("description", finding.Tf("The description of the local account %s speaks of a password", "本地账户 %s 的描述中提到了密码", name), finding.ForgetComment, "")
			}
		}
		return nil
	},
}

// passwordWords are how people write a password into a description.
var passwordWords = regexp.MustCompile(`(?i)\b(?:pw|pwd|pass|passwd|password)\b\s*(?:is\b|[:=：])\s*\S|(?:密码|口令)\s*(?:是|为|[:=：])?\s*\S`)
