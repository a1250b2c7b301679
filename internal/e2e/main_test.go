package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bounds that hold for every run of this package, whatever the input.
const (
	maxTime = time.Minute      // of processors: the clock also counts what others do on the machine
	hung    = 10 * time.Minute // by the clock
	maxRSS  = 480 << 20        // of the larger process; the parent needs far less than the rest of 512 MiB
)

// program is the built assay.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == meterArg {
		os.Exit(meter(os.Args[2:]))
	}
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "assay-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // other users run the program too
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	program = filepath.Join(dir, "assay")
	if out, err := exec.Command("go", "build", "-o", program, "assay/cmd/assay").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	os.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config")) // one fingerprint key for all runs
	os.Setenv("LC_ALL", "C.UTF-8")
	return m.Run()
}

// A result is one run of the program.
type result struct {
	args           []string
	code           int
	stdout, stderr string
	time           time.Duration // of processors, by all its processes
	rss            int64         // of the larger of the two processes, in bytes
}

// command makes a run that is not started yet.
func command(args ...string) *exec.Cmd {
	return exec.Command(program, args...)
}

// assay runs the program and holds it to what is true of every run.
func assay(t testing.TB, args ...string) result {
	t.Helper()
	return finish(t, command(args...))
}

// meterArg makes the test binary run a command and tell on descriptor 3 how
// much memory and time it took. A child is charged with the peak of the process that
// forked it (setmax_mm_hiwater_rss in the kernel's exec_mmap), so that one must
// be small: the tests' own process is not.
const meterArg = "__meter"

func meter(args []string) int {
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	usage := c.ProcessState.SysUsage().(*syscall.Rusage) // of the process and of the children it waited for
	fmt.Fprintln(os.NewFile(3, "memory"), usage.Maxrss, usage.Utime.Nano()+usage.Stime.Nano())
	return c.ProcessState.ExitCode()
}

// finish runs c to its end, which must be an orderly one.
func finish(t testing.TB, c *exec.Cmd) result {
	t.Helper()
	r := run(t, c)
	r.orderly(t)
	return r
}

// run runs c below the meter.
func run(t testing.TB, c *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	memory, err := os.CreateTemp(t.TempDir(), "memory")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	m := exec.CommandContext(t.Context(), os.Args[0], append([]string{meterArg, c.Path}, c.Args[1:]...)...)
	m.Env, m.Dir, m.SysProcAttr = c.Env, c.Dir, c.SysProcAttr
	m.Stdout, m.Stderr, m.ExtraFiles = &out, &errs, []*os.File{memory}
	m.WaitDelay = time.Second
	stop := time.AfterFunc(hung, func() { _ = m.Process.Kill() })
	err = m.Run()
	stop.Stop()
	var x *exec.ExitError
	if err != nil && !errors.As(err, &x) {
		t.Fatalf("%q: %v", c.Args, err)
	}
	r := result{args: c.Args[1:], code: m.ProcessState.ExitCode(), stdout: out.String(), stderr: errs.String()}
	if _, err := fmt.Fscan(io.NewSectionReader(memory, 0, 64), &r.rss, &r.time); err != nil {
		t.Fatalf("%q: no figures of memory and time: %v", c.Args, err)
	}
	r.rss <<= 10
	return r
}

// orderly checks exit code, time, memory and that nothing panicked.
func (r result) orderly(t testing.TB) {
	t.Helper()
	if r.code < 0 || r.code > 4 {
		t.Errorf("%q: exit code %d", r.args, r.code)
	}
	for _, bad := range []string{"panic", "goroutine", "runtime error", "internal error"} {
		if strings.Contains(r.stderr, bad) || bad != "panic" && strings.Contains(r.stdout, bad) {
			t.Errorf("%q says %q:\n%.3000s\n%.3000s", r.args, bad, r.stderr, r.stdout)
		}
	}
	if r.time > maxTime {
		t.Errorf("%q took %v", r.args, r.time)
	}
	if r.rss > maxRSS {
		t.Errorf("%q needed %d MiB", r.args, r.rss>>20)
	}
}

// A stream is what a run with --format json printed.
type stream struct {
	result
	findings []found
	gaps     []gap
	verdict  struct {
		Clean   bool
		Error   string
		SHA256  string
		Sandbox string
		Files   int
	}
	verdicts int
}

type found struct {
	ID, Check, Severity string
	Title               struct{ EN string }
	Where               where
	Fix                 *struct{ Edits []json.RawMessage }
}

type gap struct {
	Kind, Detail string
	Where        where
}

type where struct {
	Volume, Path string
	Raw          string `json:"path_base64"`
}

// inspect runs assay inspect and reads its stream.
func inspect(t testing.TB, args ...string) stream {
	t.Helper()
	return parse(t, assay(t, append([]string{"inspect", "--format", "json"}, args...)...))
}

func parse(t testing.TB, r result) stream {
	t.Helper()
	s := stream{result: r}
	for line := range strings.Lines(r.stdout) {
		var m struct {
			Finding *found
			Gap     *gap
			Verdict json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v in %.200q", r.args, err, line)
		}
		switch {
		case m.Finding != nil:
			s.findings = append(s.findings, *m.Finding)
		case m.Gap != nil:
			s.gaps = append(s.gaps, *m.Gap)
		case m.Verdict != nil:
			s.verdicts++
			if err := json.Unmarshal(m.Verdict, &s.verdict); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// deleted is the check of what no live file owns. That depends on how the disk
// was written: btrfs keeps small files in its tree and leaves old copies of
// its leaves behind.
const deleted = "any/secrets/deleted"

// ids are the findings but those in deleted data, in a form that shows what
// they are when they differ.
func (s stream) ids() (out []string) {
	for _, f := range s.findings {
		if f.Check == deleted {
			continue
		}
		out = append(out, f.ID+" "+f.Check+" "+f.Where.Path+": "+f.Title.EN)
	}
	slices.Sort(out)
	return out
}

func (s stream) gapText() string {
	var b strings.Builder
	for _, g := range s.gaps {
		fmt.Fprintf(&b, "%s %s:%s: %s\n", g.Kind, g.Where.Volume, g.Where.Path, g.Detail)
	}
	return b.String()
}

// differ tells what only one of two sorted lists has.
func differ(got, want []string) string {
	var b strings.Builder
	for _, x := range want {
		if !slices.Contains(got, x) {
			b.WriteString("missing " + x + "\n")
		}
	}
	for _, x := range got {
		if !slices.Contains(want, x) {
			b.WriteString("too much " + x + "\n")
		}
	}
	return b.String()
}
