package registry

import (
	"path"

	"assay/check"
	"assay/finding"
)

var deletedKeys = &Check{
	ID:       "windows/registry/deleted-keys",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WTM-006"},
	Doc: check.Doc{
		Title:  t("What deleted keys and values have left in the registry", "注册表中已删除的键和值的残留"),
		Why:    t("Windows does not overwrite what it deletes: passwords that were removed can still be read from the file, and from its logs", "Windows 删除时不会覆盖数据：已删除的密码仍可从文件及其日志中读出"),
		Remedy: t("Let assay zero what is deleted in the copy", "由 assay 在副本中将已删除的内容清零"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		for _, h := range w.Hives() {
			if err := p.Context.Err(); err != nil {
				return err
			}
			n := h.Deleted()
			if h.Err != nil || n == 0 && len(h.Logs) == 0 {
				continue
			}
			f := finding.Finding{Where: h.Where()}
			if n > 0 {
				f.Title = finding.Tf("Deleted keys and values can still be read from %s: %s", "仍可从 %s 中读出已删除的键和值：%s", path.Base(h.Path), finding.Size(n))
			} else {
				f.Title = finding.Tf("Older versions of keys and values can be read from the logs of %s", "可从 %s 的日志中读出键和值的旧版本", path.Base(h.Path))
			}
			f.Fix = &finding.Fix{Title: t("Zero what is deleted, and empty the logs", "将已删除的内容清零并清空日志"), Safe: true, Edits: []finding.Edit{h.Edit(finding.RegScrub, "", "")}}
			p.Report(f)
		}
		return nil
	},
}
