package e2e

import (
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"assay/internal/need"
)

// demoPlants are the credentials of the demo image: where each stands, a pattern
// whose group is the secret, what it is, and its line with the secret masked.
var demoPlants = []struct {
	check, kind, path string
	line              int
	secret            string // pattern over the file, as debugfs reads it
	excerpt           string
}{
	{"linux/history/shell-history", "credential-in-history", "/root/.bash_history", 2, `mysql -uroot -p(\S+)`, "mysql -uroot -p******** shop"},
	{"any/secrets/hard-coded", "access-key-secret", "/root/.bash_history", 3, `ALICLOUD_SECRET_KEY=(\S+)`, "export ALICLOUD_SECRET_KEY=********"},
	{"linux/history/shell-history", "credential-in-history", "/home/deploy/.bash_history", 3, `sshpass -p '([^']+)'`, "sshpass -p '********' scp"},
	{"linux/history/client-history", "credential-in-history", "/home/zhangwei/.mysql_history", 2, `= '([^']+)'`, "SET PASSWORD FOR 'shop'@'%' = '********'"},
	{"any/cloud/alibaba-credentials", "secret", "/root/.aliyun/config.json", 1, `"access_key_secret":"([^"]+)"`, "access_key_secret = ********"},
	{"any/cloud/alibaba-credentials", "secret", "/root/.ossutilconfig", 4, `accessKeySecret=(\S+)`, "accessKeySecret = ********"},
	{"any/cloud/registry-logins", "secret", "/home/deploy/.docker/config.json", 1, `"auth":"([^"]+)"`, "auth of registry.cn-hangzhou.aliyuncs.com = ********"},
	{"any/cloud/git-credentials", "secret", "/home/deploy/.git-credentials", 1, `deploy:([^@]+)@`, "URL password = ********"},
	{"linux/machine/cloud-init-data", "password", "/var/lib/cloud/instances/i-bp1demo/user-data.txt", 5, `root:(\S+)`, "********"},
	{"any/secrets/hard-coded", "password", "/usr/local/share/aliyun-assist/work/script/reset-t-hz01.sh", 2, `deploy:([^']+)'`, "echo 'deploy:********' | chpasswd"},
	{"any/app/application-config", "secret", "/opt/shop/application.yml", 5, `password: (\S+)`, "password = ********"},
	{"any/data/source-trees", "url-password", "/opt/shop/.git/config", 4, `deploy:([^@]+)@`, "https://deploy:********@codeup.aliyun.com"},
	{"any/app/service-secrets", "secret", "/etc/systemd/system/shop.service", 2, `REDIS_PASSWORD=([^"]+)"`, "REDIS_PASSWORD = ********"},
	{"any/app/database-servers", "secret", "/etc/redis/redis.conf", 2, `requirepass (\S+)`, "requirepass = ********"},
	{"any/secrets/hard-coded", "password", "/tmp/.deploy.env", 1, `DB_PASSWORD=(\S+)`, "DB_PASSWORD=********"},
	{"any/secrets/hard-coded", "token", "/var/log/nginx/access.log", 1, `token=(\S+)`, "GET /api/orders?token=********"},
	{"linux/ssh/private-keys", "private-key", "/home/zhangwei/.ssh/id_ed25519", 1, `(?s)PRIVATE KEY-----\n(.{40})`, "OpenSSH ED25519 ********"},
}

// TestDemo is the promise of the hard-coded credentials: on the demo image each
// planted one is found once, with its kind, place and masked line, in text,
// JSON, SARIF and HTML, and in none of them in clear.
func TestDemo(t *testing.T) {
	need.Tool(t, "mke2fs", "debugfs", "sfdisk")
	dir := t.TempDir()
	img := filepath.Join(dir, "demo.img")
	if out, err := exec.Command("go", "run", "assay/internal/demo", "-o", img, "-seed", "7").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page, sarif := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.sarif")
	stream := assay(t, "inspect", img, "--format", "json", "--report", page, "--report", sarif).stdout
	outputs := map[string]string{"json": stream, "text": assay(t, "inspect", img).stdout, "html": read(t, page), "sarif": read(t, sarif)}
	for _, p := range demoPlants {
		text := need.Run(t, "debugfs", "-R", "cat "+p.path, img+"?offset=1048576")
		m := regexp.MustCompile(p.secret).FindStringSubmatch(text)
		if m == nil {
			t.Errorf("%s: the demo does not plant it", p.path)
			continue
		}
		for name, out := range outputs {
			if strings.Contains(out, m[1]) {
				t.Errorf("%s: %s shows it in clear", p.path, name)
			}
		}
		if n := findingsOf(t, stream, p.check, p.kind, p.path, p.line, p.excerpt); n != 1 {
			t.Errorf("%s:%d: %d findings of %s, kind %s, %q", p.path, p.line, n, p.check, p.kind, p.excerpt)
		}
		if n := resultsOf(t, outputs["sarif"], p.check, p.path, p.line, p.excerpt); n != 1 {
			t.Errorf("%s:%d: %d results of %s with %q in SARIF", p.path, p.line, n, p.check, p.excerpt)
		}
		if !strings.Contains(outputs["html"], html.EscapeString(p.path)) || !strings.Contains(html.UnescapeString(outputs["html"]), p.excerpt) {
			t.Errorf("%s: HTML lacks the place or %q", p.path, p.excerpt)
		}
		if !strings.Contains(outputs["text"], p.path) || !strings.Contains(outputs["text"], p.excerpt) {
			t.Errorf("%s: text lacks the place or %q", p.path, p.excerpt)
		}
	}
	if n := strings.Count(stream, `"deleted":true`); n != 1 {
		t.Errorf("%d findings of what was deleted, want the AccessKey of the file that is gone", n)
	}
}

func read(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// findingsOf counts the findings of a stream that are about one credential.
func findingsOf(t *testing.T, stream, check, kind, path string, line int, excerpt string) (n int) {
	for l := range strings.Lines(stream) {
		var m struct {
			Finding *struct {
				Check string
				Where struct {
					Path string
					Line int
				}
				Evidence struct{ Kind, Excerpt string }
			}
		}
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatal(err)
		}
		if f := m.Finding; f != nil && f.Where.Path == path && f.Where.Line == line && f.Evidence.Excerpt != "" {
			if f.Check == check && f.Evidence.Kind == kind && strings.Contains(f.Evidence.Excerpt, excerpt) {
				n++
			} else {
				t.Errorf("%s:%d: found as %s, %s, %q too", path, line, f.Check, f.Evidence.Kind, f.Evidence.Excerpt)
			}
		}
	}
	return n
}

// resultsOf counts the same in SARIF.
func resultsOf(t *testing.T, text, check, path string, line int, excerpt string) (n int) {
	var log struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct {
							StartLine int
							Snippet   struct{ Text string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	for _, run := range log.Runs {
		for _, r := range run.Results {
			for _, l := range r.Locations {
				if at := l.PhysicalLocation; r.RuleID == check && strings.HasSuffix(at.ArtifactLocation.URI, strings.TrimPrefix(path, "/")) && at.Region.StartLine == line && strings.Contains(at.Region.Snippet.Text, excerpt) {
					n++
				}
			}
		}
	}
	return n
}
