package registry

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var linuxSubsystem = &Check{
	ID:       "windows/registry/linux-subsystem",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"WCR-025"},
	Doc: check.Doc{
		Title:  t("A whole Linux inside Windows", "Windows 中包含完整的 Linux"),
		Why:    t("A distribution of the Windows Subsystem for Linux has homes, keys and histories of its own; its disk was not looked into", "适用于 Linux 的 Windows 子系统（WSL）中的发行版有自己的主目录、密钥和历史记录；其磁盘未被检查"),
		Remedy: t("Unregister the distribution with wsl --unregister, or inspect its ext4.vhdx by itself", "使用 wsl --unregister 注销该发行版，或单独检查其 ext4.vhdx"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		const key = `Software\Microsoft\Windows\CurrentVersion\Lxss`
		for _, u := range users(w) {
			for _, k := range u.Key(key).Keys() {
				if base := k.Text("BasePath"); base != "" {
					f := at(u.Hive, key+`\`+k.Name())
					f.Where.User = u.name
					f.Title = finding.Tf("The Linux distribution %s lies in %s", "Linux 发行版 %s 位于 %s", credfile.Show(k.Text("DistributionName")), credfile.Show(base))
					p.Report(f)
				}
			}
		}
		return nil
	},
}
