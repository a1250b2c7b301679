package guest

import (
	"path"
	"slices"
	"strings"

	"assay/internal/fsys"
)

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

// unitDirs are where systemd looks for units, the strongest first.
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// maxUnits bounds the unit files that are read in search of one that makes
// host keys.
const maxUnits = 5000

// readFirstBoot must not ask for accounts or homes: they ask for it.
func (g *Guest) readFirstBoot() FirstBoot {
	var f FirstBoot
	for _, a := range agentPaths {
		if slices.ContainsFunc(a.paths, g.Exists) {
			f.Agents = append(f.Agents, a.name)
		}
	}
	c := g.cloudConfig()
	f.CloudInit = g.cloudInit()
	f.AliYun = slices.ContainsFunc(f.Agents, func(a string) bool { return slices.Contains(alibabaAgents, a) }) ||
		f.CloudInit && (c.datasources == nil || slices.Contains(c.datasources, "AliYun"))
	if f.CloudInit && !c.noHostKeys && c.sshModule {
		f.HostKeys = "cloud-init"
	} else {
		f.HostKeys = g.hostKeyMaker()
	}
	f.MachineID = g.machineIDMaker()
	return f
}

// cloudInit reports whether cloud-init is installed and would run.
func (g *Guest) cloudInit() bool {
	if !g.Exists("/usr/bin/cloud-init") && !g.Exists("/usr/local/bin/cloud-init") || g.Exists("/etc/cloud/cloud-init.disabled") {
		return false
	}
	if b, _ := g.Read("/etc/cloud/ds-identify.cfg"); hasLine(b, "policy: disabled") {
		return false
	}
	for _, name := range []string{"/etc/default/grub", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"} {
		if b, _ := g.Read(name); strings.Contains(string(b), "cloud-init=disabled") {
			return false
		}
	}
	units := []string{"cloud-init.service", "cloud-init-local.service", "cloud-init-main.service", "cloud-init-network.service"}
	for _, dir := range []string{"/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"} {
		if g.Exists(dir + "/cloud-init-generator") {
			return !g.masked("cloud-init.service") || !g.masked("cloud-init-main.service") && g.unit("cloud-init-main.service") != ""
		}
	}
	return slices.ContainsFunc(units, g.enabled) || g.openrc("cloud-init") || g.openrc("cloud-init-local") || g.sysv("cloud-init")
}

func hasLine(b []byte, want string) bool {
	for l := range strings.Lines(string(b)) {
		if strings.Join(strings.Fields(l), " ") == want {
			return true
		}
	}
	return false
}

// unit returns the text of a unit, with its drop-ins; "" when there is none or
// it is masked.
func (g *Guest) unit(name string) string {
	text := ""
	for _, dir := range unitDirs {
		if b, err := g.Read(path.Join(dir, name)); err == nil && b != nil {
			text = string(b)
			break
		}
	}
	if text == "" || g.masked(name) {
		return ""
	}
	for _, m := range g.Files("/etc/systemd/system/"+name+".d/*.conf", "/usr/lib/systemd/system/"+name+".d/*.conf") {
		b, _ := g.Read(m.Path) // a drop-in that cannot be read is a fault of Index
		text += "\n" + string(b)
	}
	return text
}

// masked reports whether the strongest file of that name is a link to
// /dev/null, or is empty.
func (g *Guest) masked(name string) bool {
	for _, dir := range unitDirs {
		p := path.Join(dir, name)
		m, err := g.Tree.Lstat(p)
		if err != nil {
			continue
		}
		if m.Kind == fsys.Symlink {
			target, _ := g.Tree.Readlink(p)
			return target == "/dev/null"
		}
		return m.Size == 0
	}
	return false
}

// enabled reports whether a target wants the unit: by a link, which need not
// be followed, in a .wants or .requires folder.
func (g *Guest) enabled(name string) bool {
	if g.unit(name) == "" {
		return false
	}
	for _, dir := range unitDirs {
		if ms, _ := g.Match(dir+"/*.wants/"+name, dir+"/*.requires/"+name); len(ms) > 0 {
			return true
		}
	}
	return false
}

func (g *Guest) openrc(name string) bool {
	ms, _ := g.Match("/etc/runlevels/*/" + name)
	return len(ms) > 0 && g.Exists("/etc/init.d/"+name)
}

