package assistant

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay/internal/cloud"
	"assay/internal/remote"
)

// Limits of the service: CommandContent in base 64 that is not kept, and the
// output kept of one run, of which a part is spared for our first line.
const (
	maxContent = 24 << 10
	chunk      = 22 << 10
	maxChunks  = 64 // runs to fetch one output
)

// A Shell runs scripts on one instance as root.
type Shell struct {
	caller     cloud.Caller
	region, id string
	poll       time.Duration
	primed     *Answer // of the script whose text is primedFor
	primedFor  string
}

// New makes a shell. poll is how often it asks for a result; 0 means two
// seconds.
func New(c cloud.Caller, region, instance string, poll time.Duration) *Shell {
	if poll == 0 {
		poll = 2 * time.Second
	}
	return &Shell{caller: c, region: region, id: instance, poll: poll}
}

// Prime gives the shell the answer of a script that RunMany ran: the next Run
// of the same text returns it instead of asking the instance again.
func (s *Shell) Prime(text string, a Answer) { s.primed, s.primedFor = &a, text }

// Private implements remote.Shell: others of the account read every output.
func (s *Shell) Private() bool { return false }

// Close implements remote.Shell.
func (s *Shell) Close() error { return nil }

// wrapper runs a script with its input and prints "assay EXIT LENGTH FOLDER",
// the packed standard error, and the first part of the packed output.
const wrapper = `umask 077
O=$(mktemp -d /run/assay-out.XXXXXX 2>/dev/null || mktemp -d /tmp/assay-out.XXXXXX) || exit 73
un() { base64 -d | gzip -dc; }
s=$(un <<'E'
%s
E
)
un <<'E' | sh -c "$s" >$O/out 2>$O/err
%s
E
rc=$?
gzip -9c $O/out | base64 | tr -d '\n' >$O/b
n=$(wc -c <$O/b)
echo "assay $rc $((n)) $O"
head -c 2000 $O/err | gzip -9c | base64 | tr -d '\n'
echo
head -c %d $O/b
[ "$n" -gt %[3]d ] || rm -rf $O
rm -f $O/out $O/err 2>/dev/null
exit 0
`

// folder is a name that wrapper can print.
var folder = regexp.MustCompile(`^/(run|tmp)/assay-out\.[A-Za-z0-9]+$`)

// first is how much of the output comes with the first run.
const first = 16 << 10

// Run implements remote.Shell.
func (s *Shell) Run(ctx context.Context, sc remote.Script) (remote.Result, error) {
	if s.primed != nil && s.primedFor == sc.Text {
		a := *s.primed
		s.primed = nil
		return a.Result, a.Err
	}
	text, err := wrap(sc)
	if err != nil {
		return remote.Result{}, err
	}
	answer, err := s.command(ctx, sc.Name, text)
	if err != nil {
		return remote.Result{}, err
	}
	return s.open(ctx, sc, answer)
}

// wrap makes the command of a script.
func wrap(sc remote.Script) (string, error) {
	if strings.IndexByte(sc.Text, 0) >= 0 {
		return "", fmt.Errorf("%s: a NUL in the script", sc.Name)
	}
	return fmt.Sprintf(wrapper, pack([]byte(sc.Text)), pack(sc.Stdin), first), nil
}

// open reads what wrapper printed, and brings the rest of a long output.
func (s *Shell) open(ctx context.Context, sc remote.Script, answer string) (remote.Result, error) {
	head, rest, _ := strings.Cut(answer, "\n")
	errs, body, _ := strings.Cut(rest, "\n")
	f := strings.Fields(head)
	if len(f) != 4 || f[0] != "assay" || !folder.MatchString(f[3]) {
		return remote.Result{}, fmt.Errorf("%s: the instance's answer is not ours", sc.Name)
	}
	exit, err1 := strconv.Atoi(f[1])
	size, err2 := strconv.Atoi(f[2])
	if err1 != nil || err2 != nil || size < 0 || size > maxChunks*chunk {
		return remote.Result{}, fmt.Errorf("%s: more output than Cloud Assistant can bring: use ssh://", sc.Name)
	}
	body, err := s.fetch(ctx, sc.Name, body, size, f[3])
	if err != nil {
		return remote.Result{}, err
	}
	limit := sc.Limit
	if limit == 0 {
		limit = remote.DefaultLimit
	}
	r := remote.Result{Exit: exit}
	if r.Stdout, err = unpack(body, limit); err != nil {
		return r, fmt.Errorf("%s: %w", sc.Name, err)
	}
	r.Stderr, err = unpack(errs, 64<<10)
	return r, err
}

