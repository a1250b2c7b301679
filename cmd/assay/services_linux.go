package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"assay/finding"
	"assay/internal/report"
)

// A service is a program that holds a log open, and the signal that makes it
// close the old file and open a new one.
type service struct {
	comm   string // the kernel's name of the process: at most 15 characters
	signal syscall.Signal
	what   finding.Text
}

// services are told in this order after the logs were changed: who collects
// messages from others comes last, so that nothing is written to a file that
// is gone.
var services = []service{
	{"auditd", syscall.SIGUSR1, finding.T("auditd begins a new log", "auditd 启用新日志文件")},
	{"rsyslogd", syscall.SIGHUP, finding.T("rsyslog opens its logs anew", "rsyslog 重新打开日志文件")},
	{"syslog-ng", syscall.SIGHUP, finding.T("syslog-ng opens its logs anew", "syslog-ng 重新打开日志文件")},
	{"systemd-journal", syscall.SIGUSR2, finding.T("journald begins a new journal", "journald 启用新的日志文件")},
}

// interactive are shells that write their history when they end.
var interactive = []string{"bash", "zsh", "ksh", "fish", "mksh"}

// A process is one of this machine, as /proc shows it.
type process struct {
	pid  int
	comm string
	uid  uint32
	tty  bool
}

// processes lists those of this pid name space: not those of containers.
func processes() []process {
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return nil
	}
	names, _ := filepath.Glob("/proc/[0-9]*")
	var out []process
	for _, dir := range names {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if ns, err := os.Readlink(dir + "/ns/pid"); err != nil || ns != own {
			continue
		}
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		b, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		comm, rest, ok := parseStat(string(b))
		if st, is := info.Sys().(*syscall.Stat_t); ok && is {
			out = append(out, process{pid, comm, st.Uid, len(rest) > 4 && rest[4] != "0"})
		}
	}
	return out
}

// parseStat reads /proc/PID/stat: the name in parentheses, which may hold
// anything, then fields from the state on; the fifth is the terminal. See
// proc_pid_stat(5).
func parseStat(s string) (comm string, rest []string, ok bool) {
	i, j := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if i < 0 || j < i {
		return "", nil, false
	}
	return s[i+1 : j], strings.Fields(s[j+1:]), true
}

// settle tells the running services, each as best it can.
func settle() []report.Action {
	var done []report.Action
	all := processes()
	for _, s := range services {
		for _, p := range all {
			if p.comm != s.comm || p.uid != 0 { // another's program may bear any name
				continue
			}
			a := report.Action{Edit: finding.Edit{Op: finding.Reset, Volume: s.comm}, Result: "done", Why: s.what}
			if err := syscall.Kill(p.pid, s.signal); err != nil {
				a.Result, a.Note = "refused", finding.T(err.Error(), err.Error())
			}
			done = append(done, a)
		}
	}
	return done
}

// shells says which running shells will write their history once more.
func (a *app) shells() {
	var pids []string
	for _, p := range processes() {
		if p.tty && slices.Contains(interactive, strings.TrimPrefix(p.comm, "-")) {
			pids = append(pids, strconv.Itoa(p.pid))
		}
	}
	if len(pids) == 0 {
		return
	}
	a.hint(finding.Tf("assay: running shells write their history when they end (process %s): end each with: unset HISTFILE; exit   or   history -c; kill -9 $$",
		"assay：运行中的 shell 会在退出时写入历史记录（进程 %s）：请用 unset HISTFILE; exit 或 history -c; kill -9 $$ 结束它们", strings.Join(pids, " ")))
}
