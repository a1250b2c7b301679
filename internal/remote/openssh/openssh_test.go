//go:build linux

package openssh

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"assay/internal/need"
	"assay/internal/remote"
	"assay/internal/remote/sshdtest"
)

func machine(t *testing.T, o sshdtest.Options) *sshdtest.Machine {
	t.Helper()
	need.Root(t)
	need.Tool(t, "sshd", "unshare", "nsenter", "openssl", "sudo")
	return sshdtest.Start(t, o)
}

func client(t *testing.T, target string, o Options) *Client {
	t.Helper()
	if len(o.KnownHosts) == 0 {
		o.KnownHosts, o.AcceptNew = []string{filepath.Join(t.TempDir(), "known_hosts")}, true
	}
	tg, err := ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(tg, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLogin(t *testing.T) {
	key, other := sshdtest.NewKey(t, "me"), sshdtest.NewKey(t, "other")
	m := machine(t, sshdtest.Options{Setup: sshdtest.User("root", "", key) +
		sshdtest.User("free", "pw1", key) + sshdtest.User("asks", "p'w 2", key) + sshdtest.User("none", "", key) +
		"echo 'free ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/a; echo 'asks ALL=(ALL) ALL' >/etc/sudoers.d/b; chsh -s /bin/sh asks"})
	ctx := t.Context()
	big := strings.Repeat("x\x00\n", 50000)
	for _, c := range []struct {
		user string
		o    Options
		ok   bool
	}{
		{"root", Options{Identities: []string{key.File}}, true},
		{"root", Options{Identities: []string{other.File}}, false},
		{"free", Options{Identities: []string{key.File}}, true},
		{"free", Options{Identities: []string{"/absent"}, Password: "pw1"}, true},
		{"free", Options{Identities: []string{"/absent"}, Password: "wrong"}, false},
		{"asks", Options{Identities: []string{key.File}, SudoPassword: "p'w 2"}, true},
		{"asks", Options{Identities: []string{"/absent"}, Password: "p'w 2"}, true},
		{"asks", Options{Identities: []string{key.File}, SudoPassword: "wrong"}, false},
		{"asks", Options{Identities: []string{key.File}}, false},
		{"none", Options{Identities: []string{key.File}}, false},
		{"root", Options{Identities: []string{"/absent"}, Agent: agentOf(t, key)}, true},
	} {
		conn, err := client(t, m.Target(c.user), c.o).Login(ctx)
		if err == nil {
			var r remote.Result
			r, err = conn.Run(ctx, remote.Script{Name: "x", Text: "id -u; wc -c; echo err >&2; exit 7", Stdin: []byte(big)})
			if err == nil && (string(r.Stdout) != "0\n150000\n" || string(r.Stderr) != "err\n" || r.Exit != 7) {
				t.Errorf("%s: %q %q %d", c.user, r.Stdout, r.Stderr, r.Exit)
			}
			if err == nil {
				if r, err = conn.Run(ctx, remote.Script{Text: "cat", Stdin: []byte(big)}); string(r.Stdout) != big {
					t.Errorf("%s: stdin changed on its way: %d bytes, %v", c.user, len(r.Stdout), err)
				}
			}
			conn.Close()
		}
		if (err == nil) != c.ok {
			t.Errorf("%s %+v: %v", c.user, c.o, err)
		}
		var access *remote.AccessError
		var denied *DeniedError
		if !c.ok && !errors.As(err, &access) && !errors.As(err, &denied) {
			t.Errorf("%s: %v says not who refused", c.user, err)
		}
	}
}

// TestBounds: neither a script that prints without end nor one that never ends
// holds us.
func TestBounds(t *testing.T) {
	key := sshdtest.NewKey(t, "me")
	m := machine(t, sshdtest.Options{Setup: sshdtest.User("root", "", key)})
	ctx := t.Context()
	c := client(t, m.Target("root"), Options{Identities: []string{key.File}})
	conn, err := c.Login(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Run(ctx, remote.Script{Name: "big", Text: "cat /dev/zero", Limit: 1000}); err == nil || !strings.Contains(err.Error(), "more than 1000 bytes") {
		t.Errorf("endless output: %v", err)
	}
	conn, err = c.Login(ctx) // the bound had cost the connection
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := conn.Run(short, remote.Script{Text: "sleep 60"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("endless script: %v", err)
	}
}

func agentOf(t *testing.T, k sshdtest.Key) string {
	t.Helper()
	b, err := os.ReadFile(k.File)
	if err != nil {
		t.Fatal(err)
	}
	priv, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: priv}); err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, c)
		}
	}()
	return sock
}

