package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

var lockedHash = &Check{
	ID:       "linux/account/locked-hash",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-001", "ACC-002"},
	Doc: check.Doc{
		Title:  t("Locked passwords whose hash is still there", "已锁定但哈希仍然保留的密码"),
		Why:    t("passwd -l and usermod -L only put ! before the hash: it can be cracked, is often used elsewhere, and passwd -u brings it back", "passwd -l 和 usermod -L 只在哈希前加上 !:哈希仍可被破解，密码往往也用于其他系统，执行 passwd -u 即可恢复"),
		Remedy: t("Replace the field: usermod -p '*' USER", "替换密码字段：usermod -p '*' 用户名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, a := range users(p) {
			if a.Password != guest.LockedHash {
				continue
			}
			p.Report(finding.Finding{
				Where:    field(p, a),
				Title:    finding.Tf("User %s is locked, but the hash of the password remains (%s)", "用户 %s 已锁定，但密码哈希仍然保留（%s）", show(a.Name), scheme(a.Hash)),
				Evidence: hashEvidence(p, a.Name, a.Hash),
				Fix:      lock(p, a),
			})
		}
		orphans(p)
		return nil
	},
}

// orphans reports shadow lines with a hash that no login reaches any more.
func orphans(p *Pass) {
	all, _ := p.Subject.Accounts()
	for _, a := range all.Orphans {
		if a.Hash == "" {
			continue
		}
		w := field(p, a)
		p.Report(finding.Finding{
			Where:    w,
			Anchor:   "orphan",
			Title:    finding.Tf("The password hash of %s remains (%s), though no login reaches the line", "%s 的密码哈希仍然保留（%s），虽然已没有对应的可登录账户", show(a.Name), scheme(a.Hash)),
			Evidence: hashEvidence(p, a.Name, a.Hash),
			Fix:      orphanFix(p, w),
		})
	}
}

func orphanFix(p *Pass, w finding.Where) *finding.Fix {
	text, ok := lineOf(p, w.Path, w.Line)
	if !ok {
		return nil
	}
	return &finding.Fix{Title: t("Remove the line", "删除该行"), Safe: true, Edits: []finding.Edit{removeLine(p, w, text)}}
}
