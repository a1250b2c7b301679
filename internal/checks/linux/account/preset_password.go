package account

import (
	"errors"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/crypt"
	"assay/internal/binread"
	"assay/internal/guest"
)

// Bounds of the attempts, as priced by crypt.Hash.Cost.
const (
	hashBudget  = 6 * time.Second  // one hash: the whole list for every default setting of a distribution
	guestBudget = 45 * time.Second // one guest
)

var presetPassword = &Check{
	ID:       "linux/account/preset-password",
	Severity: finding.Critical,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-001", "ACC-002", "ACC-003"},
	Doc: check.Doc{
		Title:  t("Published default passwords", "公开的默认密码"),
		Why:    t("Robots try these passwords on every address within minutes of the first boot", "实例启动后几分钟内,自动化程序就会用这些密码尝试登录"),
		Remedy: t("Lock the password: usermod -p '*' USER", "锁定密码:usermod -p '*' 用户名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		left := guestBudget
		for _, a := range users(p) {
			h, ok := crypt.Parse(a.Hash)
			if a.Hash == "" {
				continue
			}
			if !ok {
				p.Gap(finding.GapUnsupported, field(p, a), "published passwords were not tried: the kind of hash is not known")
				continue
			}
			spent, fits, err := attack(p, a, h, min(left, hashBudget))
			left -= spent
			var unsupported *binread.UnsupportedError
			switch {
			case fits:
				p.Report(preset(p, a, h))
			case p.Context.Err() != nil:
				return p.Context.Err()
			case errors.As(err, &unsupported):
				p.Gap(finding.GapUnsupported, field(p, a), "published passwords were not tried: %v", err)
			case err != nil:
				p.Gap(finding.GapLimit, field(p, a), "published passwords were not all tried: %v", err)
			}
		}
		return nil
	},
}

var errDear = errors.New("the hash is too expensive to compute")

// attack tries the candidates until one fits or the budget is used up.
func attack(p *Pass, a guest.Account, h crypt.Hash, budget time.Duration) (spent time.Duration, fits bool, err error) {
	for _, c := range candidates(p.Subject, a) {
		if h.Computable() && spent+h.Cost() > budget {
			return spent, false, errDear
		}
		ok, err := h.Verify(p.Context, []byte(c))
		if ok || err != nil {
			return spent, ok, err
		}
		spent += h.Cost()
	}
	return spent, false, nil
}

func preset(p *Pass, a guest.Account, h crypt.Hash) finding.Finding {
	n := len(candidates(p.Subject, a))
	f := finding.Finding{
		Where:    field(p, a),
		Title:    finding.Tf("The password of %s is one of %d published default passwords", "用户 %s 的密码是 %d 个公开默认密码之一", show(a.Name), n),
		Evidence: hashEvidence(p, a.Name, h.Text()),
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
