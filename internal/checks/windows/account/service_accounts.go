package account

import (
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var serviceAccounts = &Check{
	ID:       "windows/account/service-accounts",
	Severity: finding.Low,
	Class:    finding.PresetAccount,
	Rows:     []string{"A6", "B4"},
	Covers:   []string{"WAC-006"},
	Doc: check.Doc{
		Title:  t("Services that run as a person", "以普通账户运行的服务"),
		Why:    t("Windows keeps the password of such an account where whoever reads the disk can decrypt it", "Windows 会保存此类账户的密码，能读取磁盘的人即可将其解密"),
		Remedy: t("Let the service run as LocalService, NetworkService or a virtual account", "让服务以 LocalService、NetworkService 或虚拟账户运行"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		set, name := w.ControlSet()
		for _, s := range set.Key("Services").Keys() {
			kind, _ := s.Uint("Type")
			account := s.Text("ObjectName")
			if kind&0x30 == 0 || builtIn(account) { // SERVICE_WIN32: drivers name an object of theirs here
				continue
			}
			f := at(w.Hive("SYSTEM"), name+`\Services\`+s.Name())
			f.Where.User = account
			f.Title = finding.Tf("The service %s runs as %s", "服务 %s 以账户 %s 运行", credfile.Show(s.Name()), credfile.Show(account))
			p.Report(f)
		}
		return nil
	},
}

// builtIn reports whether an account of a service has no password.
func builtIn(account string) bool {
	a := strings.ToLower(account)
	return a == "" || slices.Contains([]string{"localsystem", `.\localsystem`, "localservice", "networkservice"}, a) || strings.HasPrefix(a, `nt authority\`) || strings.HasPrefix(a, `nt service\`) ||
		strings.HasSuffix(a, "$") // a group managed account: the domain keeps its password
}
