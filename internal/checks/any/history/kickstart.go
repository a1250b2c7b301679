package history

import (
	"regexp"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var kickstart = &Check{
	ID:       "any/history/kickstart",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"A1", "B3", "B4"},
	Covers:   []string{"HIS-019"},
	Doc: check.Doc{
		Title:  t("Kickstart files of the installation", "安装时的 kickstart 文件"),
		Why:    t("rootpw and user --password keep the hash, or the password itself, that the installer set", "rootpw 和 user --password 保留了安装程序设置的密码哈希，甚至明文密码"),
		Remedy: t("Delete the files", "删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/root/anaconda-ks.cfg", "/root/original-ks.cfg", "/root/initial-setup-ks.cfg", "/root/ks*.cfg", "/root/*.ks", "/root/install.log*", "/root/anaconda-*.log", "/ks*.cfg", "/tmp/ks*.cfg", "/var/log/anaconda/ks*.cfg") {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			p.Report(kickstartFinding(p, m, b))
		}
		return nil
	},
}

// ksPassword matches the commands of kickstart that set a password.
var ksPassword = regexp.MustCompile(`^\s*(rootpw|user|sshpw|bootloader|autopart|part|raid|logvol|luks|partition)\s+(.*)$`)

func kickstartFinding(p *Pass, m guest.Match, b []byte) finding.Finding {
	f := finding.Finding{Where: credfile.Where(p.Subject, m), Title: finding.Tf("Record of the installation: %s", "安装记录：%s", base(m.Path)), Fix: &finding.Fix{
		Title: t("Remove the file", "删除该文件"), Safe: true, Edits: []finding.Edit{{Op: finding.Remove, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}}}
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		c := ksPassword.FindStringSubmatch(strings.TrimSpace(l))
		if c == nil {
			continue
		}
		if secret := ksSecret(c[1], strings.Fields(c[2])); secret != "" {
			f.Severity, f.Where.Line = finding.High, n
			f.Title = finding.Tf("A password of the installation (%s) in %s", "安装时设置的密码（%s）保留在 %s 中", c[1], base(m.Path))
			f.Evidence = p.Secret("password", []byte(secret), c[1]+" "+check.Mask())
			return f
		}
	}
	return f
}

// ksSecret is the password or hash among the arguments of a command.
func ksSecret(cmd string, args []string) string {
	if slices.Contains(args, "--lock") && cmd == "rootpw" {
		return ""
	}
	for i, a := range args {
		name, v, eq := strings.Cut(a, "=")
		if name != "--password" && name != "--passphrase" {
			continue
		}
		if !eq && i+1 < len(args) {
			v = args[i+1]
		}
		if v = strings.Trim(v, `"'`); len(v) > 1 {
			return v
		}
	}
	if cmd != "rootpw" && cmd != "sshpw" || len(args) == 0 {
		return ""
	}
	last := strings.Trim(args[len(args)-1], `"'`)
	if cmd == "sshpw" {
		return ""
	}
	if strings.HasPrefix(last, "--") || len(last) < 2 || last == "!!" {
		return ""
	}
	return last
}
