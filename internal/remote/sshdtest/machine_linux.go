package sshdtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Machine is a running server. It looks like a Debian with the host's
// packages, without the host's homes.
type Machine struct {
	Port string
	Dir  string // of the test, on the host
	t    testing.TB
	cmd  *exec.Cmd
	pid  int // of its init, on the host
	log  *bytes.Buffer
}

// Options say what a machine is.
type Options struct {
	// Setup runs as root in the machine before its sshd starts.
	Setup string
	// Mounts runs before that, outside, with $R as the machine's root.
	Mounts string
	// Sshd are further arguments of sshd.
	Sshd string
}

// boot runs in new mount and PID namespaces. The machine's init starts sshd
// again when it ends, so that "reboot", which kills everything else, works.
// What other tests mount stays mounted as long as any name space has it, also
// after they unmounted it: this one lets go of it.
const boot = `set -e
mount --make-rprivate /
awk '$2 != "/" && ($1 ~ "^/dev/loop" || $3 ~ "^fuse") { print $2 }' /proc/mounts | while read -r d; do umount -l "$(printf %b "$d")" || :; done
mount -t tmpfs -o size=48m assay "$T"
mkdir "$T/up" "$T/work" "$T/root"
R=$T/root
mount -t overlay -o "lowerdir=/,upperdir=$T/up,workdir=$T/work" assay "$R"
for d in root home tmp run work opt srv usr/local var/tmp; do mkdir -p "$R/$d"; mount -t tmpfs -o size=8m,mode=755 assay "$R/$d"; done
chmod 700 "$R/root"; chmod 1777 "$R/tmp" "$R/var/tmp"; mkdir "$R/run/sshd"
mount -t proc proc "$R/proc"
mount --rbind /dev "$R/dev"
for f in passwd shadow group gshadow; do # without the people of the host
	awk -F: 'NR == FNR { if ($3 >= 1000 && $3 < 65000) people[$1]; next } !($1 in people)' /etc/passwd /etc/$f >"$T/f"; cat "$T/f" >"$R/etc/$f"
done
rm -rf "$R"/etc/ssh/sshd_config.d/* "$R"/etc/sudoers.d/*
printf '%s\n' '#!/bin/sh' 'touch /run/rebooted' 'kill -9 -1' >"$R/sbin/reboot"; chmod 755 "$R/sbin/reboot"
eval "$MOUNTS"
chroot "$R" /bin/sh -ec "$SETUP"
umask 022
while :; do chroot "$R" /usr/sbin/sshd -D -e -p "$PORT" -o ListenAddress=127.0.0.1 $SSHD || :; sleep 0.2; done
`

// freePort is a port that nobody listens on. It is none of those that the
// kernel gives away (32768 and up): between now and the start of sshd, or while
// the machine restarts, any connection of another test could get it.
func freePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(20000 + mrand.IntN(12000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Start starts a machine; the test needs root, sshd and unshare.
func Start(t testing.TB, o Options) *Machine {
	t.Helper()
	port := freePort(t)
	dir, err := os.MkdirTemp("", "assay-machine-") // t.TempDir has the test's name in it; a comma there would end an option of mount
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &Machine{Port: port, Dir: dir, t: t, log: &bytes.Buffer{}}
	top := filepath.Join(m.Dir, "machine")
	if err := os.Mkdir(top, 0o700); err != nil {
		t.Fatal(err)
	}
	m.cmd = exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", boot)
	m.cmd.Env = append(os.Environ(), "T="+top, "PORT="+port, "MOUNTS="+o.Mounts, "SETUP="+o.Setup, "SSHD="+o.Sshd, "LC_ALL=C",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	m.cmd.Stdout, m.cmd.Stderr = m.log, m.log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.cmd.Process.Kill() // --kill-child takes the namespace along
		m.cmd.Wait()
		if t.Failed() {
			t.Logf("sshd said:\n%s", m.log.String())
		}
	})
	m.Await()
	return m
}

// Await waits until the server answers.
func (m *Machine) Await() {
	m.t.Helper()
	for range 600 {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+m.Port, time.Second)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	m.t.Fatalf("the machine did not come up:\n%s", m.log.String())
}

// Target is the machine's address for a user.
func (m *Machine) Target(user string) string { return "ssh://" + user + "@127.0.0.1:" + m.Port }

// Run runs a script as root in the machine, around its sshd.
func (m *Machine) Run(script string) string {
	m.t.Helper()
	out, err := m.run(script)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// Try is Run for a script that may fail.
func (m *Machine) Try(script string) (string, error) { return m.run(script) }

func (m *Machine) run(script string) (string, error) {
	if m.pid == 0 {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", m.cmd.Process.Pid, m.cmd.Process.Pid))
		if err != nil {
			return "", err
		}
		if _, err := fmt.Sscan(string(b), &m.pid); err != nil {
			return "", err
		}
	}
	out, err := exec.Command("nsenter", "-t", fmt.Sprint(m.pid), "-m", "-p", "chroot",
		filepath.Join(m.Dir, "machine", "root"), "/bin/sh", "-c", script).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// A Key is a fresh pair.
type Key struct {
	Signer ssh.Signer
	Public string // the line for authorized_keys
	File   string // of the private half, in the test's folder
}

// NewKey makes an ed25519 pair with a comment.
func NewKey(t testing.TB, comment string) Key {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, comment)
	if err != nil {
		t.Fatal(err)
	}
	k := Key{File: filepath.Join(t.TempDir(), "id")}
	if err := os.WriteFile(k.File, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	k.Signer, err = ssh.NewSignerFromSigner(priv)
	if err != nil {
		t.Fatal(err)
	}
	sp, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	k.Public = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sp))) + " " + comment
	if err := os.WriteFile(k.File+".pub", []byte(k.Public+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return k
}

// User is a line of Setup that makes a user with a password and keys; "" locks
// the password.
func User(name, password string, keys ...Key) string {
	s := ""
	home := "/root"
	if name != "root" {
		home = "/home/" + name
		s = fmt.Sprintf("useradd -m -s /bin/bash %s 2>/dev/null\n", name)
	}
	hash := "*"
	if password != "" {
		hash = `$(printf %s '` + strings.ReplaceAll(password, "'", `'\''`) + `' | openssl passwd -6 -stdin)`
	}
	s += fmt.Sprintf("usermod -p \"%s\" %s\nmkdir -p %s/.ssh\nchmod 700 %s/.ssh\n", hash, name, home, home)
	for _, k := range keys {
		s += fmt.Sprintf("echo '%s' >>%s/.ssh/authorized_keys\n", k.Public, home)
	}
	if len(keys) > 0 {
		s += fmt.Sprintf("chmod 600 %s/.ssh/authorized_keys\n", home)
	}
	return s + fmt.Sprintf("chown -R %s: %s/.ssh\n", name, home)
}
