package account

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/crypt"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var hashInFile = &Check{
	ID:       "linux/account/hash-in-file",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B4", "B12"},
	Covers:   []string{"ACC-015"},
	Content:  true,
	Doc: check.Doc{
		Title:  t("Password hashes outside the account files", "账户文件之外的密码哈希"),
		Why:    t("Installers and provisioning leave the hash of a login in their files; it can be cracked offline", "安装程序和初始化工具会把登录密码的哈希留在自己的文件中，可被离线破解"),
		Remedy: t("Remove the file, or the line, once the installation is done", "安装完成后删除该文件或相应的行"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range hashPlaces(p) {
			if err := p.Context.Err(); err != nil {
				return err
			}
			b, ok := credfile.Read(p, m)
			if !ok || !bytes.ContainsRune(b, '$') || stock(p, m.Path, b) {
				continue
			}
			reportHashes(p, m, b)
		}
		return nil
	},
}

const maxTexts = 1000 // that are read where people keep theirs

const maxHashFile = 1 << 20 // larger files below /etc are tables and policies

// hashPlaces are the files that people and installers put hashes into: all
// that is small in /etc, and known places elsewhere.
func hashPlaces(p *Pass) []guest.Match {
	list := credfile.Targets(p.Subject, "/etc/**", "/root/*.cfg", "/root/*.ks", "/root/*.sh", "/root/*.y*ml", "/root/*.txt", "/root/*.json", "/root/*.bak",
		"~/*.cfg", "~/*.sh", "~/*.y*ml", "~/*.txt", "~/*.json", "/preseed*", "/*.cfg", "/ks*.cfg", "/tmp/*", "/var/tmp/*", "/opt/*.sh", "/opt/*.y*ml",
		"/var/log/anaconda/*.log", "/var/lib/cloud/**", "/var/lib/cloud-init/**",
		"/boot/*.cfg", "/boot/user-data*", "/boot/firmware/user-data*", "/boot/userconf*", "/var/lib/waagent/*.xml", "/usr/share/oem/*", "/var/lib/ignition/*")
	// The scan of contents takes texts for documentation, so copies of shadow in
	// them are looked for here.
	texts := 0
	for _, m := range credfile.Named(p.Subject, "*.txt", "*.lst") {
		if credfile.UnderAny(m.Path, "/opt", "/srv", "/data", "/backup", "/home", "/root") && !slices.ContainsFunc(list, func(o guest.Match) bool { return o.Path == m.Path }) && texts < maxTexts {
			list, texts = append(list, m), texts+1
		}
	}
	return slices.DeleteFunc(list, func(m guest.Match) bool {
		base, dir := path.Base(m.Path), path.Dir(m.Path)
		return m.Meta.Size > maxHashFile || strings.Contains(base, "htpasswd") || // the web server's own
			dir == "/etc/security" && strings.HasPrefix(base, "opasswd") || copyOfAccounts(m.Path) || installer(m.Path)
	})
}

// installer reports whether the checks of installers' answers, which look for
// plain passwords too, speak about a file.
func installer(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, "ks.cfg") || strings.HasPrefix(base, "ks") || strings.HasSuffix(base, ".ks") || strings.HasPrefix(base, "preseed") ||
		strings.HasPrefix(name, "/var/lib/cloud/seed/") || strings.HasPrefix(name, "/etc/cloud/cloud.cfg.d/") && (strings.Contains(base, "installer") || strings.Contains(base, "subiquity"))
}

// copyOfAccounts reports whether another check speaks about a file.
func copyOfAccounts(name string) bool {
	base := strings.TrimPrefix(path.Base(name), ".")
	return slices.ContainsFunc(accountFiles, func(n string) bool { return strings.HasPrefix(base, n) }) &&
		(path.Dir(name) == "/etc" || path.Dir(name) == "/tmp" || path.Dir(name) == "/var/tmp" || strings.HasPrefix(name, "/root"))
}

func reportHashes(p *Pass, m guest.Match, b []byte) {
	f := finding.Finding{Where: credfile.Where(p.Subject, m)}
	n := 0
	crypt.Find(b, func(off int, h crypt.Hash) bool {
		w := f.Where
		w.Line, w.Offset = bytes.Count(b[:off], []byte{'\n'})+1, int64(off)
		if n++; n == 1 {
			f.Where.Line = w.Line
			f.Evidence = hashEvidence(p, "…", h.Text())
		} else if len(f.Places) < 50 {
			f.Places = append(f.Places, w)
		}
		return n < 10_000
	})
	if n == 0 {
		return
	}
	f.Title = finding.Tf("Password hashes in %[2]s: %[1]d", "%[2]s 中有 %[1]d 个密码哈希", n, show(path.Base(m.Path)))
	if n == 1 {
		f.Title = finding.Tf("A password hash in %s", "%s 中有一个密码哈希", show(path.Base(m.Path)))
	}
	p.Report(f)
}
