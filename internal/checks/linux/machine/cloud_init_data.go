package machine

import (
	"fmt"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/cloudconfig"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var cloudInitData = &Check{
	ID:       "linux/machine/cloud-init-data",
	Severity: finding.Low,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "A2", "B1", "B3"},
	Covers:   []string{"IDN-011", "IDN-012"},
	Doc: check.Doc{
		Title: t("User data that cloud-init keeps from earlier instances", "cloud-init 保存的先前实例的自定义数据（User Data）"),
		Why: t("User data sets passwords and runs scripts with tokens; cloud-init keeps it in clear for each instance this disk ever was",
			"自定义数据会设置密码、运行含令牌的脚本；cloud-init 会为该磁盘运行过的每个实例以明文保存一份"),
		Remedy:     t("Run cloud-init clean before making the image, and change the passwords that were in it", "制作镜像前执行 cloud-init clean，并更换其中出现过的密码"),
		References: []string{"https://docs.cloud-init.io/en/latest/reference/cli.html#clean"},
		Since:      "0.1",
	},
	Run: func(p *Pass) error {
		byInstance := map[string][]guest.Match{}
		var order []string
		for _, m := range credfile.Targets(p.Subject, "/var/lib/cloud/instances/*/user-data.txt", "/var/lib/cloud/instances/*/user-data.txt.i", "/var/lib/cloud/instances/*/cloud-config.txt",
			"/var/lib/cloud/instances/*/vendor-data*.txt*", "/var/lib/cloud/instances/*/vendor-cloud-config.txt", "/var/lib/cloud/instances/*/scripts/*", "/var/lib/cloud/instances/*/vendor/scripts/*") {
			id := strings.Split(m.Path, "/")[5]
			if byInstance[id] == nil {
				order = append(order, id)
			}
			byInstance[id] = append(byInstance[id], m)
		}
		for _, id := range order {
			instanceData(p, id, byInstance[id])
		}
		return nil
	},
}

// instanceData makes one finding of what is kept of one instance: the same
// text stands there up to three times.
func instanceData(p *Pass, id string, files []guest.Match) {
	var all []found
	var places []finding.Where
	told := false
	for _, m := range files {
		b, ok := credfile.Read(p, m)
		if !ok {
			continue
		}
		if !emptyConfig(b) {
			told = true
			places = append(places, credfile.Where(p.Subject, m))
		}
		all = append(all, inUserData(p, m, b)...)
	}
	if !told {
		return
	}
	f := finding.Finding{Where: places[0], Places: places[1:], Anchor: id, Fix: resetCloudInit(p),
		Title: finding.Tf("cloud-init keeps the user data of instance %s", "cloud-init 保存了实例 %s 的自定义数据", credfile.Show(id))}
	if len(all) > 0 {
		f.Severity = finding.High
		f.Where = all[0].where
		f.Evidence = all[0].evidence
		en, zh := summary(all)
		f.Title = finding.Tf("User data of instance %[1]s holds %[2]s", "实例 %[1]s 的自定义数据中有%[3]s", credfile.Show(id), en, zh)
	}
	p.Report(f)
}

// emptyConfig reports whether user data says nothing: it is empty, a comment,
// or an archive that cloud-init made of nothing.
func emptyConfig(b []byte) bool {
	parts, err := cloudconfig.Parts(b)
	if err != nil {
		return false
	}
	for _, part := range parts {
		for l := range strings.Lines(string(part.Body)) {
			if l = strings.TrimSpace(l); l != "" && l[0] != '#' && l != "{}" && l != "---" && l != "null" && l != "None" {
				return false
			}
		}
	}
	return true
}

// A found is one credential in user data.
type found struct {
	what     string // cloudconfig.What, or "secret" in a command
	user     string
	where    finding.Where
	evidence *finding.Evidence
}

// inUserData looks into every part of a user data.
func inUserData(p *Pass, m guest.Match, b []byte) (out []found) {
	parts, err := cloudconfig.Parts(b)
	if err != nil {
		p.Gap(finding.GapCorrupt, credfile.Where(p.Subject, m), "%v", err)
	}
	for _, part := range parts {
		if part.Kind == cloudconfig.Script || part.Kind == cloudconfig.Boothook {
			out = append(out, inCommands(p, m, string(part.Body), part.Line)...)
			continue
		}
		if part.Kind == cloudconfig.CloudConfig {
			out = append(out, inConfig(p, m, part.Body, part.Line)...)
		}
	}
	return out
}

func inConfig(p *Pass, m guest.Match, b []byte, first int) (out []found) {
	c, err := cloudconfig.Parse(b)
	if err != nil {
		p.Gap(finding.GapCorrupt, credfile.Where(p.Subject, m), "%v", err)
	}
	for _, it := range c.Items {
		if it.What != cloudconfig.AuthorizedKey && it.What != cloudconfig.PasswordHash && !credfile.Real(it.Value) {
			continue
		}
		w := credfile.Where(p.Subject, m)
		if first > 0 {
			w.Line = first + it.Line - 1
		}
		excerpt := it.Key + ": " + check.Mask()
		out = append(out, found{string(it.What), it.User, w, p.Secret(string(it.What), []byte(it.Value), excerpt)})
	}
	for _, cmd := range c.Commands {
		line := 0
		if first > 0 {
			line = first + cmd.Line - 1
		}
		out = append(out, inCommands(p, m, cmd.Text, line)...)
	}
	return out
}

func inCommands(p *Pass, m guest.Match, text string, first int) (out []found) {
	for _, s := range credfile.Commands([]byte(text)) {
		w := credfile.Where(p.Subject, m)
		if first > 0 {
			w.Line = first + s.Line - 1
		}
		out = append(out, found{"secret", "", w, p.Secret("secret", s.Value, credfile.Show(s.Name)+" "+check.Mask())})
	}
	return out
}

var whatNames = map[string][2]string{
	"password": {"a password", "密码"}, "password-hash": {"a password hash", "密码哈希"}, "authorized-key": {"an authorized key", "SSH 授权公钥"},
	"private-key": {"a private key", "私钥"}, "secret": {"a secret in a command", "命令中的机密"},
}

// summary says once what kinds of credentials were found, and for whom.
func summary(all []found) (en, zh string) {
	var ens, zhs []string
	for _, f := range all {
		e, z := whatNames[f.what][0], whatNames[f.what][1]
		if f.user != "" {
			e, z = fmt.Sprintf("%s of %s", e, credfile.Show(f.user)), fmt.Sprintf("用户 %s 的%s", credfile.Show(f.user), z)
		}
		if !slices.Contains(ens, e) && len(ens) < 4 {
			ens, zhs = append(ens, e), append(zhs, z)
		}
	}
	return strings.Join(ens, ", "), strings.Join(zhs, "、")
}

// resetCloudInit is the fix of all that cloud-init keeps. Without cloud-init
// nothing would make the first boot's work again.
func resetCloudInit(p *Pass) *finding.Fix {
	w := p.Subject.Where("/var/lib/cloud", 0)
	fix := &finding.Fix{Title: t("Reset cloud-init to its state before the first boot", "将 cloud-init 重置为首次启动前的状态"), Safe: p.Subject.FirstBoot().CloudInit,
		Edits: []finding.Edit{{Op: finding.Reset, Volume: w.Volume, Path: "/var/lib/cloud"}}}
	if !fix.Safe {
		risk := t("cloud-init is not enabled: nothing will run the first boot's steps again", "cloud-init 未启用：首次启动的步骤不会再次执行")
		fix.Risk = &risk
	}
	return fix
}
