package account

import (
	"strconv"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var leftoverProfiles = &Check{
	ID:       "windows/account/leftover-profiles",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"A6", "B3"},
	Covers:   []string{"WAC-009"},
	Doc: check.Doc{
		Title:  t("Profiles of people who worked on the machine", "曾在本机工作的用户的配置文件"),
		Why:    t("Documents, histories, saved passwords and keys of a person stay in the profile, also when the account is gone", "即使账户已删除，个人的文档、历史记录、保存的密码和密钥仍保留在用户配置文件中"),
		Remedy: t("Delete the profile through System Properties, or with DeleteProfile, before making the image", "制作镜像前，通过“系统属性”或 DeleteProfile 删除该用户配置文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		list, _ := w.Accounts() // the error is a gap of local-accounts
		exists := map[uint64]bool{}
		for _, a := range list {
			exists[uint64(a.RID)] = true
		}
		for _, pr := range w.Profiles() {
			f, ok := profileFinding(pr, exists)
			if !ok {
				continue
			}
			f.Where = p.Subject.Where(pr.Path, 0)
			f.Where.User = pr.Name
			risk := t("Everything in the profile is gone", "该用户配置文件中的所有内容将被删除")
			f.Fix = &finding.Fix{Title: t("Remove the profile", "删除该用户配置文件"), Risk: &risk, Edits: []finding.Edit{{Op: finding.RemoveTree, Volume: f.Where.Volume, Path: pr.Path}}}
			p.Report(f)
		}
		return nil
	},
}

// profileFinding judges a profile by whose it is: that of Administrator alone
// belongs to an image.
func profileFinding(pr guest.Profile, exists map[uint64]bool) (f finding.Finding, ok bool) {
	if pr.Kind != guest.PersonProfile {
		return f, false
	}
	name := credfile.Show(pr.Name)
	rid, err := strconv.ParseUint(pr.SID[strings.LastIndexByte(pr.SID, '-')+1:], 10, 32)
	switch {
	case pr.SID == "":
		f.Title = finding.Tf("The profile of %s belongs to no account", "用户配置文件 %s 不属于任何账户", name)
	case err == nil && rid == 500:
		return f, false
	case err == nil && exists[rid]:
		f.Severity = finding.Low
		f.Title = finding.Tf("The profile of the account %s comes with the image", "账户 %s 的用户配置文件将随镜像分发", name)
	default:
		f.Title = finding.Tf("The profile of %s is of an account that this machine does not have", "用户配置文件 %s 属于本机不存在的账户", name)
	}
	return f, true
}
