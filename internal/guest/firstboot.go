package guest

// FirstBoot says what the next boot makes anew, and by what. An empty string
// means nothing would: then the thing must not be removed.
type FirstBoot struct {
	HostKeys  string // "cloud-init", "sshd-keygen", "ssh-keygen -A unit", "openrc sshd", …
	MachineID string // "systemd", "dbus", "openrc", …
	CloudInit bool   // cloud-init is installed and enabled
	AliYun    bool   // cloud-init's datasource list includes AliYun, or Alibaba's agents are there
	// Agents are cloud agents found: "aliyun-assist", "cloudmonitor", "logtail",
	// "aegis", "qemu-guest-agent", "waagent", "amazon-ssm-agent", …
	Agents []string
}
