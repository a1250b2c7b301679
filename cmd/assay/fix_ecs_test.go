package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"assay/internal/cloud/double"
	"assay/internal/need"
	"assay/internal/remote/sshdtest"
)

// A cloudful is a double whose instances are machines with a real sshd: what
// RunCommand sends runs there as root, and RebootInstance restarts them.
type cloudful struct {
	t        *testing.T
	s        *double.Server
	endpoint string
	dir      string // HOME of whoever runs assay
	machines map[string]*sshdtest.Machine
	region   *double.Region
	comesUp  bool // what is restarted comes back
	stop     chan struct{}
	old      sshdtest.Key
	win      *winStandIn
	env      []string // besides the usual, or instead
}

// newCloud makes n Linux instances, i-0 to i-(n-1), that inherited a key and
// passwords, and a Windows instance, i-win.
func newCloud(t *testing.T, n int) *cloudful {
	t.Helper()
	need.Root(t)
	need.Tool(t, "sshd", "unshare", "nsenter", "openssl", "sudo", "setsid")
	c := &cloudful{t: t, dir: t.TempDir(), machines: map[string]*sshdtest.Machine{}, comesUp: true, stop: make(chan struct{}), old: sshdtest.NewKey(t, "builder@laptop")}
	state := double.Careless(time.Now())
	c.region = state.Accounts[0].Regions["cn-hangzhou"]
	web := []double.Tag{{Key: "env", Value: "prod"}}
	for i := range n {
		addr := fmt.Sprintf("127.0.1.%d", i+1)
		id := fmt.Sprintf("i-%d", i)
		c.machines[id] = sshdtest.Start(t, sshdtest.Options{Sshd: "-o ListenAddress=" + addr + ":" + port,
			Setup: sshdtest.User("root", "rootpw", c.old) + sshdtest.User("deploy", "deploypw", c.old)})
		c.region.Instances = append(c.region.Instances, &double.Instance{ID: id, Name: id, OSType: "linux", PublicIP: addr, Assistant: "2.2.3.800", Tags: web})
	}
	c.region.Instances = append(c.region.Instances, &double.Instance{ID: "i-win", Name: "i-win", OSType: "windows", PrivateIP: "10.0.0.12", Assistant: "2.1.3.800"})
	c.win = newWinStandIn()
	c.s = double.New(double.Options{State: state, Command: c.command})
	ctx, cancel := context.WithCancel(context.Background())
	endpoint, done, err := c.s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.endpoint = endpoint
	restarts := make(chan struct{})
	go func() { defer close(restarts); c.restarts() }()
	t.Cleanup(func() { close(c.stop); <-restarts; cancel(); <-done })
	linkAssay(t, c.dir)
	return c
}

// linkAssay makes this test binary the command assay: testscript.Main goes by
// the name.
func linkAssay(t *testing.T, dir string) {
	t.Helper()
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "assay")); err != nil {
		t.Fatal(err)
	}
}

// port is that of every instance's sshd.
const port = "22022"

// command is Cloud Assistant's agent on an instance.
func (c *cloudful) command(cmd double.Command) double.Output {
	if cmd.Instance == "i-win" {
		return c.win.command(cmd)
	}
	m := c.machines[cmd.Instance]
	if m == nil || cmd.Type != "RunShellScript" || cmd.Username != "root" {
		return double.Output{Error: "InstanceNotRunning"}
	}
	out, err := m.Try(cmd.Content)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return double.Output{Exit: exit.ExitCode(), Text: out}
	}
	return double.Output{Text: out}
}

// restarts restarts the machines whose instance was.
func (c *cloudful) restarts() {
	boots := map[string]int{}
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		var now []string
		c.s.View(func(*double.State) {
			for _, i := range c.region.Instances {
				if i.Boots > boots[i.ID] {
					boots[i.ID] = i.Boots
					now = append(now, i.ID)
					if i.ID == "i-win" {
						c.win.restarted(i.PasswordSet)
					}
					if !c.comesUp {
						i.Status = "Starting"
					}
				}
			}
		})
		for _, id := range now {
			if m := c.machines[id]; m != nil {
				_, _ = m.Try("/sbin/reboot") // it kills this shell too
			}
		}
	}
}

func (c *cloudful) instance(id string) (out double.Instance) {
	c.s.View(func(*double.State) {
		for _, i := range c.region.Instances {
			if i.ID == id {
				out = *i
			}
		}
	})
	return out
}

