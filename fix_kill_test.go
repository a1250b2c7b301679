package assay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
	"assay/internal/fleet"
	"assay/internal/remote/assistant"
	"assay/internal/remote/openssh"
	"assay/internal/remote/sshdtest"
)

// A victim is a machine and the ways to it, as a fix is told of them.
type victim struct {
	*sshdtest.Machine
	old, fresh sshdtest.Key
	way        string // "ssh", "ecs", or "restart": over ssh, with a restart
	endpoint   string // of the double
}

const victimRegion, victimID = "cn-hangzhou", "i-victim"

// newVictim starts a machine that inherited keys and passwords; for "ecs", the
// double runs on it what Cloud Assistant is told.
func newVictim(t *testing.T, way string) *victim {
	t.Helper()
	evil := sshdtest.NewKey(t, "evil")
	v := &victim{old: sshdtest.NewKey(t, "old"), fresh: sshdtest.NewKey(t, "fresh"), way: way}
	v.Machine = sshdtest.Start(t, sshdtest.Options{Setup: sshdtest.User("root", "rootpw", v.old) + sshdtest.User("deploy", "deploypw", evil) + sshdtest.User("left", "leftpw", evil) + careless})
	if way != "ecs" {
		return v
	}
	state := double.Careless(time.Now())
	region := state.Accounts[0].Regions[victimRegion]
	region.Instances = append(region.Instances, &double.Instance{ID: victimID, Name: victimID, OSType: "linux", PublicIP: "127.0.0.1", Assistant: "2.2.3.800"})
	s := double.New(double.Options{State: state, Command: func(c double.Command) double.Output {
		out, err := v.Try(c.Content)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return double.Output{Exit: exit.ExitCode(), Text: out}
		}
		return double.Output{Text: out}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	endpoint, done, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-done })
	v.endpoint = endpoint
	return v
}

// child is the process that fixes the victim and is killed at a moment.
func (v *victim) child(at string, rollback time.Duration) *exec.Cmd {
	c := exec.Command(os.Args[0], "-test.run", "^TestFixChild$", "-test.v")
	key := double.Logins()[0]
	c.Env = append(os.Environ(), "ASSAY_TEST_KILL="+at, "ALIBABA_CLOUD_ACCESS_KEY_ID="+key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+key.Secret,
		"ASSAY_TEST_FIX="+strings.Join([]string{v.Port, v.old.File, v.fresh.File, v.Dir, v.way, v.endpoint + "-", rollback.String()}, " "))
	return c
}

