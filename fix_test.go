package assay

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"assay/internal/fleet"
	"assay/internal/need"
	"assay/internal/remote"
	"assay/internal/remote/openssh"
	"assay/internal/remote/sshdtest"
)

func needMachine(t *testing.T) {
	t.Helper()
	need.Root(t)
	need.Tool(t, "sshd", "unshare", "nsenter", "openssl", "sudo", "setsid")
}

// login is how the operator comes in today.
func sshClient(t testing.TB, m *sshdtest.Machine, user string, o openssh.Options) *openssh.Client {
	t.Helper()
	o.KnownHosts, o.AcceptNew = []string{filepath.Join(m.Dir, "known_hosts")}, true
	if o.Identities == nil {
		o.Identities = []string{"/absent"}
	}
	tg, err := openssh.ParseTarget(m.Target(user))
	if err != nil {
		t.Fatal(err)
	}
	c, err := openssh.NewClient(tg, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fix runs a whole fix, as cmd/assay does.
func fix(ctx context.Context, t testing.TB, c *openssh.Client, fo FixOptions, old []OldCredential, event func(fleet.Event)) (*FixPlan, error) {
	t.Helper()
	conn, err := c.Login(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Run(ctx, remote.Script{Name: "true", Text: "true"}); err != nil {
		t.Fatal(err)
	}
	fo.SudoAsks = conn.UsesSudoPassword()
	target := FixTarget{Admin: conn, SSH: c, Old: old}
	p, err := PlanFix(ctx, target, fo)
	if err != nil {
		return p, err
	}
	_, err = RunFix(ctx, target, p, fo, event)
	return p, err
}

// An attacker tries what was left in the image.
type attacker struct {
	t testing.TB
	m *sshdtest.Machine
}

func (a attacker) key(user string, k sshdtest.Key) bool {
	a.t.Helper()
	return a.try(user, func(c *openssh.Client) (bool, error) { return c.TryKey(context.Background(), user, k.Signer) })
}

func (a attacker) password(user, pw string) bool {
	a.t.Helper()
	return a.try(user, func(c *openssh.Client) (bool, error) { return c.TryPassword(context.Background(), user, pw) })
}

// try tries until the server gives an answer: it may be reading its files again.
func (a attacker) try(user string, f func(*openssh.Client) (bool, error)) bool {
	a.t.Helper()
	var err error
	for range 30 {
		var ok bool
		if ok, err = f(sshClient(a.t, a.m, user, openssh.Options{})); err == nil {
			return ok
		}
		time.Sleep(200 * time.Millisecond)
	}
	a.t.Fatalf("no answer for %s: %v", user, err)
	return false
}

func (a attacker) want(what string, got, want bool) {
	a.t.Helper()
	if got != want {
		a.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// gone wants that no trace of the fix is left on the machine.
func gone(t *testing.T, m *sshdtest.Machine) {
	t.Helper()
	if out := m.Run("ls -d /var/lib/assay-fix /etc/cron.d/assay-fix-guard 2>/dev/null; find / -xdev -name '.assay-fix.*' 2>/dev/null; ps ax 2>/dev/null | grep '[g]uard.sh'; true"); out != "" {
		t.Errorf("left on the machine:\n%s", out)
	}
}

const careless = `
echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf
printf '%s\n' 'Match User deploy' ' PasswordAuthentication yes' >>/etc/ssh/sshd_config
printf '%s\n' 'Match User match2' ' PasswordAuthentication yes' >/etc/ssh/sshd_config.d/60-m.conf
`

func TestFix(t *testing.T) {
	needMachine(t)
	old, fresh, mine, evil := sshdtest.NewKey(t, "old"), sshdtest.NewKey(t, "fresh"), sshdtest.NewKey(t, "colleague"), sshdtest.NewKey(t, "evil")
	m := sshdtest.Start(t, sshdtest.Options{Setup: sshdtest.User("root", "rootpw", old, mine) + sshdtest.User("deploy", "deploypw", evil) +
		sshdtest.User("match2", "m2pw") + sshdtest.User("left", "leftpw", evil) + "usermod -aG sudo left\n" + careless + "chattr +i /home/deploy/.ssh/authorized_keys 2>/dev/null || :"})
	a := attacker{t, m}
	a.want("root old key before", a.key("root", old), true)
	a.want("deploy password before", a.password("deploy", "deploypw"), true)
	a.want("match2 password before", a.password("match2", "m2pw"), true)
	a.want("left key before", a.key("left", evil), true)

	c := sshClient(t, m, "root", openssh.Options{Identities: []string{old.File}})
	tr := fleet.Trust{Keys: map[string]string{ssh.FingerprintSHA256(mine.Signer.PublicKey()): "team"}}
	var steps []string
	p, err := fix(t.Context(), t, c, FixOptions{NewKey: fresh.Signer, Comment: "fresh", Trust: tr, RemoveUsers: []string{"left"}},
		[]OldCredential{{Name: "old key", User: "root", Try: func(ctx context.Context) (bool, error) { return c.TryKey(ctx, "root", old.Signer) }}},
		func(e fleet.Event) { steps = append(steps, e.Step+":"+string(e.State)) })
	if err != nil {
		t.Fatalf("%v\n%v\n%s", err, steps, m.Run("ls -la /var/lib/assay-fix; cat /var/lib/assay-fix/new"))
	}
	if len(p.Plan.Remove) != 3 || len(p.Plan.Lock) != 3 {
		t.Errorf("plan: %+v", p.Plan)
	}
	a.want("root new key", a.key("root", fresh), true)
	a.want("root trusted key", a.key("root", mine), true)
	a.want("root old key", a.key("root", old), false)
	a.want("root password", a.password("root", "rootpw"), false)
	a.want("deploy key", a.key("deploy", evil), false)
	a.want("deploy password", a.password("deploy", "deploypw"), false)
	a.want("match2 password", a.password("match2", "m2pw"), false)
	a.want("left key", a.key("left", evil), false)
	a.want("left password", a.password("left", "leftpw"), false)
	gone(t, m)
	if out := m.Run("grep -c . /etc/ssh/sshd_config.d/00-assay.conf; id left 2>&1; grep left /etc/group /etc/gshadow /etc/subuid; stat -c '%a %U %G' /etc/shadow /home/deploy/.ssh/authorized_keys; pwck -rq; grpck -r"); !strings.Contains(out, "no such user") ||
		!strings.Contains(out, "640 root shadow\n600 deploy deploy") || strings.Contains(out, "left:") {
		t.Errorf("%s", out)
	}
	// Once more: nothing is left to do but to prove it.
	c2 := sshClient(t, m, "root", openssh.Options{Identities: []string{fresh.File}})
	p, err = fix(t.Context(), t, c2, FixOptions{NewKey: fresh.Signer, Trust: tr}, nil, nil)
	if err != nil || !p.Plan.Empty() {
		t.Errorf("again: %v, %+v", err, p.Plan)
	}
	gone(t, m)
}

// TestFixWays logs in in every way that leaves no way back when it is taken
// away too early.
func TestFixWays(t *testing.T) {
	needMachine(t)
	fresh, old := sshdtest.NewKey(t, "fresh"), sshdtest.NewKey(t, "old")
	for name, c := range map[string]struct {
		setup, user string
		o           openssh.Options
		kept        string // user whose password must stay for sudo
	}{
		"password only, root":           {sshdtest.User("root", "rootpw"), "root", openssh.Options{Password: "rootpw"}, ""},
		"password only, no .ssh folder": {sshdtest.User("root", "rootpw") + "rm -rf /root/.ssh", "root", openssh.Options{Password: "rootpw"}, ""},
		"sudo with a password":          {sshdtest.User("ops", "opspw", old) + "echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/ops", "ops", openssh.Options{Identities: []string{old.File}, SudoPassword: "opspw"}, "ops"},
		"sudo without":                  {sshdtest.User("ops", "opspw", old) + "echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops", "ops", openssh.Options{Identities: []string{old.File}}, ""},
		"keys beside the home": {sshdtest.User("root", "rootpw", old) + "mkdir /etc/ssh/keys; mv /root/.ssh/authorized_keys /etc/ssh/keys/root; chmod 644 /etc/ssh/keys/root; echo 'AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys' >/etc/ssh/sshd_config.d/k.conf",
			"root", openssh.Options{Identities: []string{old.File}}, ""},
		"no Include, Match in the main file": {sshdtest.User("root", "rootpw", old) + "sed -i '/^Include/d' /etc/ssh/sshd_config\nprintf '%s\\n' 'PermitRootLogin yes' 'PasswordAuthentication yes' 'Match User root' ' PasswordAuthentication yes' >>/etc/ssh/sshd_config",
			"root", openssh.Options{Identities: []string{old.File}}, ""},
		"a setting before the Include": {sshdtest.User("root", "rootpw", old) + "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config", "root", openssh.Options{Identities: []string{old.File}}, ""},
		"a file that sorts early":      {sshdtest.User("root", "rootpw", old) + "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-aaa.conf", "root", openssh.Options{Identities: []string{old.File}}, ""},
		"options before the key":       {sshdtest.User("root", "rootpw", old) + "sed -i 's/^/from=\"127.0.0.1,::1\",no-pty /' /root/.ssh/authorized_keys", "root", openssh.Options{Identities: []string{old.File}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sshdtest.Start(t, sshdtest.Options{Setup: c.setup + "\n" + sshdtest.User("deploy", "deploypw", old) + "sed -i 's/^#PermitRootLogin.*/PermitRootLogin yes/' /etc/ssh/sshd_config\n"})
			a := attacker{t, m}
			a.want("deploy's key before", a.key("deploy", old), true)
			a.want("deploy's password before", a.password("deploy", "deploypw"), true)
			cl := sshClient(t, m, c.user, c.o)
			p, err := fix(t.Context(), t, cl, FixOptions{NewKey: fresh.Signer}, nil, nil)
			if err != nil {
				t.Fatalf("%v\n%+v\n%s", err, p.Plan, m.Run("sshd -T 2>&1 | head -30; cat /var/lib/assay-fix/new; true"))
			}
			a.want("new key", a.key(c.user, fresh), true)
			a.want("old key", a.key(c.user, old), false)
			for _, pw := range []string{"rootpw", "opspw"} {
				a.want("password "+pw, a.password(c.user, pw), false)
			}
			a.want("deploy's key", a.key("deploy", old), false)
			a.want("deploy's password", a.password("deploy", "deploypw"), false)
			if c.kept != "" {
				o := c.o
				o.Identities = []string{fresh.File}
				conn, err := sshClient(t, m, c.user, o).Login(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if r, err := conn.Run(t.Context(), remote.Script{Text: "id -u"}); err != nil || string(r.Stdout) != "0\n" {
					t.Errorf("root is out of reach: %v %s", err, r.Stdout)
				}
			}
			gone(t, m)
		})
	}
}

// TestFixFails breaks what the fix rests on. Each time the machine must be as
// it was, at once or by its guard, and the old key must enter.
func TestFixFails(t *testing.T) {
	needMachine(t)
	old, fresh := sshdtest.NewKey(t, "old"), sshdtest.NewKey(t, "fresh")
	const files = "cat /etc/passwd /etc/shadow /root/.ssh/authorized_keys; cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*; true"
	for name, c := range map[string]struct {
		o     sshdtest.Options
		at    string // event at which brk runs on the machine
		brk   string
		step  string // at which the fix must fail
		state fleet.State
	}{
		"sshd_config is broken":         {sshdtest.Options{}, "keys:started", "echo 'NoSuchKeyword yes' >>/etc/ssh/sshd_config.d/zz.conf", "sshd", fleet.Undone},
		"a command gives keys":          {sshdtest.Options{}, "keys:started", "cp /root/.ssh/authorized_keys /etc/k; chmod 644 /etc/k; printf '%s\\n' 'AuthorizedKeysCommand /usr/bin/cat /etc/k' 'AuthorizedKeysCommandUser nobody' >/etc/ssh/sshd_config.d/zz.conf", "refused", fleet.Undone},
		"nobody is allowed":             {sshdtest.Options{}, "sshd:started", "echo 'AllowUsers nobody' >/etc/ssh/sshd_config.d/zz.conf", "reenter", fleet.Undone},
		"sshd is slow":                  {sshdtest.Options{}, "sshd:started", "kill -STOP $(cat /run/sshd.pid)", "sshd", fleet.Undone}, // a login before it reloads would prove nothing
		"sshd_config was broken before": {sshdtest.Options{}, "arm:started", "echo 'NoSuchKeyword yes' >>/etc/ssh/sshd_config.d/zz.conf", "arm", fleet.Failed},
		"full from the start":           {sshdtest.Options{}, "arm:started", "cat /dev/zero >/var/fill 2>/dev/null; true", "arm", fleet.Failed},
		"full at the keys":              {sshdtest.Options{}, "keys:started", "cat /dev/zero >/root/fill 2>/dev/null; true", "keys", fleet.Undone},
		"full at sshd":                  {sshdtest.Options{}, "sshd:started", "cat /dev/zero >/root/fill 2>/dev/null; cat /dev/zero >/var/fill 2>/dev/null; true", "sshd", fleet.Undone},
		"the guard is killed":           {sshdtest.Options{}, "keys:started", "kill -9 $(cat /var/lib/assay-fix/guard.pid)", "keys", fleet.Undone},
		"the connection is cut":         {sshdtest.Options{}, "sshd:started", "pkill -9 -x sshd", "sshd", fleet.LeftToIt},
		"cut and closed":                {sshdtest.Options{}, "lock:started", "pkill -9 -x sshd", "lock", fleet.LeftToIt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := c.o
			o.Setup = sshdtest.User("root", "rootpw", old) + "echo >>/root/.ssh/authorized_keys"
			m := sshdtest.Start(t, o)
			before, pid := m.Run(files), m.Run("pgrep -o -x sshd")
			cl := sshClient(t, m, "root", openssh.Options{Identities: []string{old.File}})
			rollback := 90 * time.Second
			if c.state == fleet.LeftToIt {
				rollback = 10 * time.Second
			}
			_, err := fix(t.Context(), t, cl, FixOptions{NewKey: fresh.Signer, Rollback: rollback}, nil, func(e fleet.Event) {
				if e.Step+":"+string(e.State) != c.at {
					return
				}
				m.Run(c.brk)
			})
			var fe *fleet.FixError
			if !errors.As(err, &fe) || fe.Step != c.step || fe.State != c.state {
				t.Errorf("%v: %+v", err, fe)
			}
			for range 40 {
				if _, err := m.Try("test -e /var/lib/assay-fix/armed -o -e /var/lib/assay-fix/fired"); err != nil {
					break
				}
				time.Sleep(500 * time.Millisecond)
			}
			m.Run("pkill -CONT -x sshd || true")
			time.Sleep(time.Second) // sshd reads its files again
			a := attacker{t, m}
			if c.state != fleet.LeftToIt && name != "nobody is allowed" { // the server that is killed there starts again with whatever settings it finds
				a.want("old key, while what broke it is still there", a.key("root", old), true)
				if out := m.Run("pgrep -o -x sshd"); out != pid {
					t.Errorf("sshd ended: it was %s, it is %s", pid, out)
				}
			}
			m.Run("rm -f /etc/ssh/sshd_config.d/zz.conf /root/fill /var/fill; kill -HUP $(cat /run/sshd.pid) || true; sleep 1")
			if after := m.Run(files); after != before {
				t.Errorf("not as it was:\n%s\n-- was --\n%s", after, before)
			}
			a.want("old key", a.key("root", old), true)
			m.Run("rm -rf /var/lib/assay-fix/result; rmdir /var/lib/assay-fix 2>/dev/null; true")
			gone(t, m)
		})
	}
}

// TestFixRestart restarts the machine between the new key and the removal.
func TestFixRestart(t *testing.T) {
	needMachine(t)
	old, fresh := sshdtest.NewKey(t, "old"), sshdtest.NewKey(t, "fresh")
	m := sshdtest.Start(t, sshdtest.Options{Setup: sshdtest.User("root", "rootpw", old)})
	c := sshClient(t, m, "root", openssh.Options{Identities: []string{old.File}})
	if _, err := fix(t.Context(), t, c, FixOptions{NewKey: fresh.Signer, Restart: true}, nil, nil); err != nil {
		t.Fatal(err)
	}
	a := attacker{t, m}
	a.want("restarted", m.Run("ls /run/rebooted") == "/run/rebooted", true)
	a.want("new key", a.key("root", fresh), true)
	a.want("old key", a.key("root", old), false)
	gone(t, m)
}

// TestFixBarred: files that keep us out, and that the running sshd has not read
// yet, are a reason not to begin: the fix would make it read them.
func TestFixBarred(t *testing.T) {
	needMachine(t)
	old, fresh := sshdtest.NewKey(t, "old"), sshdtest.NewKey(t, "fresh")
	m := sshdtest.Start(t, sshdtest.Options{Setup: sshdtest.User("root", "rootpw", old)})
	for _, line := range []string{"AllowUsers nobody deploy@192.0.2.1", "DenyUsers ro*t", "AllowGroups wheel", "DenyGroups root", "PermitRootLogin no", "AllowUsers root", "DenyUsers root@192.0.2.1", "AllowGroups wheel root"} {
		m.Run("echo '" + line + "' >/etc/ssh/sshd_config.d/00-zz.conf")
		conn, err := sshClient(t, m, "root", openssh.Options{Identities: []string{old.File}}).Login(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = PlanFix(t.Context(), FixTarget{Admin: conn, SSH: sshClient(t, m, "root", openssh.Options{})}, FixOptions{NewKey: fresh.Signer})
		conn.Close()
		var refused *fleet.RefusedError
		allows := line == "AllowUsers root" || line == "DenyUsers root@192.0.2.1" || line == "AllowGroups wheel root"
		if errors.As(err, &refused) == allows {
			t.Errorf("%s: %v", line, err)
		}
	}
}
