package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var monitoringKeys = &Check{
	ID:       "any/app/monitoring-keys",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-024", "APP-025"},
	Doc: check.Doc{
		Title:  t("Keys and communities of monitoring agents", "监控代理的密钥和团体字"),
		Why:    t("Who has the key can read the monitoring, feed it with false data, or query every machine by SNMP", "得到密钥的人可以读取监控、写入虚假数据，或通过 SNMP 查询所有机器"),
		Remedy: t("Set the key at first boot and change it", "在首次启动时设置密钥，并更换密钥"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		agent := func(tool string, find finder, patterns ...string) file {
			return file{Tool: tool, Patterns: patterns, Find: find}
		}
		inINI := credfile.AnySecret(settings.INI)
		return credfile.Run(p,
			agent("SNMP", snmp, "/etc/snmp/snmpd.conf", "/var/lib/snmp/snmpd.conf", "/var/lib/net-snmp/snmpd.conf", "/var/lib/snmp/snmpapp.conf", "/etc/snmp/snmpd.conf.d/*.conf"),
			agent("Zabbix", inINI, "/etc/zabbix/*.conf", "/etc/zabbix/*.d/*.conf"),
			file{Tool: "Zabbix", Patterns: []string{"/etc/zabbix/*.psk", "/etc/zabbix/*psk*"}, Find: credfile.Whole},
			agent("Zabbix", inPHP, "/etc/zabbix/web/zabbix.conf.php"),
			agent("Nagios", inINI, "/etc/nagios/*.cfg", "/etc/nagios/private/resource.cfg", "/etc/nagios4/resource.cfg"),
			agent("Telegraf", inINI, "/etc/telegraf/telegraf.conf", "/etc/telegraf/telegraf.d/*.conf"),
			file{Tool: "Grafana", Patterns: []string{"/etc/grafana/grafana.ini"}, Parse: settings.INI, Secrets: "admin_password password secret_key client_secret bind_password"},
			agent("Datadog", inYAML, "/etc/datadog-agent/datadog.yaml"),
			file{Tool: "New Relic", Patterns: []string{"/etc/newrelic-infra.yml", "/etc/newrelic/newrelic.yml"}, Parse: settings.YAML, Secrets: "license_key"},
			file{Tool: "Prometheus", Patterns: []string{"/etc/prometheus/*.yml", "/etc/prometheus/*.yaml", "/etc/alertmanager/*.yml", "/etc/prometheus/*/*.yml"}, Parse: settings.YAML,
				Secrets: "password bearer_token credentials *_secret access_key_secret smtp_auth_password *_api_key *_token service_key routing_key"})
	},
}

// snmp finds communities other than the published defaults, and version 3
// users with their keys. See snmpd.conf(5).
func snmp(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		f := settings.Fields(strings.TrimSpace(l))
		if len(f) < 2 {
			continue
		}
		community := ""
		switch strings.ToLower(f[0]) {
		case "rocommunity", "rwcommunity", "rocommunity6", "rwcommunity6", "trapcommunity":
			community = f[1]
		case "com2sec", "com2sec6":
			community = f[len(f)-1]
		case "createuser", "usmuser":
			if len(f) >= 4 {
				community = f[3]
				if strings.EqualFold(f[0], "usmUser") {
					community = f[len(f)-1]
				}
			}
		}
		if community != "public" && community != "private" && credfile.Real(community) {
			out = append(out, credfile.Secret{Name: f[0], Value: []byte(community), Line: n})
		}
	}
	return out
}
