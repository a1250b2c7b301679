package sudoers

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/need"
)

const sample = `# comment
Defaults	env_reset, mail_badpass
Defaults:deploy !authenticate
Defaults!/usr/bin/su noexec
User_Alias ADMINS = alice, bob, %wheel : OPS = carol
Cmnd_Alias SHELLS = /bin/sh, \
    /bin/bash, sudoedit /etc/motd
Runas_Alias DB = postgres, mysql
Host_Alias HERE = localhost, 10.0.0.0/8
root	ALL=(ALL:ALL) ALL
%sudo   ALL=(ALL:ALL) ALL # trailing
ADMINS, dave HERE = NOPASSWD: SHELLS, PASSWD: /usr/bin/id, (DB) NOPASSWD:SETENV: ALL
#1001 ALL=(root) /usr/bin/less /var/log/a\,b, /bin/x a\:b : OTHER = ALL
ALL,!eve ALL = (:docker) CWD=/tmp ALL, !/bin/su
"my user" ALL=/bin/true
broken line without equals
`

func describe(f File) string {
	var b strings.Builder
	for _, s := range f.Specs {
		fmt.Fprintf(&b, "%d %q\n", s.Line, s.Users)
		for _, c := range s.Commands {
			fmt.Fprintf(&b, "  %v nopasswd=%v %q nil=%v\n", c.Runas, c.NoPasswd, c.Text, c.Runas == nil)
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	f := Parse([]byte(sample + "@include /etc/other\n#includedir /etc/sudoers.d\n@includedir my\\ dir\n"))
	want := `10 ["root"]
  [ALL] nopasswd=false "ALL" nil=false
11 ["%sudo"]
  [ALL] nopasswd=false "ALL" nil=false
12 ["ADMINS" "dave"]
  [] nopasswd=true "SHELLS" nil=true
  [] nopasswd=false "/usr/bin/id" nil=true
  [DB] nopasswd=true "ALL" nil=false
13 ["#1001"]
  [root] nopasswd=false "/usr/bin/less /var/log/a,b" nil=false
  [root] nopasswd=false "/bin/x a:b" nil=false
  [] nopasswd=false "ALL" nil=true
14 ["ALL" "!eve"]
  [] nopasswd=false "ALL" nil=false
  [] nopasswd=false "!/bin/su" nil=false
15 ["my user"]
  [] nopasswd=false "/bin/true" nil=true
`
	if got := describe(f); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := fmt.Sprint(f.Aliases); got != "[{User_Alias ADMINS [alice bob %wheel] 5} {User_Alias OPS [carol] 5} "+
		"{Cmnd_Alias SHELLS [/bin/sh /bin/bash sudoedit /etc/motd] 6} {Runas_Alias DB [postgres mysql] 8} {Host_Alias HERE [localhost 10.0.0.0/8] 9}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(f.Includes); got != "[{/etc/other false 17 6} {/etc/sudoers.d true 18 6} {my dir true 19 6}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(f.Defaults); got != "[{0 [] env_reset 2} {0 [] mail_badpass 2} {58 [deploy] !authenticate 3} {33 [/usr/bin/su] noexec 4}]" {
		t.Error(got)
	}
}

// oracle asks sudo's own parser.
func oracle(t *testing.T, in string) []byte {
	t.Helper()
	cmd := exec.Command(need.Tool(t, "cvtsudoers"), "-f", "json", "-")
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cvtsudoers: %v %s", err, err.(*exec.ExitError).Stderr)
	}
	return out
}

// TestAgainstSudo compares users, targets, tags and commands with what sudo's
// own parser reads in the same text.
func TestAgainstSudo(t *testing.T) {
	// cvtsudoers 1.9.13 refuses a broken line, and writes broken JSON for CWD.
	in := strings.NewReplacer("broken line without equals\n", "", "CWD=/tmp ", "").Replace(sample)
	type member = map[string]any
	var j struct {
		UserSpecs []struct {
			UserList  []member `json:"User_List"`
			CmndSpecs []struct {
				RunasUsers []member `json:"runasusers"`
				Options    []map[string]any
				Commands   []member
			} `json:"Cmnd_Specs"`
		} `json:"User_Specs"`
	}
	if err := json.Unmarshal(oracle(t, in), &j); err != nil {
		t.Fatal(err)
	}
	name := func(m member) string {
		s := ""
		if m["negated"] == true {
			s = "!"
		}
		for k, v := range m {
			switch k {
			case "username", "useralias", "command", "cmndalias", "runasalias", "usergroup", "userid":
				s += map[string]string{"usergroup": "%", "userid": "#"}[k] + fmt.Sprint(v)
			}
		}
		return s
	}
	var want []string
	for _, s := range j.UserSpecs {
		var users []string
		for _, u := range s.UserList {
			users = append(users, name(u))
		}
		for _, cs := range s.CmndSpecs {
			var runas []string
			for _, r := range cs.RunasUsers {
				runas = append(runas, name(r))
			}
			nopasswd := false
			for _, o := range cs.Options {
				nopasswd = nopasswd || o["authenticate"] == false
			}
			for _, c := range cs.Commands {
				want = append(want, fmt.Sprintf("%q %q %v %s", users, runas, nopasswd, strings.ReplaceAll(name(c), `\`, "")))
			}
		}
	}
	var got []string
	for _, s := range Parse([]byte(in)).Specs {
		for _, c := range s.Commands {
			runas := c.Runas
			if len(runas) == 0 {
				runas = []string{}
			}
			got = append(got, fmt.Sprintf("%q %q %v %s", s.Users, runas, c.NoPasswd, c.Text))
		}
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nsudo says\n%s", g, w)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("a b=(,:\\"))
	f.Fuzz(func(t *testing.T, b []byte) { Parse(b) })
}
