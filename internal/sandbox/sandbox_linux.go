package sandbox

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

func executable() (string, error) { return "/proc/self/exe", nil }

// dieWithParent makes the kernel end the child when this thread's process ends.
func dieWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// Enter restricts this process for good. It returns the level reached, for the
// verdict; with require set, a kernel without Landlock is an error.
func Enter(p Policy, l Limits, require bool) (string, error) {
	memory := cmp.Or(l.Memory, DefaultMemory)
	debug.SetMemoryLimit(memory)
	debug.SetGCPercent(gcPercent)
	cpu := uint64(cmp.Or(l.CPU, DefaultCPU).Seconds())
	for res, v := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 512, unix.RLIMIT_CPU: cpu,
		unix.RLIMIT_DATA: uint64(memory) * 2, // RLIMIT_AS would count Go's reserved address space
	} {
		if err := lower(res, v); err != nil {
			return "", fmt.Errorf("setting resource limit %d: %w", res, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return "", fmt.Errorf("prctl: %w", err)
	}
	abi, err := ll.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		if require {
			return "", fmt.Errorf("this kernel has no Landlock (%v)", err)
		}
		return "limits", nil
	}
	var rules []landlock.Rule
	for _, name := range p.Read {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		if info.IsDir() {
			rules = append(rules, landlock.RODirs(name))
		} else {
			rules = append(rules, landlock.ROFiles(name))
		}
	}
	if p.Spill != "" {
		rules = append(rules, landlock.RWDirs(p.Spill))
	}
	if err := landlock.V6.BestEffort().Restrict(rules...); err != nil {
		return "", fmt.Errorf("landlock: %w", err)
	}
	return fmt.Sprintf("landlock-v%d", abi), nil
}

// lower sets a resource limit unless a lower one is in force.
func lower(res int, v uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(res, &now); err != nil {
		return err
	}
	v = min(v, now.Max)
	return unix.Setrlimit(res, &unix.Rlimit{Cur: v, Max: v})
}
