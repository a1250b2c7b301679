package machine

import (
	"assay/check"
	"assay/finding"
)

var storageIdentity = &Check{
	ID:       "linux/machine/storage-identity",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"IDN-032"},
	Doc: check.Doc{
		Title:  t("Names under which storage knows this machine", "存储系统用于识别本机的名称"),
		Why:    t("Two machines with one iSCSI or NVMe name disturb each other; LVM's device list hides disks that it does not name", "两台机器使用同一 iSCSI 或 NVMe 名称会互相干扰；LVM 设备列表会隐藏未列出的磁盘"),
		Remedy: t("Make the names anew at first boot (iscsi-iname, nvme gen-hostnqn, vgimportdevices -a)", "在首次启动时重新生成这些名称（iscsi-iname、nvme gen-hostnqn、vgimportdevices -a）"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return run(p, noted(group("/etc/iscsi", "Storage identity of this machine", "本机的存储身份", "/etc/iscsi/initiatorname.iscsi", "/etc/nvme/hostid", "/etc/nvme/hostnqn", "/etc/lvm/devices/system.devices", "/etc/multipath/wwids"), finding.Low))
	},
}
