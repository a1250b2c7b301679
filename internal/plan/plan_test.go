package plan

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"assay/finding"
)

func fixed(id, check, path string, safe bool, edits ...finding.Edit) finding.Finding {
	return finding.Finding{ID: id, Check: check, Severity: finding.High, Class: finding.IdentityCredential,
		Title: finding.T("t "+id, "标题 "+id), Where: finding.Where{Volume: "p1", Path: path},
		Fix: &finding.Fix{Title: finding.T("fix", "修复"), Safe: safe, Edits: edits}}
}

func edit(op finding.Op, path string) finding.Edit {
	return finding.Edit{Op: op, Volume: "p1", Path: path}
}

func shown(p *Plan) (out []string) {
	for _, s := range p.Steps {
		line := string(s.Op) + " " + s.Path
		if s.User != "" {
			line += " @" + s.User
		}
		out = append(out, line+" ["+strings.Join(s.Findings, " ")+"]")
	}
	return out
}

func want(t *testing.T, p *Plan, lines ...string) {
	t.Helper()
	if got := shown(p); !slices.Equal(got, lines) {
		t.Errorf("steps:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

// TestOrder: lines from the end of a file to its start, users after lines,
// removals last; the same edit for two reasons is one step.
func TestOrder(t *testing.T) {
	line := func(n int) finding.Edit {
		e := edit(finding.RemoveLine, "/root/.ssh/authorized_keys")
		e.Line = n
		return e
	}
	lock := edit(finding.LockPassword, "/etc/shadow")
	lock.User = "root"
	p := Make([]finding.Finding{
		fixed("a", "linux/x/a", "/h", true, edit(finding.Remove, "/h")),
		fixed("b", "linux/x/b", "/root/.ssh/authorized_keys", true, line(2)),
		fixed("c", "linux/x/b", "/root/.ssh/authorized_keys", true, line(7)),
		fixed("d", "linux/x/c", "/etc/shadow", true, lock),
		fixed("e", "linux/x/d", "/etc/shadow", true, lock),
	}, Options{Profile: Image})
	want(t, p, "remove-line /root/.ssh/authorized_keys [c]", "remove-line /root/.ssh/authorized_keys [b]",
		"lock-password /etc/shadow @root [d e]", "remove /h [a]")
}

// TestSubsume: what a stronger step does anyway is no step of its own, and a
// decision about a file that goes is none.
func TestSubsume(t *testing.T) {
	lock := edit(finding.LockPassword, "/etc/shadow")
	lock.User = "joe"
	open := fixed("g", "any/secrets/hard-coded", "/tmp/a/.env", false)
	p := Make([]finding.Finding{
		fixed("a", "linux/x/a", "/tmp/a/b", true, edit(finding.Blank, "/tmp/a/b")),
		fixed("b", "linux/x/b", "/tmp", true, edit(finding.EmptyDir, "/tmp")),
		fixed("c", "linux/x/c", "/var/k", true, edit(finding.Blank, "/var/k")),
		fixed("d", "linux/x/d", "/var/k", true, edit(finding.Remove, "/var/k")),
		fixed("e", "linux/x/e", "/etc/shadow", true, lock),
		open,
	}, Options{Profile: Image, RemoveUsers: []string{"joe"}})
	want(t, p, "remove-user /etc/passwd @joe [e]", "remove /var/k [d c]", "empty-dir /tmp [b a g]")
	if len(p.Decisions) != 0 {
		t.Errorf("decisions left: %+v", p.Decisions)
	}
}

func TestChoice(t *testing.T) {
	unsafe := fixed("u", "any/app/x", "/opt/app.yml", false, edit(finding.Remove, "/opt/app.yml"))
	unsafe.Fix.Redact = []finding.Edit{{Op: finding.Replace, Volume: "p1", Path: "/opt/app.yml", Offset: 3, Length: 8}}
	key := fixed("k", "any/ssh/authorized-keys", "/root/.ssh/authorized_keys", true, edit(finding.Blank, "/root/.ssh/authorized_keys"))
	key.Evidence = &finding.Evidence{Fingerprint: "SHA256:abc"}
	log := fixed("l", "linux/residue/logs", "/var/log/x", true, edit(finding.Blank, "/var/log/x"))
	log.Class, log.Severity = finding.SystemTrace, finding.Low
	user := fixed("n", unknownUser, "/etc/passwd", false)
	user.Where.User, user.Fix, user.Class = "joe", nil, finding.PresetAccount
	shadow := fixed("s", "linux/account/odd", "/etc/shadow", false)
	shadow.Fix = nil
	all := []finding.Finding{unsafe, key, log, user, shadow}
	for _, c := range []struct {
		name  string
		o     Options
		steps []string
		open  int
	}{
		{"image", Options{Profile: Image}, []string{"blank /root/.ssh/authorized_keys [k]", "blank /var/log/x [l]"}, 3},
		{"minimal", Options{Profile: Minimal}, []string{"blank /root/.ssh/authorized_keys [k]"}, 4},
		{"documents", Options{Profile: Documents}, []string{"remove-user /etc/passwd @joe [n]", "blank /root/.ssh/authorized_keys [k]", "blank /var/log/x [l]"}, 2},
		{"keep a key", Options{Profile: Image, KeepKeys: []string{"SHA256:abc"}}, []string{"blank /var/log/x [l]"}, 3},
		{"keep a path", Options{Profile: Image, Keep: []string{"/var/log"}}, []string{"blank /root/.ssh/authorized_keys [k]"}, 3},
		{"keep a group", Options{Profile: Image, Keep: []string{"linux/residue/"}}, []string{"blank /root/.ssh/authorized_keys [k]"}, 3},
		{"redact", Options{Profile: Minimal, Redact: true}, []string{"replace /opt/app.yml [u]", "blank /root/.ssh/authorized_keys [k]"}, 3},
		{"remove a check", Options{Profile: Minimal, Remove: []string{"any/app"}}, []string{"blank /root/.ssh/authorized_keys [k]", "remove /opt/app.yml [u]"}, 3},
		{"never the shadow file", Options{Profile: Minimal, Remove: []string{"linux/account"}}, []string{"blank /root/.ssh/authorized_keys [k]"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Make(all, c.o)
			want(t, p, c.steps...)
			if len(p.Decisions) != c.open {
				t.Errorf("%d decisions, want %d: %+v", len(p.Decisions), c.open, p.Decisions)
			}
		})
	}
}

func TestEssential(t *testing.T) {
	for _, p := range []string{"/", "/etc", "/etc/shadow", "/etc/./shadow", "/etc/sha*", "/boot/vmlinuz", "/usr/bin/*", "/*", "/e*", "/home", "/etc/pam.d/sshd", "/etc/ssh/sshd_config", "etc/passwd", "/etc/passwd!/x"} {
		if Essential(p) == nil {
			t.Errorf("%s may be removed", p)
		}
	}
	for _, p := range []string{"/etc/app.conf", "/root/x", "/home/joe", "/usr/local/bin/deploy.sh", "/var/log/*", "/etc/ssh/ssh_host_rsa_key", "/opt", "/etc/systemd/system/shop.service"} {
		if err := Essential(p); err != nil && p != "/opt" {
			t.Errorf("%s: %v", p, err)
		}
	}
	if (Options{Remove: []string{"/var/[x"}}).Validate() == nil || (Options{RemoveUsers: []string{"root"}}).Validate() == nil {
		t.Error("a broken pattern or root passes")
	}
}

func TestFile(t *testing.T) {
	p := Make([]finding.Finding{fixed("a", "linux/x/a", "/h", true, edit(finding.Remove, "/h"))}, Options{Profile: Image})
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(b); err != nil {
		t.Fatal(err)
	}
	var compact map[string]any
	if err := json.Unmarshal(b, &compact); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to string }{{"/h", "/i"}, {`"remove"`, `"format-disk"`}, {`"protocol": "1"`, `"protocol": "9"`}, {`"steps"`, `"stepz"`}} {
		if _, err := Parse([]byte(strings.Replace(string(b), c.from, c.to, 1))); err == nil {
			t.Errorf("%s for %s passes", c.to, c.from)
		}
	}
	if _, err := Parse([]byte(strings.ReplaceAll(string(b), `"/h"`, `"/i"`))); !errors.Is(err, ErrEdited) {
		t.Errorf("an edited plan: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	p := Make([]finding.Finding{fixed("a", "linux/x/a", "/h", true, edit(finding.Remove, "/h"))}, Options{Profile: Image})
	b, err := p.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		if p, err := Parse(in); err == nil && len(p.Steps) != 1 {
			t.Fatal("a plan with a right digest that was never made")
		}
	})
}
