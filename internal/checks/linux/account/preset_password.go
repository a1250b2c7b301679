package account

import (
	"fmt"
	"strings"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/crypt"
	"assay/internal/guest"
)

// Bounds of the attempts, as priced by crypt.Hash.Cost.
const (
	hashBudget  = 4 * time.Second  // one hash: the whole list for every default setting of a distribution
	guestBudget = 12 * time.Second // one guest
)

var presetPassword = &Check{
	ID:       "linux/account/preset-password",
	Severity: finding.Critical,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-001", "ACC-002", "ACC-003"},
	Doc: check.Doc{
		Title:  t("Published default passwords", "公开的默认密码"),
		Why:    t("Robots try these passwords on every address within minutes of the first boot", "实例启动后几分钟内，自动化程序就会用这些密码尝试登录"),
		Remedy: t("Lock the password: usermod -p '*' USER", "锁定密码：usermod -p '*' 用户名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		all := attacks(p)
		left := guestBudget
		// Rank by rank, so that the likeliest passwords are tried on every
		// account before one account uses up the budget of the guest.
		for rank, more := 0, true; more; rank++ {
			more = false
			for _, a := range all {
				if a.over || rank >= len(a.candidates) {
					continue
				}
				if a.cost > left || a.spent+a.cost > hashBudget {
					a.over = true
					continue
				}
				left -= a.cost
				if err := a.try(p, rank); err != nil {
					return err
				}
				more = true
			}
		}
		if s := unfinished(all); s != "" {
			p.Gap(finding.GapLimit, p.Subject.Where("/etc/shadow", 0), "not all published passwords were tried, the hashes are expensive to compute: %s", s)
		}
		return nil
	},
}

// An attack is the attempts on one account.
type attack struct {
	account     guest.Account
	hash        crypt.Hash
	candidates  []string
	cost, spent time.Duration
	tried       int
	over        bool
}

// attacks lists the accounts whose hash can be computed, whatever it costs.
func attacks(p *Pass) (out []*attack) {
	for _, a := range users(p) {
		if a.Hash == "" {
			continue
		}
		h, ok := crypt.Parse(a.Hash)
		switch {
		case !ok:
			p.Gap(finding.GapUnsupported, field(p, a), "published passwords were not tried: the kind of hash is not known")
		case !h.Computable():
			p.Gap(finding.GapUnsupported, field(p, a), "published passwords were not tried: %s with these parameters is not computed", h)
		default:
			out = append(out, &attack{account: a, hash: h, candidates: candidates(p.Subject, a), cost: h.Cost()})
		}
	}
	return out
}

// try tries one candidate. The error is the context's.
func (a *attack) try(p *Pass, rank int) error {
	fits, err := a.hash.Verify(p.Context, []byte(a.candidates[rank]))
	a.spent += a.cost
	a.tried++
	switch {
	case p.Context.Err() != nil:
		return p.Context.Err()
	case err != nil:
		p.Gap(finding.GapUnsupported, field(p, a.account), "published passwords were not tried: %v", err)
	case fits:
		p.Report(preset(p, a))
	default:
		return nil
	}
	a.tried, a.over = len(a.candidates), true
	return nil
}

// maxNamed bounds the accounts that the gap names.
const maxNamed = 10

// unfinished says how many passwords were tried on the accounts whose list did
// not come to its end: "root 12 of 58".
func unfinished(all []*attack) string {
	var out []string
	n := 0
	for _, a := range all {
		if a.tried < len(a.candidates) {
			if n++; n <= maxNamed {
				out = append(out, fmt.Sprintf("%s %d of %d", show(a.account.Name), a.tried, len(a.candidates)))
			}
		}
	}
	if n > maxNamed {
		out = append(out, fmt.Sprintf("and %d more accounts", n-maxNamed))
	}
	return strings.Join(out, ", ")
}

func preset(p *Pass, t *attack) finding.Finding {
	a, n := t.account, len(t.candidates)
	f := finding.Finding{
		Where:    field(p, a),
		Title:    finding.Tf("The password of %s is one of %d published default passwords", "用户 %s 的密码是 %d 个公开默认密码之一", show(a.Name), n),
		Evidence: hashEvidence(p, a.Name, t.hash.Text()),
		Fix:      lock(p, a),
	}
	switch {
	case a.Password == guest.LockedHash:
		f.Severity = finding.Medium
		f.Title = finding.Tf("The locked password of %s is one of %d published default passwords", "用户 %s 已锁定的密码是 %d 个公开默认密码之一", show(a.Name), n)
	case !a.Login() || a.Expired:
		f.Severity = finding.High
	}
	return f
}
