//go:build !linux

package sandbox

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"runtime/debug"
)

func executable() (string, error) { return os.Executable() }

func dieWithParent(*exec.Cmd) {}

// Enter restricts this process as far as this system can: a process of its own
// with a memory limit.
func Enter(_ Policy, l Limits, require bool) (string, error) {
	if require {
		return "", errors.New("this system has no sandbox that assay knows: use --sandbox=auto or off")
	}
	debug.SetMemoryLimit(cmp.Or(l.Memory, DefaultMemory))
	debug.SetGCPercent(gcPercent)
	return "process", nil
}
