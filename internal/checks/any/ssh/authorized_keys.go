package ssh

import (
	"fmt"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/checks/credfile"
)

var authorizedKeys = &Check{
	ID:       "any/ssh/authorized-keys",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A2", "A7", "B6"},
	Covers:   []string{"SSH-001", "SSH-002", "SSH-003", "SSH-004", "SSH-013"},
	Doc: check.Doc{
		Title:  t("SSH keys that every instance would accept", "所有实例都会接受的 SSH 公钥"),
		Why:    t("Whoever holds the private half can log in to every instance created from the image", "持有对应私钥的人可以登录由该镜像创建的每台实例"),
		Remedy: t("Remove the key; bind a key pair when the instance is created", "删除该公钥；在创建实例时绑定密钥对"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, k := range keyFiles(p) {
			b, ok := credfile.Read(p, k.Match)
			if !ok {
				continue
			}
			seen := map[string]bool{}
			sshkey.Authorized(b, func(l sshkey.Line) bool {
				if !seen[l.Key.Fingerprint] {
					seen[l.Key.Fingerprint] = true
					p.Report(keyFinding(p, k, b, l))
				}
				return p.Context.Err() == nil
			})
		}
		return p.Context.Err()
	},
}

func keyFinding(p *Pass, k *keyFile, content []byte, l sshkey.Line) finding.Finding {
	w := credfile.Where(p.Subject, k.Match)
	w.Line = l.Number
	f := finding.Finding{Where: w, Anchor: l.Key.Fingerprint, Evidence: publicEvidence(l.Key, describe(l)), Fix: &finding.Fix{
		Title: t("Remove the key", "删除该公钥"), Safe: !p.Subject.Live, Edits: []finding.Edit{removal(p, k.Match, content, l.Number, l.Text)}}}
	if p.Subject.Live {
		risk := t("Whoever administers this machine with the key is locked out", "使用该密钥管理本机的人将无法登录")
		f.Fix.Risk = &risk
	}
	kind, user := size(l.Key), k.who()
	_, ca := l.Option("cert-authority")
	_, forced := l.Option("command")
	name, known := published[l.Key.Fingerprint]
	switch {
	case known:
		f.Severity = finding.Critical
		f.Title = finding.Tf("%s can be entered with a private key that anybody can download: %s", "任何人都可以下载私钥并登录 %s:%s", user, name)
	case ca:
		f.Title = finding.Tf("%s accepts every certificate that a key signs (%s, %s)", "%s 接受由某个密钥签发的所有证书（%s,%s）", user, kind, l.Key.Fingerprint)
	case k.Skel:
		f.Title = finding.Tf("Every new user would accept an SSH key (%s, %s)", "每个新建用户都会接受一个 SSH 公钥（%s,%s）", kind, l.Key.Fingerprint)
	case forced:
		f.Severity = finding.Medium
		f.Title = finding.Tf("%s accepts an SSH key for one command (%s, %s)", "%s 接受一个仅限执行指定命令的 SSH 公钥（%s,%s）", user, kind, l.Key.Fingerprint)
	case !k.login():
		f.Severity = finding.Medium
		f.Title = finding.Tf("%s, who has no login shell, accepts an SSH key (%s, %s)", "没有登录 shell 的 %s 接受一个 SSH 公钥（%s,%s）", user, kind, l.Key.Fingerprint)
	default:
		f.Title = finding.Tf("%s accepts an SSH key (%s, %s)", "%s 接受一个 SSH 公钥（%s,%s）", user, kind, l.Key.Fingerprint)
	}
	if n := len(k.users); n > 1 {
		reason := finding.Tf("The file counts for %d accounts", "该文件对 %d 个账户生效", n)
		f.Reason = &reason
	}
	return f
}

// size is "ED25519" or "RSA 2048".
func size(k sshkey.PublicKey) string {
	if k.Bits == 0 || k.Name() == "ED25519" || k.Name() == "ED25519-SK" {
		return k.Name()
	}
	return fmt.Sprintf("%s %d", k.Name(), k.Bits)
}

// describe shows the options and the comment. Commands and environments may
// hold secrets: their values are masked.
func describe(l sshkey.Line) string {
	var parts []string
	for _, o := range l.Options {
		switch {
		case o.Value == "":
			parts = append(parts, o.Name)
		case o.Name == "command" || o.Name == "environment":
			parts = append(parts, o.Name+`="`+check.Mask()+`"`)
		default:
			parts = append(parts, o.Name+`="`+o.Value+`"`)
		}
	}
	parts = append(parts, l.Key.Type, "…")
	if l.Comment != "" {
		parts = append(parts, l.Comment)
	}
	return credfile.Show(strings.Join(parts, " "))
}