// calls are those of an action of ECS since the last time.
func (c *cloudful) calls(action string) (n int) {
	c.s.View(func(s *double.State) { n = s.Counts["ecs:"+action]; s.Counts["ecs:"+action] = 0 })
	return n
}

func (c *cloudful) cmd(args ...string) *exec.Cmd {
	x := exec.Command(filepath.Join(c.dir, "assay"), args...)
	key := double.Logins()[0]
	x.Dir = c.dir
	x.Env = append(os.Environ(), "HOME="+c.dir, "SSH_AUTH_SOCK=", "LC_ALL=C.UTF-8", "ALIBABA_CLOUD_ACCESS_KEY_ID="+key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+key.Secret)
	x.Env = append(x.Env, c.env...)
	return x
}

// run runs assay and wants an exit code and words.
func (c *cloudful) run(code int, args []string, wants ...string) string {
	c.t.Helper()
	return c.bare(code, append(args, "--endpoint", c.endpoint), wants...)
}

// bare is run for a command that asks no cloud.
func (c *cloudful) bare(code int, args []string, wants ...string) string {
	c.t.Helper()
	x := c.cmd(args...)
	var b bytes.Buffer
	x.Stdout, x.Stderr = &b, &b
	_ = x.Run()
	if x.ProcessState.ExitCode() != code {
		c.t.Fatalf("%v: exit %d, want %d\n%s", args, x.ProcessState.ExitCode(), code, b.String())
	}
	for _, w := range wants {
		if !strings.Contains(b.String(), w) {
			c.t.Errorf("%v: no %q in\n%s", args, w, b.String())
		}
	}
	return b.String()
}

func (c *cloudful) fix(code int, id string, more []string, wants ...string) string {
	c.t.Helper()
	return c.run(code, append([]string{"fix", "ecs://cn-hangzhou/" + id, "--key-pair", "web", "--ssh-port", port, "--accept-new", "-F", "none", "--yes"}, more...), wants...)
}