func (g *Guest) sysv(name string) bool {
	ms, _ := g.Match("/etc/rc[2-5].d/S*"+name, "/etc/rc.d/rc[2-5].d/S*"+name)
	return len(ms) > 0
}

// hostKeyMaker names what makes missing host keys when the machine boots,
// besides cloud-init.
func (g *Guest) hostKeyMaker() string {
	for _, name := range []string{"sshd.service", "ssh.service", "sshd@.service", "ssh@.service"} {
		text := g.unit(name)
		if text == "" {
			continue
		}
		if makesKeys(text) {
			return name
		}
		for _, dep := range dependencies(text) {
			if strings.Contains(dep, "keygen") || strings.Contains(dep, "genkeys") {
				if g.unit(dep) != "" && g.keygenWorks(dep) {
					return strings.TrimSuffix(strings.TrimSuffix(dep, ".target"), ".service")
				}
			}
		}
	}
	if b, _ := g.Read("/etc/init.d/sshd"); makesKeys(string(b)) {
		if g.openrc("sshd") {
			return "openrc sshd"
		}
		if g.sysv("sshd") {
			return "init script sshd"
		}
	}
	if m, err := g.Tree.Stat("/etc/rc.local"); err == nil && m.Mode&0o111 != 0 {
		if b, _ := g.Read("/etc/rc.local"); makesKeys(string(b)) {
			return "rc.local"
		}
	}
	return g.keyUnit()
}

// keygenWorks reports whether a unit that sshd's unit wants, or one that this
// unit wants in turn, runs ssh-keygen.
func (g *Guest) keygenWorks(dep string) bool {
	text := g.unit(dep)
	if makesKeys(text) {
		return true
	}
	for _, d := range dependencies(text) {
		if i := strings.IndexByte(d, '@'); i >= 0 && !g.masked(d) { // sshd-keygen@rsa.service
			d = d[:i+1] + d[strings.LastIndexByte(d, '.'):]
		}
		if makesKeys(g.unit(d)) {
			return true
		}
	}
	return false
}

// keyUnit finds an enabled unit of any name that makes host keys.
func (g *Guest) keyUnit() string {
	n := 0
	for _, dir := range unitDirs {
		es, _ := g.Tree.ReadDir(dir) // Index reports a directory that cannot be read
		for _, e := range es {
			if n++; n > maxUnits {
				return ""
			}
			if !strings.HasSuffix(e.Name, ".service") || e.Kind == fsys.Directory {
				continue
			}
			if b, _ := g.Read(path.Join(dir, e.Name)); makesKeys(string(b)) && g.enabled(e.Name) {
				return "ssh-keygen unit " + e.Name
			}
		}
	}
	return ""
}

// keyCommands make host keys: ssh-keygen itself, and the scripts around it of
// Red Hat, SUSE, Arch and Debian.
var keyCommands = []string{"ssh-keygen -A", "sshd-keygen", "sshd-gen-keys-start", "sshdgenkeys", "ssh_host_", "dpkg-reconfigure openssh-server"}

// makesKeys reports whether a unit or script runs one of keyCommands. A unit
// that only names a key in a condition does not.
func makesKeys(text string) bool {
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		key, value, isSetting := strings.Cut(l, "=")
		unit := isSetting && !strings.ContainsAny(key, " \t$\"'")
		if unit && !strings.HasPrefix(key, "Exec") {
			continue
		}
		if !unit {
			value = l
		}
		for _, c := range keyCommands {
			if strings.Contains(value, c) && (c != "ssh_host_" || strings.Contains(value, "ssh-keygen")) {
				return true
			}
		}
	}
	return false
}

// dependencies lists what a unit pulls in.
func dependencies(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(l), "=")
		if key == "Wants" || key == "Requires" || key == "BindsTo" {
			out = append(out, strings.Fields(value)...)
		}
	}
	return out
}

// machineIDMaker names what fills an empty or missing /etc/machine-id.
func (g *Guest) machineIDMaker() string {
	for _, name := range []string{"/usr/lib/systemd/systemd", "/lib/systemd/systemd"} {
		if g.Exists(name) {
			return "systemd"
		}
	}
	if g.openrc("machine-id") {
		return "openrc"
	}
	if b, _ := g.Read("/etc/init.d/dbus"); strings.Contains(string(b), "dbus-uuidgen") && (g.openrc("dbus") || g.sysv("dbus")) {
		return "dbus"
	}
	return ""
}
