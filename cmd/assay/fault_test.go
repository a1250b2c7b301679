package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud/double"
)

// TestCredentialMessages shows what a person reads when nobody is let in: no
// audit, exit 1, the reason and what to do, in both languages.
func TestCredentialMessages(t *testing.T) {
	state := double.Careless(time.Now())
	state.Sessions = []*double.AccessKey{{ID: "STS.old", Secret: "s", Token: "t", Account: double.CarelessAccount, Role: "image-pipeline", Session: "x", Expires: time.Now().Add(-time.Minute)}}
	c := &cloudful{t: t, dir: t.TempDir()}
	linkAssay(t, c.dir)
	now := listen(t, double.Options{State: state})
	late := listen(t, double.Options{State: double.Careless(time.Now()), Now: func() time.Time { return time.Now().Add(time.Hour) }})
	admin := double.Logins()[0]
	for _, w := range []struct {
		name, endpoint, id, secret, token, en, zh string
	}{
		{"no such key", now, "nobody", "s", "", "this AccessKey does not exist or is disabled", "该 AccessKey 不存在或已禁用"},
		{"wrong secret", now, admin.ID, "wrong", "", "the AccessKey secret is wrong", "AccessKey Secret 不正确"},
		{"expired token", now, "STS.old", "s", "t", "the temporary credentials have expired", "临时凭证（STS Token）已过期"},
		{"clock skew", late, admin.ID, admin.Secret, "", "set this machine's clock: the service accepts 15 minutes of difference (it is off by", "请校准本机时钟：服务只接受 15 分钟以内的偏差（当前偏差"},
	} {
		c.endpoint = w.endpoint
		c.env = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + w.id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + w.secret, "ALIBABA_CLOUD_SECURITY_TOKEN=" + w.token}
		for _, args := range [][]string{{"audit", "--no-progress"}, {"policy", "attach", "--target", "user/builder", "--scope", "user", "--yes"}, {"inspect", "ecs://cn-hangzhou/i-1"}} {
			c.run(1, args, w.en)
			c.run(1, append(args, "--lang", "zh"), w.zh)
		}
	}
}

// TestFindingsCommands runs every command of assay that a finding of an audit
// names, words in capitals and all: none may be wrong usage.
func TestFindingsCommands(t *testing.T) {
	c := &cloudful{t: t, dir: t.TempDir(), endpoint: listen(t, double.Options{State: double.Careless(time.Now())})}
	linkAssay(t, c.dir)
	seen := map[string]bool{}
	for line := range strings.Lines(c.run(3, []string{"audit", "--no-progress", "--format", "json"})) {
		var m struct {
			Finding *struct{ Fix *struct{ Commands []string } }
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Finding == nil || m.Finding.Fix == nil {
			continue
		}
		for _, cmd := range m.Finding.Fix.Commands {
			f := strings.Fields(cmd)
			if f[0] != "assay" || seen[cmd] {
				continue
			}
			seen[cmd] = true
			args := append(f[1:], "--endpoint", c.endpoint)
			if f[1] != "inspect" {
				args = append(args, "--plan")
			}
			x := c.cmd(args...)
			out, _ := x.CombinedOutput()
			if x.ProcessState.ExitCode() == 2 && !strings.Contains(string(out), "GROUP") {
				t.Errorf("%s\n%s", cmd, out)
			}
		}
	}
	if len(seen) < 3 {
		t.Errorf("%v", seen)
	}
}

// TestPolicyStream: what binding and proving do is told in every format, and
// what was told while it happened stays readable.
func TestPolicyStream(t *testing.T) {
	c := &cloudful{t: t, dir: t.TempDir(), endpoint: listen(t, double.Options{State: double.Careless(time.Now())})}
	linkAssay(t, c.dir)
	as := func(id string) {
		for _, l := range double.Logins() {
			if l.ID == id {
				c.env = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + l.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + l.Secret}
			}
		}
	}
	stream := func(out string) []part {
		var b strings.Builder
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, `{"`) {
				b.WriteString(line)
			}
		}
		return parts(t, b.String())
	}
	as("DoubleBuilder")
	ps := stream(c.run(3, []string{"policy", "attach", "--prove", "--format", "json", "--report", "p.html", "--report", "p.sarif", "--report", "p.xml"}, "WORKS", `"check":"account/policy/proof"`))
	if len(ps) != 1 || ps[0].command != "policy attach" || ps[0].clean || ps[0].keys["finding"] == 0 {
		t.Errorf("%+v", ps)
	}
	as("DoubleManagement")
	bind := []string{"policy", "attach", "--target", "r-careless", "--canary", "fd-careless002"}
	if ps = stream(c.run(0, append(bind, "--plan", "--format", "json"))); len(ps) != 1 || ps[0].results["planned"] == 0 || ps[0].results["done"] != 0 {
		t.Errorf("plan: %+v", ps)
	}
	if ps = stream(c.run(0, append(bind, "--yes", "--format", "json", "--report", "b.txt", "--lang", "zh"), "已验证")); len(ps) != 1 || ps[0].results["done"] == 0 || ps[0].results["planned"] != 0 || !ps[0].clean {
		t.Errorf("attach: %+v", ps)
	}
	if b := readFile(t, filepath.Join(c.dir, "b.txt")); !strings.Contains(b, "变更") || !strings.Contains(b, "已完成") {
		t.Errorf("%s", b)
	}
	if out := c.run(0, []string{"policy", "detach", "--yes"}); strings.Contains(out, `{"`) {
		t.Errorf("%s", out)
	}
	as("DoubleBuilder")
	if ps = stream(c.run(1, append(bind, "--yes", "--format", "json"))); len(ps) != 1 || ps[0].err == "" {
		t.Errorf("denied: %+v", ps)
	}
}

// listen serves a double while the test runs.
func listen(t *testing.T, o double.Options) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	endpoint, done, err := double.New(o).Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-done })
	return endpoint
}
