package account

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/passwd"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

// users lists the accounts. What could not be read is a gap of the check
// password-set alone.
func users(p *Pass) []guest.Account {
	a, _ := p.Subject.Accounts()
	return a.Users
}

// human reports whether an account is of the kind that people log in with.
func human(p *Pass, a guest.Account) bool {
	all, _ := p.Subject.Accounts()
	return a.UID == 0 || a.UID >= all.Min && a.Name != "nobody" && a.Name != "nfsnobody"
}

// field is the place of an account's password field.
func field(p *Pass, a guest.Account) finding.Where {
	file, line := a.HashInFile, a.Line
	if file == "" || a.ShadowLine > 0 && file == "/etc/shadow" {
		file, line = "/etc/shadow", a.ShadowLine
	}
	w := p.Subject.Where(file, line)
	w.User = a.Name
	return w
}

// entry is the place of an account's line in /etc/passwd.
func entry(p *Pass, a guest.Account) finding.Where {
	w := p.Subject.Where("/etc/passwd", a.Line)
	w.User = a.Name
	return w
}

// lock is the fix of every password: "*" matches nothing and, other than "!",
// does not make sshd refuse the account's keys. cloud-init and the agents of
// ECS set a new password or key all the same.
func lock(p *Pass, a guest.Account) *finding.Fix {
	w := field(p, a)
	f := &finding.Fix{
		Title: t("Lock the password (set the field to *)", "锁定密码（将密码字段设为 *）"),
		Safe:  !p.Subject.Live,
		Edits: []finding.Edit{{Op: finding.LockPassword, Volume: w.Volume, Path: w.Path, User: a.Name}},
	}
	if p.Subject.Live {
		risk := t("Whoever still logs in to this machine with the password is locked out", "仍使用该密码登录本机的人将无法登录")
		f.Risk = &risk
	}
	return f
}

// hashEvidence shows that there is a hash, and of which kind, but not which.
func hashEvidence(p *Pass, name, hash string) *finding.Evidence {
	return p.Secret("password-hash", []byte(hash), name+":"+check.Mask()+": ("+scheme(hash)+")")
}

func scheme(hash string) string {
	if s := passwd.Scheme(hash); s != "" {
		return s
	}
	return "crypt"
}

// stock reports whether a file is byte for byte what its package brought.
func stock(p *Pass, name string, b []byte) bool {
	own, ok := p.Subject.Packages().Owner(name)
	if !ok {
		return false
	}
	switch own.Algo {
	case "md5":
		return fmt.Sprintf("%x", md5.Sum(b)) == own.Digest
	case "sha256":
		return fmt.Sprintf("%x", sha256.Sum256(b)) == own.Digest
	}
	return !own.Config
}

// removeLine is the edit that takes out one line, if it is still the same.
func removeLine(p *Pass, w finding.Where, text string) finding.Edit {
	return finding.Edit{Op: finding.RemoveLine, Volume: w.Volume, Path: w.Path, Line: w.Line,
		Expect: p.Secret("line", []byte(strings.TrimRight(text, "\r\n")), "").Fingerprint}
}

// known reports whether an account of this name exists.
func known(p *Pass, name string) bool {
	for _, a := range users(p) {
		if a.Name == name {
			return true
		}
	}
	return false
}

func show(s string) string { return credfile.Show(s) }