// opens tries a key with the client of OpenSSH: the attacker's view.
func (c *cloudful) opens(id, user, key string) bool {
	c.t.Helper()
	x := exec.Command("ssh", "-F", "none", "-i", key, "-p", port, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityAgent=none", user+"@"+c.instance(id).PublicIP, "echo in")
	out, _ := x.Output()
	return strings.TrimSpace(string(out)) == "in"
}

// trace is what a fix leaves on a machine while it is not done.
func (c *cloudful) trace(id string) string {
	return c.machines[id].Run("ls -d /var/lib/assay-fix 2>/dev/null; find / -xdev -name '.assay-*' 2>/dev/null; ls -d /run/assay-* /tmp/assay-* 2>/dev/null; true")
}

// TestFixInstance is the story of one instance: inspected and fixed through
// Cloud Assistant, bound by the cloud, restarted, proven over SSH.
func TestFixInstance(t *testing.T) {
	c := newCloud(t, 1)
	target, key := "ecs://cn-hangzhou/i-0", filepath.Join(c.dir, "id_web")
	out := c.run(3, []string{"inspect", target, "--format", "json"}, `"check":"any/ssh/authorized-keys"`, ssh.FingerprintSHA256(c.old.Signer.PublicKey()))
	if strings.Contains(out, "$6$") && !strings.Contains(out, "$6$masked") {
		t.Error("a hash left the machine")
	}
	if !c.opens("i-0", "root", c.old.File) || !c.opens("i-0", "deploy", c.old.File) {
		t.Fatal("the old key does not open the machine before")
	}
	c.run(0, []string{"fix", target, "--key-pair", "web", "--ssh-port", port, "--generate-key", key, "--plan", "-F", "none"}, "unknown", "lock the password of deploy")
	if n := c.calls("AttachKeyPair") + c.calls("ImportKeyPair") + c.calls("RebootInstance"); n != 0 {
		t.Errorf("a plan made %d changes", n)
	}
	c.fix(0, "i-0", []string{"--generate-key", key, "--restart", "--expected-user", "deploy", "--report", "f.json", "--report", "f.html", "--report", "f.sarif", "--report", "f.xml", "--report", "f.txt"},
		"✓ bind the key pair", "✓ restart", "✓ prove that old keys", "done: the new key opens it")
	c.fixReports()
	if i := c.instance("i-0"); i.KeyPair != "web" || i.Boots != 1 || i.PendingKeyPair {
		t.Errorf("%+v", i)
	}
	if !c.opens("i-0", "root", key) || c.opens("i-0", "root", c.old.File) || c.opens("i-0", "deploy", c.old.File) {
		t.Error("the new key does not open it, or the old one does")
	}
	if out := c.trace("i-0"); out != "" {
		t.Errorf("left on the machine: %s", out)
	}
	if out := c.machines["i-0"].Run("test -e /run/rebooted && cut -d: -f2 /etc/shadow | grep -c '^\\$' || true"); out != "0" {
		t.Errorf("passwords that are left, or no restart: %q", out)
	}
	if out := c.run(3, []string{"inspect", target, "--format", "json"}); strings.Contains(out, ssh.FingerprintSHA256(c.old.Signer.PublicKey())) || strings.Contains(out, `"kind":"corrupt"`) {
		t.Errorf("%s", out)
	}
	if j := c.journal(); !strings.Contains(j, `"ecs://cn-hangzhou/i-0": "done with SHA256:`) {
		t.Errorf("journal: %s", j)
	}
}

func (c *cloudful) journal() string {
	b, _ := os.ReadFile(filepath.Join(c.dir, "assay-fix.json"))
	return string(b)
}

// change changes an instance in the cloud.
func (c *cloudful) change(id string, f func(*double.Instance)) {
	c.s.View(func(*double.State) {
		for _, i := range c.region.Instances {
			if i.ID == id {
				f(i)
			}
		}
	})
}

// TestFixInstanceFaults: whatever the cloud refuses, the error says it, the
// machine and the binding are as before, and the old key still opens it.
func TestFixInstanceFaults(t *testing.T) {
	c := newCloud(t, 1)
	key := sshdtest.NewKey(t, "fresh").File
	with := func(more ...string) []string { return append([]string{"--key", key}, more...) }
	same := func(what string) {
		t.Helper()
		if i := c.instance("i-0"); i.KeyPair != "" || !c.opens("i-0", "root", c.old.File) || c.trace("i-0") != "" {
			t.Errorf("%s: %+v, %s", what, i, c.trace("i-0"))
		}
		c.s.Heal()
	}
	c.change("i-0", func(i *double.Instance) { i.Assistant = "" })
	c.calls("RunCommand")
	c.fix(1, "i-0", with(), "agent does not answer")
	c.run(1, []string{"inspect", "ecs://cn-hangzhou/i-0"}, "agent does not answer")
	if n := c.calls("RunCommand"); n != 0 {
		t.Errorf("%d commands for an instance without the agent", n)
	}
	c.change("i-0", func(i *double.Instance) { i.Assistant, i.Status = "2.2.3.800", "Stopped" })
	c.fix(1, "i-0", with(), "is not running: Stopped")
	c.change("i-0", func(i *double.Instance) { i.Status = "" })
	same("unfit")

	denied := func(action string) *double.Fault {
		return &double.Fault{Action: "ecs:" + action, Kind: double.Refuse, Status: 403, Code: "Forbidden.RAM", Text: "User not authorized to operate on the specified resource."}
	}
	c.s.Fail(denied("RunCommand"))
	c.fix(1, "i-0", with(), "Forbidden.RAM", "let a policy allow ecs:RunCommand")
	c.run(1, []string{"inspect", "ecs://cn-hangzhou/i-0"}, "let a policy allow ecs:RunCommand")
	same("RunCommand denied")
	c.s.Fail(denied("AttachKeyPair"))
	if out := c.fix(1, "i-0", with(), "at the step: bind the key pair", "nothing on the machine was changed"); strings.Contains(out, "DetachKeyPair") {
		t.Errorf("%s", out)
	}
	same("AttachKeyPair denied")
	c.s.Fail(&double.Fault{Action: "ecs:RunCommand", Skip: 1, Kind: double.Refuse, Status: 403, Code: "Forbidden.RAM", Text: "no"}) // the probe passes
	c.fix(1, "i-0", with(), "at the step: back up")
	same("RunCommand denied after the probe")
	if j := c.journal(); !strings.Contains(j, "failed: ") || !strings.Contains(j, "Forbidden.RAM") {
		t.Errorf("journal: %s", j)
	}

	c.comesUp = false
	c.fix(1, "i-0", with("--restart", "--restart-wait", "8s"), "did not come back from its restart (it is Starting)", "stays bound", "run the same command again")
	if i := c.instance("i-0"); i.KeyPair != "web" {
		t.Errorf("%+v", i)
	}
	c.change("i-0", func(i *double.Instance) { i.Status = "" })
	c.fix(1, "i-0", with("--restart", "--restart-wait", "8s", "--lang", "zh"), "新公钥已写入并保持绑定，旧凭证仍可使用", "请再次执行同一命令")
	c.change("i-0", func(i *double.Instance) { i.Status = "" })
	c.comesUp = true
	if !c.opens("i-0", "root", c.old.File) || !c.opens("i-0", "root", key) || c.trace("i-0") != "" {
		t.Error("after a restart that did not end")
	}

	c.s.Fail(&double.Fault{Action: "*", Skip: 2, Times: 3, Kind: double.Throttle}, &double.Fault{Action: "ecs:DescribeInvocationResults", Times: 2, Kind: double.Cut},
		&double.Fault{Action: "ecs:AttachKeyPair", Times: 1, Kind: double.CutAfter})
	c.fix(0, "i-0", with("--expected-user", "deploy"), "done: the new key opens it") // throttled and cut: patience
	if c.opens("i-0", "root", c.old.File) || !c.opens("i-0", "root", key) {
		t.Error("after a storm")
	}
}

// TestFixAll: a plan asks 24 instances with one command; a fix that is killed
// goes on from its journal; what is unfit is named and is not done. Instances
// from the fourth on are seen by the plan alone, and share a machine.
func TestFixAll(t *testing.T) {
	c := newCloud(t, 3)
	c.s.View(func(*double.State) {
		for i := 3; i < 25; i++ {
			id := fmt.Sprintf("i-%d", i)
			c.region.Instances = append(c.region.Instances, &double.Instance{ID: id, OSType: "linux", PublicIP: "127.0.1.1", Assistant: "2.2.3.800", Tags: []double.Tag{{Key: "env", Value: "prod"}}})
			c.machines[id] = c.machines["i-0"]
		}
	})
	for _, id := range []string{"i-0", "i-1", "i-2", "i-3"} {
		c.change(id, func(i *double.Instance) { i.Tags = append(i.Tags, double.Tag{Key: "real", Value: "yes"}) })
	}
	c.change("i-3", func(i *double.Instance) { i.Assistant = "" })
	key := sshdtest.NewKey(t, "fresh").File
	all := []string{"fix", "--all", "--region", "cn-hangzhou", "--key", key, "--key-pair", "web", "--ssh-port", port, "--accept-new", "-F", "none", "--expected-user", "deploy"}
	c.calls("RunCommand")
	c.run(1, append(all[:len(all):len(all)], "--filter", "tag:env=prod", "--plan"), "i-3: not tried: its Cloud Assistant agent", "i-24: plan", "1 of 25 machines cannot be planned")
	if n := c.calls("RunCommand"); n != 1 {
		t.Errorf("%d commands for the probes of 24 instances", n)
	}
	args := append(all[:len(all):len(all)], "--filter", "tag:real=yes", "--yes")
	x := c.cmd(append(args[:len(args):len(args)], "--endpoint", c.endpoint)...)
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	for range 1200 { // until the first is done and the others are at work
		if c.instance("i-1").KeyPair != "" && c.machines["i-1"].Run("ls -d /var/lib/assay-fix/armed 2>/dev/null || true") != "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.run(1, args, "the journal assay-fix.json cannot be used", "another assay fix works with this journal")
	c.run(1, append(args, "--lang", "zh"), "另一个 assay fix 正在使用该进度文件")
	_ = x.Process.Kill()
	_ = x.Wait()
	if j := c.journal(); !strings.Contains(j, `i-0": "done with`) || !strings.Contains(j, `i-1": "started"`) {
		t.Fatalf("journal after the kill: %s", j)
	}
	if !c.opens("i-1", "root", c.old.File) && !c.opens("i-1", "root", key) {
		t.Error("nobody gets in after the kill")
	}
	if _, err := os.Stat(filepath.Join(c.dir, "assay-fix.json.lock")); err != nil {
		t.Error("the journal was not locked")
	}
	c.run(1, args, "an earlier fix was interrupted here: it is undone first", "1 of 4 machines failed")
	for _, id := range []string{"i-0", "i-1", "i-2"} {
		if c.instance(id).KeyPair != "web" || !c.opens(id, "root", key) || c.opens(id, "root", c.old.File) || c.trace(id) != "" {
			t.Errorf("%s: %+v", id, c.instance(id))
		}
		if !strings.Contains(c.journal(), id+`": "done with`) {
			t.Errorf("%s: %s", id, c.journal())
		}
	}
	if strings.Contains(c.journal(), "keyPairsBefore") {
		t.Errorf("%s", c.journal())
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fixReports reads the reports of a fix in every format.
func (c *cloudful) fixReports() {
	c.t.Helper()
	r := readFile(c.t, filepath.Join(c.dir, "f.json"))
	ps := parts(c.t, r)
	if len(ps) != 2 || ps[0].command != "fix" || ps[1].command != "inspect" || ps[0].clean || !ps[1].clean || ps[0].err != "" || ps[0].keys["finding"] == 0 || ps[1].keys["finding"] > 2 {
		c.t.Fatalf("%+v\n%s", ps, r)
	}
	if n := ps[0].results["done"]; n != ps[0].keys["action"] || n < 8 {
		c.t.Errorf("%+v", ps[0])
	}
	for _, want := range []string{`"op":"bind-key-pair"`, `"op":"place-key"`, `"op":"restart"`, `"op":"remove-line"`, `"op":"lock-password"`, `"op":"set-sshd"`, `"op":"prove-login"`,
		`"keys":[{"users":["root"]`, `"owner":"unknown"`, ssh.FingerprintSHA256(c.old.Signer.PublicKey())} {
		if !strings.Contains(r, want) {
			c.t.Errorf("no %s in\n%s", want, r)
		}
	}
	for name, wants := range map[string][]string{"f.html": {"lock the password of deploy", "CLEAN WITHIN ITS SCOPE"}, "f.sarif": {`"version": "2.1.0"`, "authorized-keys"},
		"f.xml": {"assay.gap.scope"}, "f.txt": {"Keys that open it, before", "lock the password of deploy: done", "CLEAN WITHIN ITS SCOPE"}} {
		for _, w := range wants {
			if b := readFile(c.t, filepath.Join(c.dir, name)); !strings.Contains(b, w) {
				c.t.Errorf("%s does not say %q\n%.3000s", name, w, b)
			}
		}
	}
	if out := c.bare(0, []string{"render", "f.json", "--lang", "zh"}); !strings.Contains(out, "锁定 deploy 的密码: 已完成") {
		c.t.Errorf("%s", out)
	}
}

// TestFixMaxFailures: a fix of many stops when more machines than allowed have
// failed; those are as they were, the rest is untouched, and the same command
// goes on when they are mended.
func TestFixMaxFailures(t *testing.T) {
	c := newCloud(t, 4)
	key := sshdtest.NewKey(t, "fresh").File
	const hurt = "echo 'NoSuchKeyword yes' >/etc/ssh/sshd_config.d/zz.conf"
	for _, id := range []string{"i-0", "i-2"} {
		c.machines[id].Run(hurt)
	}
	args := []string{"fix", "--all", "--region", "cn-hangzhou", "--filter", "tag:env=prod", "--key", key, "--key-pair", "web", "--ssh-port", port, "--accept-new", "-F", "none",
		"--expected-user", "deploy", "--yes", "--parallel", "1", "--max-failures", "1", "--format", "json"}
	out := c.run(1, args, "too many machines failed: the rest was not touched", "sshd refuses its settings already", "nothing on the machine was changed")
	for id, want := range map[string]bool{"i-0": false, "i-1": true, "i-2": false, "i-3": false} { // fixed?
		if c.opens(id, "root", key) != want || c.opens(id, "root", c.old.File) == want || c.trace(id) != "" || (c.instance(id).KeyPair == "web") != want {
			t.Errorf("%s: %+v %s", id, c.instance(id), c.trace(id))
		}
	}
	if j := c.journal(); strings.Count(j, `": "failed: `) != 2 || strings.Contains(j, "i-3") {
		t.Errorf("%s", j)
	}
	var stream strings.Builder
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, `{"`) {
			stream.WriteString(line)
		}
	}
	ps := parts(t, stream.String())
	if len(ps) != 4 || ps[0].err == "" || ps[0].results["planned"] == 0 || ps[0].results["done"] != 0 || ps[1].err != "" || ps[2].command != "inspect" || ps[3].err == "" {
		t.Errorf("%+v", ps)
	}
	for _, id := range []string{"i-0", "i-2"} {
		c.machines[id].Run("rm /etc/ssh/sshd_config.d/zz.conf")
	}
	c.run(0, args, "0 of 4 machines failed")
	for _, id := range []string{"i-0", "i-1", "i-2", "i-3"} {
		if !c.opens(id, "root", key) || c.opens(id, "root", c.old.File) {
			t.Errorf("%s was not fixed", id)
		}
	}
}
