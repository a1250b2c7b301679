package assistant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/remote"
)

// fake runs commands in the sh of this host and answers as ECS does.
type fake struct {
	t       *testing.T
	out     map[string]string
	exit    int
	content int // longest
	calls   int
}

func (f *fake) Call(_ context.Context, r cloud.Request) (json.RawMessage, error) {
	switch r.Action {
	case "RunCommand":
		f.calls++
		f.content = max(f.content, len(r.Params["CommandContent"]))
		text, _ := base64.StdEncoding.DecodeString(r.Params["CommandContent"])
		out, _ := exec.Command("sh", "-c", string(text)).Output()
		f.out = map[string]string{"t-1": string(out)}
		return json.RawMessage(`{"InvokeId":"t-1"}`), nil
	case "DescribeInvocationResults":
		out := f.out[r.Params["InvokeId"]]
		dropped := max(0, len(out)-24<<10)
		return json.Marshal(map[string]any{"Invocation": map[string]any{"InvocationResults": map[string]any{"InvocationResult": []any{map[string]any{
			"InvokeRecordStatus": "Finished", "Output": base64.StdEncoding.EncodeToString([]byte(out[:len(out)-dropped])), "Dropped": dropped, "ExitCode": f.exit}}}}})
	}
	f.t.Fatalf("unexpected %s", r.Action)
	return nil, nil
}

func TestRun(t *testing.T) {
	f := &fake{t: t}
	s := New(f, "cn-hangzhou", "i-1", time.Millisecond)
	in := "a'b\n\\n$x"
	r, err := s.Run(t.Context(), remote.Script{Name: "x", Text: "cat; echo \"it's\" >&2; exit 3", Stdin: []byte(in)})
	if err != nil || string(r.Stdout) != in || string(r.Stderr) != "it's\n" || r.Exit != 3 {
		t.Errorf("%q %q %d %v", r.Stdout, r.Stderr, r.Exit, err)
	}
	r, err = s.Run(t.Context(), remote.Script{Name: "long", Text: "head -c 90000 /dev/urandom | base64", Limit: 1 << 20})
	if err != nil || len(r.Stdout) < 100000 || f.calls < 5 {
		t.Errorf("%d bytes in %d calls, %v", len(r.Stdout), f.calls, err)
	}
	if out, _ := exec.Command("sh", "-c", "ls -d /run/assay-out.* /tmp/assay-out.* 2>/dev/null").Output(); len(out) != 0 {
		t.Errorf("left behind: %s", out)
	}
	if _, err = s.Run(t.Context(), remote.Script{Name: "huge", Text: "head -c 3000000 /dev/urandom | base64"}); err == nil || !strings.Contains(err.Error(), "ssh://") {
		t.Errorf("huge: %v", err)
	}
	exec.Command("sh", "-c", "rm -rf /run/assay-out.* /tmp/assay-out.*").Run()
	f.exit = 1
	if _, err = s.Run(t.Context(), remote.Script{Text: "true"}); err == nil {
		t.Error("a command that failed before the script")
	}
}

// TestNoSecret: what travels through Cloud Assistant holds no hash.
func TestNoSecret(t *testing.T) {
	f := &fake{t: t}
	s := New(f, "cn-hangzhou", "i-1", time.Millisecond)
	b, err := remote.Probe(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	if err := remote.Files(strings.NewReader(string(b)), func(f remote.File) { seen[f.Path] = f.Data }); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(seen["/etc/passwd"], "root:x:0:0") || seen["/etc/shadow"] == "" || f.content > 24<<10 {
		t.Errorf("%d files, %d", len(seen), f.content)
	}
	for line := range strings.Lines(seen["/etc/shadow"]) {
		if h := strings.Split(line, ":")[1]; len(h) > 3 && !strings.HasSuffix(h, "$masked$masked") {
			t.Errorf("%q", line)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]byte("x")))
	f.Fuzz(func(t *testing.T, s string) { _, _ = unpack(s, 1000) })
}
