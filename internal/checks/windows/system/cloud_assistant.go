package system

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var cloudAssistant = &Check{
	ID:       "windows/system/cloud-assistant",
	Severity: finding.High,
	Class:    finding.UserData,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-004", "WID-008"},
	Doc: check.Doc{
		Title:  t("What Cloud Assistant keeps of the source instance", "云助手保留的源实例数据"),
		Why:    t("Every command ever sent stands there in clear, with the passwords in it; the keys of a managed instance make others act in its name", "曾经下发的每条命令都以明文保存，其中包含密码；托管实例的密钥可使他人以其名义操作"),
		Remedy: t("Empty the files; deregister a managed instance before making the image", "清空这些文件；制作镜像前注销托管实例"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		const dir = "/ProgramData/aliyun/assist"
		for _, s := range []leftover.Spec{
			{Patterns: []string{dir + "/work/script/**", dir + "/*/work/script/**"}, Group: leftover.Under(dir + "/work"),
				Title: func(g leftover.Group) finding.Text {
					return finding.Tf("Cloud Assistant keeps commands that were sent to the source instance: %s", "云助手保留了曾下发到源实例的命令：%s", g.Count())
				}},
			{Patterns: []string{dir + "/hybrid/**", dir + "/*/hybrid/**"}, Group: leftover.Under(dir + "/hybrid"),
				Title: func(leftover.Group) finding.Text {
					return t("Key and identity of a managed instance of Cloud Assistant", "云助手托管实例的密钥和身份")
				}},
			{Patterns: []string{dir + "/log/**", dir + "/*/log/**"}, Group: leftover.Under(dir + "/log"),
				Title: func(leftover.Group) finding.Text {
					return t("Logs of Cloud Assistant on the source instance", "源实例上的云助手日志")
				},
				Severity: func(leftover.Group) finding.Severity { return finding.Low }},
		} {
			s.Fix, s.FixTitle, s.Safe = finding.Blank, t("Empty the files", "清空这些文件"), true
			if err := leftover.Run(p, s); err != nil {
				return err
			}
		}
		return nil
	},
}
