package account

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var fingerprints = &Check{
	ID:       "linux/account/fingerprints",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2"},
	Covers:   []string{"ACC-030"},
	Doc: check.Doc{
		Title:  t("Fingerprints of people", "人员指纹"),
		Why:    t("Biometric data cannot be changed once it is out", "生物特征数据一旦泄露便无法更换"),
		Remedy: t("Delete /var/lib/fprint/*", "删除 /var/lib/fprint/*"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/lib/fprint/**"},
			Group: func(m guest.Match) string {
				user, _, _ := strings.Cut(strings.TrimPrefix(m.Path, "/var/lib/fprint/"), "/")
				return "/var/lib/fprint/" + user
			},
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Fingerprints of %s", "%s 的指纹", show(strings.TrimPrefix(g.Key, "/var/lib/fprint/")))
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the fingerprints", "删除指纹数据"),
			Safe:     true,
		})
	},
}
