package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var mail = &Check{
	ID:       "linux/residue/mail",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B3"},
	Covers:   []string{"LOG-026"},
	Doc: check.Doc{
		Title:  t("Mail on this machine, delivered or waiting", "本机上已投递或待发送的邮件"),
		Why:    t("Local mail is mostly the output of cron jobs, with whatever they printed, and people's letters", "本地邮件多为 cron 作业的输出（包括其打印的一切内容）以及个人信件"),
		Remedy: t("Empty the mailboxes, and the queue (postsuper -d ALL)", "清空邮箱和邮件队列（postsuper -d ALL）"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/mail/*", "/var/mail/*/**", "/var/spool/mail/*", "/var/spool/postfix/active/**", "/var/spool/postfix/deferred/**", "/var/spool/postfix/maildrop/**", "/var/spool/postfix/incoming/**",
				"/var/spool/postfix/hold/**", "/var/spool/exim4/input/**", "/var/spool/exim4/msglog/**", "/var/spool/exim/input/**", "/var/spool/mqueue/**", "/var/spool/clientmqueue/**",
				"~/dead.letter", "~/mbox", "~/Maildir/**"},
			Keep: func(m guest.Match) bool { return strings.HasSuffix(m.Path, "/.keep") },
			Group: func(m guest.Match) string {
				switch {
				case m.User != "":
					home, _, in := strings.Cut(m.Path, "/Maildir/")
					if in {
						return home + "/Maildir"
					}
					return m.Path
				case strings.HasPrefix(m.Path, "/var/spool/") && !strings.HasPrefix(m.Path, "/var/spool/mail/"):
					return "/var/spool/" + strings.SplitN(m.Path, "/", 5)[3]
				}
				return "/var/mail"
			},
			Title: func(g leftover.Group) finding.Text {
				if strings.HasPrefix(g.Key, "/var/spool/") {
					return counted("Mail waiting in the queue", "邮件队列中待发送的邮件")(g)
				}
				return counted("Mailboxes", "邮箱")(g)
			},
			Fix: finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}