func TestKnock(t *testing.T) {
	var keys []sshdtest.Key
	var pubs []ssh.PublicKey
	for range 6 {
		keys = append(keys, sshdtest.NewKey(t, "k"))
		pubs = append(pubs, keys[len(keys)-1].Signer.PublicKey())
	}
	m := machine(t, sshdtest.Options{Setup: sshdtest.User("root", "x", keys[0]) + sshdtest.User("both", "pw", keys[1], keys[5]) +
		"echo 'MaxAuthTries 3\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMatch User both\n PasswordAuthentication yes' >/etc/ssh/sshd_config.d/a.conf"})
	c := client(t, m.Target("root"), Options{})
	for user, want := range map[string]Door{
		"root":   {Keys: []bool{true, false, false, false, false, false}},
		"both":   {Keys: []bool{false, true, false, false, false, true}, Password: true},
		"nobody": {Keys: make([]bool, 6)},
	} {
		got, err := c.Knock(t.Context(), user, pubs)
		if err != nil || got.Password != want.Password || !equal(got.Keys, want.Keys) {
			t.Errorf("%s: %+v, %v", user, got, err)
		}
	}
	if d, err := c.Knock(t.Context(), "both", nil); err != nil || !d.Password {
		t.Errorf("%+v %v", d, err)
	}
	if ok, err := c.TryPassword(t.Context(), "both", "pw"); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := c.TryPassword(t.Context(), "root", "x"); ok || err != nil {
		t.Error(ok, err)
	}
}

func equal(a, b []bool) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestHostKeys(t *testing.T) {
	key := sshdtest.NewKey(t, "me")
	m := machine(t, sshdtest.Options{Setup: sshdtest.User("root", "", key)})
	known := filepath.Join(t.TempDir(), "ssh", "known_hosts")
	o := Options{Identities: []string{key.File}, KnownHosts: []string{known}}
	try := func() error {
		conn, err := client(t, m.Target("root"), o).Login(t.Context())
		if err == nil {
			conn.Close()
		}
		return err
	}
	var unknown *UnknownHostError
	if err := try(); !errors.As(err, &unknown) || !strings.HasPrefix(unknown.Fingerprint, "SHA256:") {
		t.Fatalf("first use: %v", err)
	}
	o.AcceptNew = true
	if err := try(); err != nil {
		t.Fatal(err)
	}
	o.AcceptNew = false
	if err := try(); err != nil {
		t.Fatalf("after it was accepted: %v", err)
	}
	b, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b))
	fake := strings.Fields(key.Public)
	if err := os.WriteFile(known, []byte(f[0]+" "+fake[0]+" "+fake[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.AcceptNew = true // does not help a changed key
	var changed *ChangedHostError
	if err := try(); !errors.As(err, &changed) {
		t.Fatalf("changed: %v", err)
	}
}

func TestConfigAndJump(t *testing.T) {
	key := sshdtest.NewKey(t, "me")
	m := machine(t, sshdtest.Options{Setup: sshdtest.User("root", "", key) + sshdtest.User("hop", "", key)})
	dir := t.TempDir()
	write := func(s string) []string {
		name := filepath.Join(dir, "config")
		if err := os.WriteFile(name, []byte(strings.NewReplacer("PORT", m.Port, "KEY", key.File).Replace(s)), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{name}
	}
	hosts := []string{filepath.Join(dir, "known")}
	login := func(name string, conf []string) error {
		tg, _ := ParseTarget("ssh://" + name)
		c, err := NewClient(tg, Options{Config: conf, KnownHosts: hosts, AcceptNew: true, Home: dir})
		if err != nil {
			return err
		}
		conn, err := c.Login(t.Context())
		if err == nil {
			conn.Close()
		}
		return err
	}
	ok := "Host web\n HostName 127.0.0.1\n Port PORT\n User root\n ProxyJump b1,b2\nHost b1 b2\n HostName 127.0.0.1\n Port PORT\n User hop\nHost *\n IdentityFile KEY\n"
	if err := login("web", write(ok)); err != nil {
		t.Error(err)
	}
	for conf, want := range map[string]string{
		"Host web\n ProxyJump web\n":                       "circle",
		"Host web\n ProxyJump a\nHost a\n ProxyJump web\n": "circle",
		"Host web\n ProxyCommand nc %h %p\n":               "ProxyCommand",
		"Match exec true\n User x\n":                       "Match",
	} {
		if err := login("web", write(conf)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", conf, err)
		}
	}
}

func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := client(t, "ssh://x@"+l.Addr().String(), Options{Timeout: 200 * time.Millisecond, Password: "x"})
	if _, err := c.Login(t.Context()); err == nil {
		t.Error("logged in to nobody")
	}
}

func TestParseTarget(t *testing.T) {
	for s, want := range map[string]string{
		"ssh://a@b:1": "ssh://a@b:1", "ssh://b": "ssh://b", "ssh://[::1]:22": "ssh://[::1]:22", "ssh://a@b/": "ssh://a@b",
		"ssh://a:pw@b": "", "ssh://": "", "ssh://b:0": "", "ssh://b:x": "", "ssh://b/x": "", "http://b": "", "ssh://-oX": "", "ssh://a%0a@b": "",
	} {
		got, err := ParseTarget(s)
		if err != nil && want != "" || err == nil && got.String() != want {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	f.Add("ssh://a@b:1")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseTarget(s); err == nil {
			if b, err := ParseTarget(a.String()); err == nil && a != b {
				t.Errorf("%q: %+v, %+v", s, a, b)
			}
		}
		_, _ = jump(s)
	})
}
