package sandbox

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A Policy says what the child may still open by path, besides the files it
// inherits.
type Policy struct {
	Read  []string // directories or files, read only
	Spill string   // a directory for temporary files, "" for none
}

// Limits bound the child. Zero values mean the defaults.
type Limits struct {
	Memory int64         // bytes of heap to aim for; twice that is the hard limit
	CPU    time.Duration // of all threads together
}

// Defaults of Limits.
const (
	DefaultMemory = 512 << 20
	DefaultCPU    = 6 * time.Hour
)

// None is the level of a run that was asked to go without a sandbox.
const None = "off"

// Child makes a command that runs this program again with one argument, the
// given files as descriptors 3, 4, …, and an environment without anything that
// a reader of images does not need: no cloud credentials, no tokens.
func Child(ctx context.Context, arg string, files []*os.File) (*exec.Cmd, error) {
	self, err := executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self, arg)
	c.ExtraFiles = files
	c.Env = []string{}
	for _, kv := range os.Environ() {
		k, _, _ := strings.Cut(kv, "=")
		switch k {
		case "PATH", "HOME", "TMPDIR", "TZ", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR", "SYSTEMROOT", "TEMP", "TMP":
			c.Env = append(c.Env, kv)
		}
	}
	c.WaitDelay = 5 * time.Second
	dieWithParent(c)
	return c, nil
}

// gcPercent is how much the heap may grow before the next collection. What an
// inspection keeps (names, metadata) is small beside what it reads, so that
// collecting more often costs no time that shows, and a fifth less memory.
const gcPercent = 40
