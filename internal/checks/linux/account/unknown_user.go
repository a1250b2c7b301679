package account

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

var unknownUser = &Check{
	ID:       "linux/account/unknown-user",
	Severity: finding.Medium,
	Class:    finding.PresetAccount,
	Rows:     []string{"A6", "A14", "B4"},
	Covers:   []string{"ACC-007"},
	Doc: check.Doc{
		Title:  t("Accounts that neither the system nor its packages made", "既非系统也非软件包创建的账户"),
		Why:    t("An account left from making the image exists on every instance, with its home, its keys and its rights", "制作镜像时遗留的账户会出现在每台实例上，连同其主目录、密钥和权限"),
		Remedy: t("If the product does not need it: userdel -r USER. Otherwise accept the finding with a reason", "如产品不需要：userdel -r 用户名；否则写明理由接受该发现"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, a := range users(p) {
			if a.Origin != guest.UnknownUser || a.UID == 0 || slices.Contains(expected, a.Name) {
				continue
			}
			f := finding.Finding{
				Where:  entry(p, a),
				Title:  finding.Tf("User %s (uid %d) was made by nobody this system knows", "用户 %s(uid %d)不是由系统或软件包创建的", show(a.Name), a.UID),
				Reason: remains(p, a),
				Fix:    removeUser(p, a),
			}
			switch {
			case powerful(a):
				f.Severity = finding.High
				f.Title = finding.Tf("User %s (uid %d) was made by nobody this system knows and can become root", "用户 %s(uid %d)不是由系统或软件包创建的，并且可以获得 root 权限", show(a.Name), a.UID)
			case !human(p, a) && !a.Login():
				f.Severity = finding.Low
			}
			p.Report(f)
		}
		return nil
	},
}

// expected are the accounts that ECS and its agent make, besides root.
var expected = []string{"root", "nobody", "nfsnobody", "ecs-user", "ecs-assist-user"}

// powerful reports whether an account is root in all but name.
func powerful(a guest.Account) bool {
	for _, r := range a.Sudo {
		if r.All && r.Who != "ALL" {
			return true
		}
	}
	return slices.ContainsFunc(a.Groups, func(g string) bool { return slices.Contains([]string{"docker", "lxd", "disk", "root"}, g) })
}

// remains lists what came with an account, and when its password was changed.
func remains(p *Pass, a guest.Account) *finding.Text {
	en, zh := []string{"shell " + show(a.Shell)}, []string{"shell 为 " + show(a.Shell)}
	if p.Subject.Exists(a.Home) && a.Home != "/" {
		en, zh = append(en, "home "+show(a.Home)), append(zh, "主目录 "+show(a.Home))
	}
	if day := lastChange(p, a); day != "" {
		en, zh = append(en, "password or account changed on "+day), append(zh, "密码或账户最后变更于 "+day)
	}
	if n := len(a.Sudo); n > 0 {
		en, zh = append(en, fmt.Sprintf("%d sudo rules apply", n)), append(zh, fmt.Sprintf("适用 %d 条 sudo 规则", n))
	}
	if len(a.Groups) > 1 {
		groups := show(strings.Join(a.Groups[1:], ", "))
		en, zh = append(en, "in the groups "+groups), append(zh, "所属组 "+groups)
	}
	for _, x := range []struct{ dir, en, zh string }{{"/var/mail/", "mail", "邮件"}, {"/var/spool/mail/", "mail", "邮件"},
		{"/var/spool/cron/crontabs/", "a crontab", "计划任务"}, {"/var/spool/cron/", "a crontab", "计划任务"}} {
		if p.Subject.Exists(x.dir+a.Name) && !slices.Contains(en, x.en) {
			en, zh = append(en, x.en), append(zh, x.zh)
		}
	}
	return sentence(en, zh)
}

// lastChange is the day in field 3 of the account's shadow line.
func lastChange(p *Pass, a guest.Account) string {
	if a.ShadowLine == 0 {
		return ""
	}
	l, ok := lineOf(p, "/etc/shadow", a.ShadowLine)
	f := strings.Split(l, ":")
	if !ok || len(f) < 3 {
		return ""
	}
	n, err := strconv.Atoi(f[2])
	if err != nil || n < 1 || n > 100_000 {
		return ""
	}
	return time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly)
}
