package account

import (
	"strings"

	"assay/check"
	"assay/finding"
)

var duplicateUID = &Check{
	ID:       "linux/account/duplicate-uid",
	Severity: finding.Low,
	Class:    finding.Exposure,
	Rows:     []string{"A6", "B4"},
	Covers:   []string{"ACC-008"},
	Doc: check.Doc{
		Title:  t("Accounts that share a uid", "共用 uid 的账户"),
		Why:    t("They are one user to the kernel: each owns the other's files and keys, and locking one leaves the other open", "对内核而言它们是同一用户：彼此拥有对方的文件和密钥，锁定其中一个并不影响另一个"),
		Remedy: t("Give each account its own uid, or remove the one that is not needed", "为每个账户分配独立的 uid，或删除不需要的账户"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		byUID := map[uint32][]string{}
		for _, a := range users(p) {
			byUID[a.UID] = append(byUID[a.UID], a.Name)
		}
		for _, a := range users(p) {
			names := byUID[a.UID]
			if a.UID == 0 || len(names) < 2 || names[0] == a.Name { // uid 0 is the check uid-zero
				continue
			}
			p.Report(finding.Finding{
				Where: entry(p, a),
				Title: finding.Tf("User %s has the same uid %d as %s", "用户 %s 与 %[3]s 的 uid 相同(%[2]d)", show(a.Name), a.UID, show(strings.Join(without(names, a.Name), ", "))),
			})
		}
		return nil
	},
}

func without(names []string, name string) (out []string) {
	for _, n := range names {
		if n != name {
			out = append(out, n)
		}
	}
	return out
}
