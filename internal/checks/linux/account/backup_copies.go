package account

import (
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/passwd"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var backupCopies = &Check{
	ID:       "linux/account/backup-copies",
	Severity: finding.Low,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "A14", "B4"},
	Covers:   []string{"ACC-010", "ACC-011", "ACC-012"},
	Doc: check.Doc{
		Title:  t("Copies of the account files", "账户文件的副本"),
		Why:    t("shadow- and its kin keep the hashes and names that were removed from the real files", "shadow- 等副本保留了已从正式文件中移除的密码哈希和用户名"),
		Remedy: t("Delete the copies: the tools make them anew when they need them", "删除这些副本：工具在需要时会重新生成"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range copies(p) {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			live := liveFile(m.Path)
			hashes, strangers := oldHashes(b, live), strangeNames(p, b)
			f := finding.Finding{Where: credfile.Where(p.Subject, m), Fix: &finding.Fix{
				Title: t("Remove the copy", "删除该副本"), Safe: true,
				Edits: []finding.Edit{{Op: finding.Remove, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}}}
			switch {
			case len(hashes) > 0:
				f.Severity = finding.High
				f.Title = finding.Tf("A copy of %s holds password hashes: %d", "%s 的副本中有 %d 个密码哈希", live, len(hashes))
				f.Evidence = hashEvidence(p, "…", hashes[0])
			case len(strangers) > 0:
				f.Title = finding.Tf("A copy of %s names accounts that exist no more (%d): %s", "%s 的副本中有 %d 个已不存在的账户：%s", live, len(strangers), show(strings.Join(strangers, ", ")))
			default:
				continue // what debootstrap and every package's user leave behind
			}
			p.Report(f)
		}
		return nil
	},
}

// accountFiles are what copies are made of.
var accountFiles = []string{"passwd", "shadow", "group", "gshadow", "subuid", "subgid"}

// copies are the files that are named like a copy of an account file.
func copies(p *Pass) []guest.Match {
	var patterns []string
	for _, dir := range []string{"/etc/", "/var/backups/", "/root/", "/tmp/", "/var/tmp/", "/opt/", "/home/"} {
		for _, n := range accountFiles {
			patterns = append(patterns, dir+n+"-", dir+n+"[.~_+]*", dir+"."+n+"*", dir+n+"[0-9]*", dir+n+"-*")
		}
	}
	for _, n := range accountFiles {
		patterns = append(patterns, "~/"+n, "~/"+n+"[.~_-]*", "/tmp/"+n, "/var/tmp/"+n, "/root/etc/"+n, "/opt/"+n)
	}
	return slices.DeleteFunc(credfile.Targets(p.Subject, patterns...), func(m guest.Match) bool {
		_, owned := p.Subject.Packages().Owner(m.Path)
		return owned || slices.Contains(accountFiles, path.Base(m.Path)) && path.Dir(m.Path) == "/etc" || strings.HasSuffix(m.Path, ".lock")
	})
}

// liveFile names the account file that a copy is of.
func liveFile(name string) string {
	base := strings.TrimPrefix(path.Base(name), ".")
	for _, n := range []string{"gshadow", "shadow", "passwd", "group", "subuid", "subgid"} {
		if strings.HasPrefix(base, n) {
			return "/etc/" + n
		}
	}
	return "/etc/passwd"
}

// oldHashes lists the hashes in the second field of a copy's lines.
func oldHashes(b []byte, live string) (out []string) {
	if live == "/etc/subuid" || live == "/etc/subgid" {
		return nil
	}
	for _, s := range passwd.Shadows(b) {
		hash, _ := passwd.Unlock(s.Password)
		if hash != "x" && passwd.Scheme(hash) != "" {
			out = append(out, hash)
		}
	}
	return out
}

// strangeNames lists the accounts and groups of a copy that are gone.
func strangeNames(p *Pass, b []byte) (out []string) {
	all, _ := p.Subject.Accounts()
	if len(all.Users) == 0 {
		return nil
	}
	for l := range strings.Lines(string(b)) {
		name, rest, ok := strings.Cut(strings.TrimSpace(l), ":")
		if !ok || name == "" || strings.ContainsAny(name, " #+-/\"'") || strings.Count(rest, ":") < 1 || known(p, name) || slices.Contains(out, name) ||
			slices.ContainsFunc(all.Groups, func(g guest.Group) bool { return g.Name == name }) {
			continue
		}
		out = append(out, name)
	}
	return out
}
