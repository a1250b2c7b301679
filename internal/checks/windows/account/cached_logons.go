package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sam"
)

var cachedLogons = &Check{
	ID:       "windows/account/cached-logons",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1"},
	Covers:   []string{"WAC-004"},
	Doc: check.Doc{
		Title:  t("Cached logons of domain accounts", "缓存的域账户登录信息"),
		Why:    t("They let somebody guess the passwords of domain accounts at leisure", "他人可借此离线猜测域账户的密码"),
		Remedy: t("Leave the domain before making the image, and empty the cache", "制作镜像前退出域，并清空缓存"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SECURITY")
		n := len(sam.Logons(h.Hive))
		if n == 0 {
			return nil
		}
		f := at(h, "Cache")
		f.Title = finding.Tf("Logons of domain accounts are cached: %d", "缓存了 %d 个域账户的登录信息", n)
		f.Fix = &finding.Fix{Title: t("Empty the cache", "清空缓存"), Safe: true, Edits: []finding.Edit{h.Edit(finding.ForgetLogons, "Cache", "")}}
		p.Report(f)
		return nil
	},
}
