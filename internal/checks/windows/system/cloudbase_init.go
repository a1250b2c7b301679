package system

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
)

const cloudbaseKey = `Cloudbase Solutions\Cloudbase-Init`

var cloudbaseInit = &Check{
	ID:       "windows/system/cloudbase-init",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-006", "WLG-007"},
	Doc: check.Doc{
		Title:  t("What Cloudbase-Init keeps of the source instance", "Cloudbase-Init 保留的源实例数据"),
		Why:    t("Its logs hold user data and names of the source instance; its marks say what was already done there", "其日志包含源实例的自定义数据和名称；其标记记录了已完成的操作"),
		Remedy: t("Empty the logs and remove the marks of the source instance", "清空日志并删除源实例的标记"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SOFTWARE")
		for _, k := range h.Key(cloudbaseKey).Keys() {
			if !k.Key("Plugins").Exists() {
				continue
			}
			f := at(h, cloudbaseKey+`\`+k.Name())
			f.Title = finding.Tf("Cloudbase-Init has marks of the instance %s", "Cloudbase-Init 保留了实例 %s 的标记", credfile.Show(k.Name()))
			f.Fix = &finding.Fix{Title: t("Remove the marks", "删除这些标记"), Safe: true, Edits: []finding.Edit{h.Edit(finding.RegDeleteKey, f.Anchor, "")}}
			p.Report(f)
		}
		const dir = "/Program Files*/Cloudbase Solutions/Cloudbase-Init"
		if err := leftover.Run(p, leftover.Spec{Patterns: []string{dir + "/log/**"}, Group: leftover.Under(),
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Logs of Cloudbase-Init (%s)", "Cloudbase-Init 日志（%s）", g.Size())
			},
			Fix: finding.Blank, FixTitle: t("Empty the logs", "清空日志"), Safe: true}); err != nil {
			return err
		}
		risk := t("The script does not run on new instances", "新实例上将不再运行该脚本")
		return leftover.Run(p, leftover.Spec{Patterns: []string{dir + "/LocalScripts/**"},
			Title: func(leftover.Group) finding.Text {
				return t("A script that Cloudbase-Init runs on every new instance", "Cloudbase-Init 会在每台新实例上运行的脚本")
			},
			Fix: finding.Blank, FixTitle: t("Empty the script", "清空该脚本"), Risk: risk})
	},
}
