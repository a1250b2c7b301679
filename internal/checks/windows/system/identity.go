package system

import (
	"assay/check"
	"assay/finding"
)

var identity = &Check{
	ID:       "windows/system/identity",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WID-001", "WID-003", "WID-004"},
	Doc: check.Doc{
		Title:  t("Identifiers of the source machine", "源机器的标识"),
		Why:    t("Instances of the image are one and the same machine to update servers and management tools", "对更新服务器和管理工具而言，由该镜像创建的所有实例都是同一台机器"),
		Remedy: t("Let Sysprep generalise the system; remove the identifiers of Windows Update", "使用 Sysprep 通用化系统；删除 Windows 更新的标识"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SOFTWARE")
		for _, v := range []struct {
			key, value string
			safe       bool
			title      finding.Text
		}{
			{`Microsoft\Windows\CurrentVersion\WindowsUpdate`, "SusClientId", true, t("Windows Update knows the source machine by its client ID", "Windows 更新通过客户端 ID 识别源机器")},
			{`Microsoft\Windows\CurrentVersion\WindowsUpdate`, "SusClientIdValidation", true, t("Windows Update knows the hardware of the source machine", "Windows 更新记录了源机器的硬件信息")},
			{`Microsoft\SQMClient`, "MachineId", true, t("Telemetry knows the source machine by its ID", "遥测服务通过 ID 识别源机器")},
		} {
			val := h.Key(v.key).Value(v.value)
			if !val.Exists() {
				continue
			}
			f := at(h, v.key+`\`+v.value)
			f.Title = v.title
			f.Fix = &finding.Fix{Title: t("Remove the identifier: Windows makes a new one", "删除该标识：Windows 会重新生成"), Safe: v.safe, Edits: []finding.Edit{h.Edit(finding.RegDeleteValue, v.key, val.Name())}}
			p.Report(f)
		}
		network(p)
		return nil
	},
}

// network reports addresses that were set by hand: every instance would claim
// them.
func network(p *Pass) {
	w := p.Subject.Windows()
	set, name := w.ControlSet()
	const key = `Services\Tcpip\Parameters\Interfaces`
	for _, k := range set.Key(key).Keys() {
		dhcp, ok := k.Uint("EnableDHCP")
		if addresses := k.Value("IPAddress").Texts(); !ok || dhcp != 0 || len(addresses) == 0 || addresses[0] == "0.0.0.0" {
			continue
		}
		f := at(w.Hive("SYSTEM"), name+`\`+key+`\`+k.Name())
		f.Title = t("A network interface has an address that was set by hand", "有网络接口配置了手动设置的地址")
		p.Report(f)
	}
}
