package ssh

import (
	"slices"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var trustedCA = &Check{
	ID:       "any/ssh/trusted-ca",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A2", "A7", "B6"},
	Covers:   []string{"SSH-006"},
	Doc: check.Doc{
		Title:  t("Certificate authorities that sshd trusts", "sshd 信任的证书颁发机构（CA）"),
		Why:    t("Whoever holds the CA's key signs a login to every instance, for any account, without a trace in authorized_keys", "持有 CA 密钥的人可以为任意账户签发登录凭证，且不会在 authorized_keys 中留下痕迹"),
		Remedy: t("Remove TrustedUserCAKeys from sshd_config, or configure it per instance", "从 sshd_config 中删除 TrustedUserCAKeys，或按实例单独配置"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, s := range everywhere(p, "trustedusercakeys") {
			matches := credfile.Targets(p.Subject, p.Subject.SSHD().Expand(s.Value, "root"))
			for _, m := range matches {
				b, ok := credfile.Read(p, m)
				if !ok {
					continue
				}
				sshkey.Authorized(b, func(l sshkey.Line) bool {
					w := credfile.Where(p.Subject, m)
					w.Line, w.User = l.Number, ""
					f := finding.Finding{Where: w, Anchor: l.Key.Fingerprint, Evidence: publicEvidence(l.Key, describe(l)),
						Title: finding.Tf("sshd accepts everybody whose certificate this key signs (%s, %s)", "sshd 接受由该密钥签发证书的任何人（%s,%s）", size(l.Key), l.Key.Fingerprint)}
					if _, ok := published[l.Key.Fingerprint]; ok {
						f.Severity = finding.Critical
					}
					if pr := everywhere(p, "authorizedprincipalsfile"); len(pr) > 0 {
						reason := finding.Tf("AuthorizedPrincipalsFile %s says which names of a certificate count", "AuthorizedPrincipalsFile %s 决定证书中的哪些名称有效", credfile.Show(pr[0].Value))
						f.Reason = &reason
					}
					p.Report(f)
					return true
				})
			}
		}
		return nil
	},
}

// everywhere lists the distinct values that somebody set for a key, for any
// user and any client, "none" left out.
func everywhere(p *Pass, key string) (out []guest.Setting) {
	sshd := p.Subject.SSHD()
	names := []string{""}
	all, _ := p.Subject.Accounts()
	for _, a := range all.Users {
		names = append(names, a.Name)
	}
	for _, n := range names {
		u := sshd.For(n)
		for _, s := range append(slices.Clone(u.All(key)), u.Maybe[key]...) {
			if s.Path != "" && s.Value != "" && s.Value != "none" &&
				!slices.ContainsFunc(out, func(o guest.Setting) bool { return o.Path == s.Path && o.Line == s.Line && o.Value == s.Value }) {
				out = append(out, s)
			}
		}
	}
	return out
}

// namedCA reports whether sshd reads CA keys or principals from a file.
func namedCA(p *Pass, name string) bool {
	for _, s := range append(everywhere(p, "trustedusercakeys"), everywhere(p, "authorizedprincipalsfile")...) {
		if p.Subject.SSHD().Expand(s.Value, "root") == name {
			return true
		}
	}
	return false
}
