package e2e

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"assay/internal/need"
)

// A tree is a directory with a system in it.
type tree struct {
	t   testing.TB
	dir string
}

// put writes a file that belongs to uid.
func (g tree) put(name, data string, mode os.FileMode, uid int) {
	g.t.Helper()
	p := filepath.Join(g.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(data), mode); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		g.t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(p, uid, uid); err != nil {
			g.t.Fatal(err)
		}
	}
}

func (g tree) append(name, data string) {
	g.t.Helper()
	old, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil {
		g.t.Fatal(err)
	}
	g.put(name, string(old)+data, 0o644, 0)
}

// system makes a Debian-like tree; with ASSAY_E2E_TREE set it copies that one,
// which should be what debootstrap --variant=minbase makes.
func system(t testing.TB) tree {
	t.Helper()
	g := tree{t, t.TempDir()}
	if from := os.Getenv("ASSAY_E2E_TREE"); from != "" {
		need.Run(t, "cp", "-a", from+"/.", g.dir)
		for _, d := range []string{"proc", "sys", "dev", "run", "tmp", "var/cache/apt/archives"} {
			if err := os.RemoveAll(filepath.Join(g.dir, d)); err != nil {
				t.Fatal(err)
			}
		}
	} else {
		g.debian()
	}
	for _, d := range []string{"proc", "sys", "dev", "run", "tmp", "home", "boot/efi", "var", "srv"} {
		if err := os.MkdirAll(filepath.Join(g.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g.careless()
	return g
}

// debian is what a distribution brings.
func (g tree) debian() {
	g.put("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n", 0o644, 0)
	g.put("etc/passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", 0o644, 0)
	g.put("etc/shadow", "root:*:19900:0:99999:7:::\ndaemon:*:19900:0:99999:7:::\nnobody:*:19900:0:99999:7:::\n", 0o640, 0)
	g.put("etc/group", "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n", 0o644, 0)
	g.put("etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\n", 0o644, 0)
	g.put("bin/bash", "\x7fELF", 0o755, 0)
	g.put("usr/sbin/sshd", "\x7fELF", 0o755, 0)
	g.put("sbin/init", "\x7fELF", 0o755, 0)
	g.put("var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n\nPackage: openssh-server\nStatus: install ok installed\nArchitecture: amd64\nVersion: 9.2\n\n", 0o644, 0)
	g.put("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n", 0o644, 0)
	g.put("var/lib/dpkg/info/openssh-server.list", "/.\n/usr\n/usr/sbin\n/usr/sbin/sshd\n", 0o644, 0)
	for i := range 300 {
		g.put(fmt.Sprintf("usr/share/doc/p%d/copyright", i), strings.Repeat("License\n", i), 0o644, 0)
	}
}

// careless plants what an administrator leaves. The person's home is not below
// /home.
func (g tree) careless() {
	g.append("etc/passwd", "zhangwei:x:1002:1002::/srv/people/zhangwei:/bin/bash\ndeploy:x:1001:1001::/home/deploy:/bin/bash\n")
	g.append("etc/shadow", "zhangwei::19960:0:99999:7:::\ndeploy:!:19960:0:99999:7:::\n")
	g.append("etc/group", "zhangwei:x:1002:\ndeploy:x:1001:\n")
	private, public := key(g.t, "zhangwei@builder")
	_, other := key(g.t, "ops@bastion")
	g.put("etc/ssh/sshd_config", "PermitRootLogin prohibit-password\n", 0o644, 0)
	g.put("root/.ssh/authorized_keys", other, 0o600, 0)
	g.put("root/.bash_history", "mysql -uroot -pTr0ub4dor3x shop\n", 0o600, 0)
	g.put("root/.aliyun/config.json", `{"current":"default","profiles":[{"name":"default","mode":"AK","access_key_id":"LTAI5tQmBzVk3nXw8JdPsGhR","access_key_secret":"kZ83hPq0LmWx7Yt5Rv2Jb9Nc4Sd6Fg","region_id":"cn-hangzhou"}]}`, 0o600, 0)
	g.put("srv/people/zhangwei/.ssh/authorized_keys", public, 0o600, 1002)
	g.put("srv/people/zhangwei/.ssh/id_ed25519", private, 0o600, 1002)
	g.put("home/deploy/.bash_history", "git pull\n", 0o600, 1001)
	g.put("home/deploy/.ssh/authorized_keys", other, 0o600, 1001)
	g.put("var/log/auth.log", "Nov 20 10:01:02 web sshd[812]: Accepted publickey for root from 10.0.3.17\n", 0o640, 0)
	g.put("boot/vmlinuz", "kernel", 0o644, 0)
	g.put("etc/fstab", "# nothing yet\n", 0o644, 0)
}

// planted are checks of which every layout must have a finding.
var planted = []string{"linux/account/empty-password", "any/ssh/authorized-keys", "any/history/shell-history",
	"any/ssh/private-keys", "any/cloud/alibaba-credentials", "linux/residue/system-logs"}

// key makes the key pair of a comment: the private key and the line for
// authorized_keys.
func key(t testing.TB, comment string) (private, public string) {
	t.Helper()
	seed := sha256.Sum256([]byte("e2e " + comment))
	k := ed25519.NewKeyFromSeed(seed[:])
	block, err := ssh.MarshalPrivateKey(k, comment)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " " + comment + "\n"
}
