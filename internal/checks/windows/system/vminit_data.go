package system

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var vminitData = &Check{
	ID:       "windows/system/vminit-data",
	Severity: finding.High,
	Class:    finding.UserData,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-005"},
	Doc: check.Doc{
		Title:  t("What vminit keeps of the source instance", "vminit 保留的源实例数据"),
		Why:    t("User data is a script, in which people leave passwords and keys; the logs name the instance", "实例自定义数据是脚本，人们常在其中留下密码和密钥；日志中包含实例信息"),
		Remedy: t("Empty the files", "清空这些文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		spec := func(pattern, dir string, severity finding.Severity, title finding.Text) leftover.Spec {
			return leftover.Spec{Patterns: []string{pattern}, Group: leftover.Under(dir), Title: func(leftover.Group) finding.Text { return title },
				Severity: func(leftover.Group) finding.Severity { return severity },
				Fix:      finding.Blank, FixTitle: t("Empty the files", "清空这些文件"), Safe: true}
		}
		const dir = "/ProgramData/aliyun/vminit"
		for _, s := range []leftover.Spec{
			spec(dir+"/user-data/**", dir+"/user-data", finding.High, t("User data of the source instance, as it was run", "源实例执行过的实例自定义数据")),
			spec(dir+"/log/**", dir+"/log", finding.Low, t("Logs of vminit on the source instance", "源实例上的 vminit 日志")),
			spec(dir+"/PWD_UUID", dir+"/PWD_UUID", finding.Medium, t("The mark of the password that vminit set last on the source instance", "vminit 在源实例上最后一次设置密码的标记")),
		} {
			if err := leftover.Run(p, s); err != nil {
				return err
			}
		}
		return nil
	},
}
