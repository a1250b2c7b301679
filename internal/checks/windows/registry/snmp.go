package registry

import (
	"assay/check"
	"assay/finding"
)

var snmp = &Check{
	ID:       "windows/registry/snmp",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A14", "B1"},
	Covers:   []string{"WCR-013"},
	Doc: check.Doc{
		Title:  t("Community names of SNMP", "SNMP 团体名"),
		Why:    t("A community name is a password: whoever knows it reads, or changes, the settings of every instance", "团体名即密码：知道它的人可以读取甚至修改每台实例的设置"),
		Remedy: t("Remove the communities, and set one on the instance", "删除团体名，并在实例上重新设置"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		_, set := w.ControlSet()
		h := w.Hive("SYSTEM")
		key := set + `\Services\SNMP\Parameters\ValidCommunities`
		list := h.Key(key).Values()
		if len(list) == 0 {
			return nil
		}
		f := at(h, key)
		f.Title = finding.Tf("Community names that SNMP accepts: %d", "SNMP 接受 %d 个团体名", len(list))
		f.Evidence = p.Secret("snmp-community", []byte(list[0].Name()), check.Mask())
		risk := t("SNMP answers nobody until a community is set", "在设置团体名之前，SNMP 不会响应任何请求")
		// The key as a whole: the names of its values are the secret, and an edit holds none.
		f.Fix = &finding.Fix{Title: t("Remove the community names", "删除团体名"), Risk: &risk, Edits: []finding.Edit{h.Edit(finding.RegDeleteKey, key, "")}}
		p.Report(f)
		return nil
	},
}