// fetch brings the rest of a long output, in parts that the service keeps
// whole, and removes it from the instance.
func (s *Shell) fetch(ctx context.Context, name, have string, size int, dir string) (string, error) {
	long := size > first
	for len(have) < size {
		more, err := s.command(ctx, name, fmt.Sprintf("tail -c +%d %s/b | head -c %d", len(have)+1, dir, chunk))
		if err != nil {
			return "", err
		}
		if more == "" {
			return "", fmt.Errorf("%s: the output ends at %d of %d bytes", name, len(have), size)
		}
		have += more
	}
	if long {
		if _, err := s.command(ctx, name, "rm -rf "+dir); err != nil {
			return "", err
		}
	}
	if len(have) != size {
		return "", fmt.Errorf("%s: %d bytes of output instead of %d", name, len(have), size)
	}
	return have, nil
}

// command runs one command and waits for its output.
func (s *Shell) command(ctx context.Context, name, text string) (string, error) {
	return s.commandAs(ctx, unix, name, text)
}

// PowerShell runs a script of Windows PowerShell as System and returns what it
// printed. A script that fails is an error.
func (s *Shell) PowerShell(ctx context.Context, name, text string) (string, error) {
	return s.commandAs(ctx, windows, name, text)
}

func (s *Shell) commandAs(ctx context.Context, as system, name, text string) (string, error) {
	invoke, err := start(ctx, s.caller, s.region, as, name, text, s.id)
	if err != nil {
		return "", err
	}
	for {
		out, done, err := s.result(ctx, invoke)
		if err != nil || done {
			return out, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(s.poll):
		}
	}
}

func (s *Shell) result(ctx context.Context, invoke string) (out string, done bool, err error) {
	b, err := s.caller.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeInvocationResults", Region: s.region,
		Params: map[string]string{"InvokeId": invoke, "InstanceId": s.id}})
	if err != nil {
		return "", false, err
	}
	var v results
	if err := json.Unmarshal(b, &v); err != nil {
		return "", false, fmt.Errorf("DescribeInvocationResults: %w", err)
	}
	rs := v.Invocation.InvocationResults.InvocationResult
	if len(rs) == 0 {
		return "", false, nil
	}
	return rs[0].output()
}

// A system is how a command is run on an instance.
type system struct{ kind, user string }

var (
	unix    = system{"RunShellScript", "root"}
	windows = system{"RunPowerShellScript", "System"}
)

// start sends one command to instances.
func start(ctx context.Context, c cloud.Caller, region string, s system, name, text string, ids ...string) (invoke string, err error) {
	content := base64.StdEncoding.EncodeToString([]byte(text))
	if len(content) > maxContent {
		return "", fmt.Errorf("%s: the script has %d bytes, Cloud Assistant takes %d", name, len(content), maxContent)
	}
	p := map[string]string{"Type": s.kind, "CommandContent": content, "ContentEncoding": "Base64", "Timeout": "120",
		"Name": "assay-" + name, "KeepCommand": "false", "Username": s.user}
	for i, id := range ids {
		p[fmt.Sprintf("InstanceId.%d", i+1)] = id
	}
	b, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "RunCommand", Region: region, Params: p})
	if err != nil {
		return "", err
	}
	var run struct{ InvokeId string }
	if err := json.Unmarshal(b, &run); err != nil || run.InvokeId == "" {
		return "", errors.New("RunCommand gave no InvokeId")
	}
	return run.InvokeId, nil
}

// results is the answer of DescribeInvocationResults.
type results struct {
	Invocation struct {
		NextToken         string
		InvocationResults struct{ InvocationResult []result }
	}
}

// A result is what one instance made of a command.
type result struct {
	InstanceId, InvokeRecordStatus, Output, ErrorCode, ErrorInfo string
	Dropped, ExitCode                                            int
}

// output is what the command printed, once it is done.
func (r *result) output() (out string, done bool, err error) {
	switch {
	case r.InvokeRecordStatus == "Running" || r.InvokeRecordStatus == "Pending" || r.InvokeRecordStatus == "Scheduled" || r.InvokeRecordStatus == "Stopping":
		return "", false, nil
	case r.InvokeRecordStatus != "Finished":
		return "", true, fmt.Errorf("the instance did not run the command: %s %s %s", r.InvokeRecordStatus, r.ErrorCode, r.ErrorInfo)
	case r.Dropped != 0:
		return "", true, fmt.Errorf("%d bytes of output were dropped", r.Dropped)
	case r.ExitCode != 0:
		return "", true, fmt.Errorf("exit status %d", r.ExitCode)
	default:
		raw, err := base64.StdEncoding.DecodeString(r.Output)
		return string(raw), true, err
	}
}

// pack is gzip in base 64.
func pack(b []byte) string {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // the level is valid, a buffer does not fail
	_, _ = w.Write(b)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(z.Bytes())
}

func unpack(s string, limit int) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return nil, fmt.Errorf("the instance's answer: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the instance's answer: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("more than %d bytes of output", limit)
	}
	return b, err
}
