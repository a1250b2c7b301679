package app

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

// Bounds on the scripts that are read.
const (
	maxScripts    = 5000
	maxScriptSize = 256 << 10
)

var scripts = &Check{
	ID:       "any/app/scripts",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A14", "B1", "B12"},
	Covers:   []string{"APP-035"},
	Doc: check.Doc{
		Title:  t("Passwords in people's shell scripts", "自编 Shell 脚本中的密码"),
		Why:    t("Backup and deployment scripts name database passwords and AccessKeys on their command lines", "备份和部署脚本的命令行中常写有数据库密码和 AccessKey"),
		Remedy: t("Read the secret from a root-only file or from KMS Secrets Manager, and change it", "改为从仅 root 可读的文件或 KMS 凭据管家读取机密，并更换该机密"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		n := 0
		for _, m := range credfile.NamedBy(p.Subject, func(name string) bool { return strings.HasSuffix(name, ".sh") || !strings.Contains(name, ".") }) {
			if !script(m) {
				continue
			}
			if n++; n > maxScripts {
				p.Gap(finding.GapLimit, finding.Where{}, "more than %d scripts: the rest was not read", maxScripts)
				break
			}
			if err := p.Context.Err(); err != nil {
				return err
			}
			credfile.One(p, file{Tool: "script", Find: scriptSecrets}, m)
		}
		return nil
	},
}

// script reports whether a file is a script that people put where commands
// and applications live. A name without an ending counts in the directories
// for commands only.
func script(m guest.Match) bool {
	if m.Meta.Size > maxScriptSize || sample(m) || strings.Contains(m.Path, "/.git/") || strings.Contains(m.Path, "/.cache/") {
		return false
	}
	dir := path.Dir(m.Path)
	if dir == "/usr/local/bin" || dir == "/usr/local/sbin" || m.User != "" && path.Base(dir) == "bin" {
		return true
	}
	return strings.HasSuffix(m.Path, ".sh") && credfile.UnderAny(dir, "/opt", "/srv", "/root", "/home", "/data", "/usr/local", "/www", "/var/www", "/app", "/etc/init.d")
}

// scriptSecrets looks into shell scripts only; other languages are the content
// engine's work.
func scriptSecrets(b []byte) []credfile.Secret {
	first, _, _ := strings.Cut(string(b[:min(len(b), 128)]), "\n")
	if strings.HasPrefix(first, "#!") && !strings.Contains(first, "sh") || strings.ContainsRune(first, 0) || strings.HasPrefix(first, "\x7fELF") {
		return nil
	}
	return credfile.Commands(b)
}
