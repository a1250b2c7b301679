package guest

// agentPaths tell which cloud agents are installed: each by files that its
// package or installer leaves in a fixed place.
var agentPaths = []struct {
	name  string
	paths []string
}{
	{"aliyun-assist", []string{"/usr/local/share/aliyun-assist", "/usr/sbin/aliyun-service", "/usr/share/aliyun-assist"}},
	{"cloudmonitor", []string{"/usr/local/cloudmonitor"}},
	{"logtail", []string{"/usr/local/ilogtail", "/etc/ilogtail", "/etc/init.d/ilogtaild"}},
	{"loongcollector", []string{"/usr/local/loongcollector", "/opt/loongcollector", "/etc/init.d/loongcollectord"}},
	{"aegis", []string{"/usr/local/aegis"}},
	{"qemu-guest-agent", []string{"/usr/bin/qemu-ga", "/usr/sbin/qemu-ga"}},
	{"waagent", []string{"/usr/sbin/waagent", "/usr/bin/waagent"}},
	{"amazon-ssm-agent", []string{"/usr/bin/amazon-ssm-agent", "/usr/sbin/amazon-ssm-agent", "/snap/amazon-ssm-agent"}},
	{"google-guest-agent", []string{"/usr/bin/google_guest_agent"}},
	{"qcloud", []string{"/usr/local/qcloud"}},
	{"cloud-reset-pwd-agent", []string{"/CloudrResetPwdAgent", "/CloudResetPwdUpdateAgent"}},
	{"open-vm-tools", []string{"/usr/bin/vmtoolsd"}},
}

// alibabaAgents are those that only an ECS instance has.
var alibabaAgents = []string{"aliyun-assist", "cloudmonitor", "aegis"}
