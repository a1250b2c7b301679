package residue

import (
	"path"
	"strings"

	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

// A logKind says which check speaks about a file below /var/log.
type logKind int

const (
	systemLog logKind = iota
	journalLog
	packageLog
	loginLog
	auditLog
	cloudInitLog
	agentLog
	dumpLog
	containerLog
	serviceLog
)

// logDirs are the directories of /var/log that are not a service's.
var logDirs = map[string]logKind{
	"journal": journalLog, "apt": packageLog, "unattended-upgrades": packageLog, "dist-upgrade": packageLog, "audit": auditLog, "sudo-io": auditLog,
	"amazon": agentLog, "azure": agentLog, "dump": dumpLog, "pods": containerLog, "containers": containerLog,
	"anaconda": systemLog, "installer": systemLog, "sa": systemLog, "sysstat": systemLog, "tuned": systemLog, "chrony": systemLog, "ntpstats": systemLog,
	"rhsm": systemLog, "setroubleshoot": systemLog, "ConsoleKit": systemLog, "private": systemLog, "account": systemLog, "runit": systemLog, "fsck": systemLog,
}

// logNames are the beginnings of names directly in /var/log that are not of
// the system log.
var logNames = []struct {
	prefix string
	kind   logKind
}{
	{"wtmp", loginLog}, {"btmp", loginLog}, {"lastlog", loginLog}, {"faillog", loginLog}, {"tallylog", loginLog}, {"utmp", loginLog},
	{"dpkg.log", packageLog}, {"dnf", packageLog}, {"yum.log", packageLog}, {"alternatives.log", packageLog}, {"hawkey.log", packageLog}, {"apt", packageLog}, {"bootstrap.log", packageLog},
	{"sudo.log", auditLog}, {"cloud-init", cloudInitLog}, {"waagent.log", agentLog}, {"aliyun-service", agentLog}, {"amazon", agentLog},
	{"mysqld.log", serviceLog}, {"mysql.", serviceLog}, {"mariadb", serviceLog}, {"php", serviceLog}, {"nginx", serviceLog}, {"redis", serviceLog},
}

// kindOf says which check speaks about a file below /var/log.
func kindOf(name string) logKind {
	rest := strings.TrimPrefix(name, "/var/log/")
	dir, _, below := strings.Cut(rest, "/")
	if below {
		if k, ok := logDirs[dir]; ok {
			return k
		}
		return serviceLog
	}
	for _, n := range logNames {
		if strings.HasPrefix(rest, n.prefix) {
			return n.kind
		}
	}
	return systemLog
}

// only keeps the files below /var/log of one kind, and all others.
func only(kinds ...logKind) func(guest.Match) bool {
	return func(m guest.Match) bool {
		if !credfile.Under(m.Path, "/var/log") {
			return false
		}
		for _, k := range kinds {
			if kindOf(m.Path) == k {
				return false
			}
		}
		return true
	}
}

// rotated reports whether a log is an old one that nobody has open: "x.1",
// "x.gz", "x-20260101", "x.old", a closed journal file.
func rotated(m guest.Match) bool {
	base := path.Base(m.Path)
	switch ext := path.Ext(base); {
	case ext == ".gz" || ext == ".xz" || ext == ".bz2" || ext == ".zst" || ext == ".old" || strings.HasPrefix(ext, ".journal"):
		return true
	case len(ext) > 1 && len(ext) < 4 && strings.Trim(ext[1:], "0123456789") == "":
		return true
	}
	i := strings.LastIndexByte(base, '-')
	return i >= 0 && len(base)-i == 9 && strings.Trim(base[i+1:], "0123456789") == ""
}

// blankOrRemove empties what a daemon may need and removes what is rotated.
func blankOrRemove(m guest.Match) finding.Op {
	if rotated(m) {
		return finding.Remove
	}
	return finding.Blank
}

// start reads the first bytes of a file, at most n.
func start(p *Pass, m guest.Match, n int) []byte {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
		return nil
	}
	b := make([]byte, min(int64(n), f.Size()))
	got, _ := f.ReadAt(b, 0) // a short read shows what can be shown
	return b[:got]
}
