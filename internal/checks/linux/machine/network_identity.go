package machine

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var networkIdentity = &Check{
	ID:       "linux/machine/network-identity",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"IDN-006", "IDN-007", "IDN-008", "IDN-009"},
	Doc: check.Doc{
		Title:  t("Leases and network settings bound to this machine", "与本机绑定的 DHCP 租约和网络配置"),
		Why:    t("Old leases tell private addresses; settings bound to a MAC address leave the new instance without network", "旧租约会暴露内网地址；绑定 MAC 地址的配置会导致新实例没有网络"),
		Remedy: t("Remove leases and persistent names; let the interface use DHCP without naming a MAC address", "删除租约和持久化网卡命名；网卡使用 DHCP，且不指定 MAC 地址"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if p.Subject.Live {
			return nil
		}
		if err := run(p,
			group("/var/lib/dhcp", "DHCP leases", "DHCP 租约", "/var/lib/dhcp/*", "/var/lib/dhclient/*", "/var/lib/dhcpcd/*", "/var/lib/dhcpcd5/*", "/var/lib/NetworkManager/*lease*", "/var/lib/NetworkManager/internal-*",
				"/var/lib/wicked/lease-*", "/var/lib/systemd/network/*"),
			group("/var/lib/NetworkManager", "Identity of NetworkManager", "NetworkManager 的身份信息", "/var/lib/NetworkManager/secret_key", "/var/lib/NetworkManager/seen-bssids", "/var/lib/NetworkManager/timestamps"),
			group("/etc/udev/rules.d", "Device names bound to this machine's hardware", "与本机硬件绑定的设备命名规则", "/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/70-persistent-cd.rules",
				"/etc/udev/rules.d/75-persistent-net-generator.rules"),
		); err != nil {
			return err
		}
		for _, m := range credfile.Targets(p.Subject, "/etc/netplan/*.yaml", "/etc/network/interfaces", "/etc/network/interfaces.d/*", "/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysconfig/network/ifcfg-*",
			"/etc/systemd/network/*", "/etc/NetworkManager/system-connections/*") {
			b, _ := credfile.Read(p, m)
			if n, mac := boundTo(string(b)); n > 0 {
				w := credfile.Where(p.Subject, m)
				w.Line = n
				p.Report(finding.Finding{Where: w, Title: finding.Tf("Network settings hold only for MAC address %s", "网络配置仅对 MAC 地址 %s 生效", mac)})
			}
		}
		return nil
	},
}

// boundTo finds the line that binds a network setting to a MAC address.
func boundTo(s string) (line int, mac string) {
	n := 0
	for l := range strings.Lines(s) {
		n++
		l = strings.ToLower(strings.TrimSpace(l))
		for _, k := range []string{"macaddress:", "hwaddr=", "macaddress=", "permanentmacaddress=", "mac-address=", "hwaddress ether", "hwaddress"} {
			rest, ok := strings.CutPrefix(l, k)
			if before, after, in := strings.Cut(l, "{"+k); in && !strings.HasPrefix(before, "#") { // YAML on one line
				rest, ok = after, true
			}
			rest = strings.TrimLeft(rest, " \t\"'")
			if ok && len(rest) >= 17 && strings.Count(rest[:17], ":") == 5 && strings.Trim(rest[:17], "0123456789abcdef:") == "" && strings.Trim(rest[17:], " \t\"'},") == "" {
				return n, rest[:17]
			}
		}
	}
	return 0, ""
}
