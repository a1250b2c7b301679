package remote

import (
	"context"
	"fmt"
	"strings"
)

// A Script is a POSIX sh script to run as root.
type Script struct {
	Name  string // for people: "probe", "arm"
	Text  string // fits into an argument of 96 KiB
	Stdin []byte // what it reads; it must not hold a NUL when a transport cannot carry one
	// Limit bounds the bytes of standard output that are kept. More is an
	// error, never a silent cut. 0 means DefaultLimit.
	Limit int
}

// DefaultLimit bounds the output of a script that does not say how much it
// prints.
const DefaultLimit = 1 << 20

// MaxScript bounds Script.Text: it travels through one argument of a shell.
const MaxScript = 96 << 10

// A Result is what a script did. A script that ran and failed is a Result with
// an Exit, not an error.
type Result struct {
	Stdout, Stderr []byte
	Exit           int
}

// Err turns a failed script into an error with the first lines of its
// complaint.
func (r Result) Err(name string) error {
	if r.Exit == 0 {
		return nil
	}
	return &ExitError{Name: name, Exit: r.Exit, Said: complaint(r.Stderr)}
}

// An ExitError is a script that ran on the machine and failed there.
type ExitError struct {
	Name string
	Exit int
	Said string // its standard error, shortened
}

func (e *ExitError) Error() string {
	if e.Said == "" {
		return fmt.Sprintf("%s: exit status %d on the machine", e.Name, e.Exit)
	}
	return fmt.Sprintf("%s: %s (exit status %d on the machine)", e.Name, e.Said, e.Exit)
}

// maxSaid bounds what is kept of a complaint.
const maxSaid = 400

func complaint(b []byte) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(b), "?")), " ")
	if len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") + "…"
	}
	return s
}

// A Shell runs scripts as root on one machine.
//
// Run MUST run the script with a POSIX sh as user 0 or fail with *AccessError;
// it MUST keep standard output and standard error apart; it MUST return an
// error when output was lost, when the connection broke before the exit status
// was known, and when ctx ended, in which case the script may go on running on
// the machine. It is called by one goroutine at a time.
type Shell interface {
	Run(ctx context.Context, s Script) (Result, error)
	// Private reports whether what a script prints is seen by nobody but us.
	// Cloud Assistant keeps every output where others of the account read it.
	Private() bool
	Close() error
}

// An AccessError says that the machine was reached but does not let us become
// root.
type AccessError struct{ User, Reason string }

func (e *AccessError) Error() string {
	return fmt.Sprintf("%s cannot become root: %s", e.User, e.Reason)
}