// TestFixChild is the process that is killed, or that runs to its end and tells
// its steps.
func TestFixChild(t *testing.T) {
	at := os.Getenv("ASSAY_TEST_KILL")
	if at == "" {
		t.Skip("runs with ASSAY_TEST_KILL, in a child of TestFixKilled")
	}
	f := strings.Fields(os.Getenv("ASSAY_TEST_FIX")) // port, old, fresh, dir, way, endpoint, rollback
	m := &sshdtest.Machine{Port: f[0], Dir: f[3]}
	key, err := openssh.ReadIdentity(f[2], nil)
	if err != nil {
		t.Fatal(err)
	}
	rollback, err := time.ParseDuration(f[6])
	if err != nil {
		t.Fatal(err)
	}
	target := FixTarget{SSH: sshClient(t, m, "root", openssh.Options{Identities: []string{f[1]}})}
	switch f[4] {
	case "ssh", "restart":
		conn, err := target.SSH.Login(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		target.Admin = conn
	case "ecs":
		c, err := aliyun.New(aliyun.Options{Endpoint: strings.TrimSuffix(f[5], "-"), Region: victimRegion})
		if err != nil {
			t.Fatal(err)
		}
		line, err := os.ReadFile(f[2] + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		target.Admin = assistant.New(c, victimRegion, victimID, 50*time.Millisecond)
		target.Bind = &fleet.KeyPairBinder{Caller: c, Instance: fleet.ECS{Region: victimRegion, ID: victimID, Status: "Running"}, Name: "fresh", Public: strings.TrimSpace(string(line))}
	}
	o := FixOptions{NewKey: key, RemoveUsers: []string{"left"}, Rollback: rollback, Restart: f[4] == "restart"}
	p, err := PlanFix(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	die := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	step, moment, _ := strings.Cut(at, ":")
	_, err = RunFix(t.Context(), target, p, o, func(e fleet.Event) {
		fmt.Printf("at %s:%s %d\n", e.Step, e.State, time.Now().UnixMilli())
		if e.Step+":"+string(e.State) == at {
			die()
		}
		if wait, err := time.ParseDuration(moment); err == nil && e.Step == step && e.State == fleet.Started {
			go func() { time.Sleep(wait); die() }()
		}
	})
	if at != "never" || err != nil {
		t.Fatalf("was not killed at %s: %v", at, err)
	}
}

// enters logs in with the client of OpenSSH. An answer that is no answer, of a
// server that reads its files again, is asked for once more.
func (v *victim) enters(t *testing.T, user, key string) bool {
	t.Helper()
	for range 40 {
		out, err := exec.Command("ssh", "-F", "none", "-i", key, "-p", v.Port, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=20", user+"@127.0.0.1", "echo in").CombinedOutput()
		if err == nil && strings.Contains(string(out), "in") {
			return true
		}
		if strings.Contains(string(out), "Permission denied") {
			return false
		}
		time.Sleep(250 * time.Millisecond)
	}
	t.Fatalf("no answer for %s", user)
	return false
}

// steps are what a fix of this way goes through, with how long each took,
// measured on a machine of its own.
func measure(t *testing.T, way string) (steps []string, took map[string]time.Duration, all time.Duration) {
	t.Helper()
	v := newVictim(t, way)
	began := time.Now()
	out, err := v.child("never", 5*time.Minute).CombinedOutput()
	all = time.Since(began)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took = map[string]time.Duration{}
	last := int64(0)
	for line := range strings.Lines(string(out)) {
		var what string
		var ms int64
		if n, _ := fmt.Sscanf(line, "at %s %d", &what, &ms); n != 2 {
			continue
		}
		step, state, _ := strings.Cut(what, ":")
		if state == string(fleet.Started) {
			steps, last = append(steps, step), ms
		} else {
			took[step] = time.Duration(ms-last) * time.Millisecond
		}
	}
	if len(steps) < 10 || steps[len(steps)-1] != "confirm" {
		t.Fatalf("steps: %v\n%s", steps, out)
	}
	return steps, took, all
}

// TestFixKilled kills a fix with SIGKILL before every step of its plan, in the
// middle of each and after the last, over SSH and through Cloud Assistant. At
// every moment from then on the new or the old key enters, and in the end the
// machine is as it was, or done, and the next fix goes through. Without
// ASSAY_SOAK only some moments are tried: the longest steps, in the middle.
func TestFixKilled(t *testing.T) {
	needMachine(t)
	soak := os.Getenv("ASSAY_SOAK") != ""
	for _, way := range []string{"ssh", "ecs", "restart"} {
		if way == "restart" && !soak {
			continue
		}
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			steps, took, all := measure(t, way)
			var at []string
			for _, s := range steps {
				if soak {
					at = append(at, s+":started")
				}
				if took[s] > 5*time.Millisecond && (soak || s == "keys" || s == "sshd" || s == "confirm") {
					at = append(at, s+":"+(time.Duration(rand.Int64N(int64(took[s])))).String())
				}
			}
			at = append(at, "confirm:done")
			together := make(chan bool, 2) // machines at a time
			for _, a := range at {
				t.Run(strings.ReplaceAll(a, "/", "-"), func(t *testing.T) {
					t.Parallel()
					together <- true
					defer func() { <-together }()
					killed(t, newVictim(t, way), a, max(10*time.Second, 4*all))
				})
			}
		})
	}
}

const victimState = "cat /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*; stat -c '%n %a %u %g' /etc/shadow /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* /root/.ssh/* /home/*/.ssh/*"

// without is the victim's state, without the line of the new key if that stays.
func (v *victim) without(t *testing.T, key bool) string {
	t.Helper()
	s := v.Run(victimState)
	if !key {
		return s
	}
	return strings.Replace(s, strings.TrimSuffix(v.fresh.Public, " fresh")+"\n", "", 1)
}

func killed(t *testing.T, v *victim, at string, rollback time.Duration) {
	before := v.Run(victimState)
	out, err := v.child(at, rollback).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		if strings.Contains(at, ":started") || strings.Contains(at, ":done") || err != nil && !strings.Contains(string(out), "was not killed") {
			t.Fatalf("the child was not killed: %v\n%s", err, out)
		}
		t.Logf("the step was over before %s", at) // a shorter one than was measured: then the fix is done
	}
	for end := time.Now().Add(rollback + 90*time.Second); ; {
		// Between two questions the guard may act: they are asked twice.
		if !slices.ContainsFunc([]string{v.fresh.File, v.old.File, v.fresh.File, v.old.File}, func(k string) bool { return v.enters(t, "root", k) }) {
			t.Fatal("locked out")
		}
		if _, err := v.Try("test -e /var/lib/assay-fix/armed -o -e /var/lib/assay-fix/fired"); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the guard did not act:\n%s", v.Run("ls -la /var/lib/assay-fix; cat /proc/uptime; ps ax"))
		}
		time.Sleep(300 * time.Millisecond)
	}
	a := attacker{t, v.Machine}
	kept := v.way == "restart" && v.enters(t, "root", v.fresh.File) && v.enters(t, "root", v.old.File) // the new key stays for the restart
	if !kept && v.enters(t, "root", v.fresh.File) {                                                    // only a fix that was confirmed leaves it in
		if !strings.HasPrefix(at, "confirm:") && !strings.Contains(string(out), "at confirm:") {
			t.Errorf("the new key is in, and nothing was confirmed\n%s", out)
		}
		a.want("old key", v.enters(t, "root", v.old.File), false)
		a.want("deploy's password", a.password("deploy", "deploypw"), false)
		return
	}
	if at == "confirm:done" {
		t.Error("a fix that was done was taken back")
	}
	a.want("old key", v.enters(t, "root", v.old.File), true)
	a.want("deploy's password", a.password("deploy", "deploypw"), true)
	if after := v.without(t, kept); after != before {
		t.Errorf("not as it was:\n%s\n-- was --\n%s", after, before)
	}
	// And the next fix goes through.
	if out, err := v.child("never", 5*time.Minute).CombinedOutput(); err != nil {
		t.Fatalf("the fix after it: %v\n%s", err, out)
	}
	a.want("new key in the end", v.enters(t, "root", v.fresh.File), true)
	a.want("old key in the end", v.enters(t, "root", v.old.File), false)
	gone(t, v.Machine)
}
