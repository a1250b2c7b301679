package guest

import (
	"fmt"
	"strings"
	"testing"
)

func TestSudo(t *testing.T) {
	g := plant(
		text("/etc/passwd", "root:x:0:0:::\nalice:x:1000:1000:::\nbob:x:1001:1001:::\ncarol:x:1002:1002:::\ndeploy:x:1003:1003:::\n"),
		text("/etc/group", "root:x:0:\nwheel:x:10:alice\ndocker:x:99:bob\n"),
		text("/etc/sudoers", `Defaults:deploy !authenticate
User_Alias ADMINS = alice, !root, LOOP
User_Alias LOOP = ADMINS
Cmnd_Alias ANY = ALL
root ALL=(ALL) ALL
%wheel ALL=(ALL) NOPASSWD: ALL
#1001 ALL=(postgres) ALL
ALL, !bob ALL=/usr/bin/id
ADMINS ALL=(root) ANY, !/bin/su
deploy ALL=/usr/bin/systemctl restart x
bob ALL=!ALL
@includedir sudoers.d
#include /etc/sudoers
carol ALL=(ALL) ALL
`),
		text("/etc/sudoers.d/90-cloud-init-users", "deploy ALL=(ALL) NOPASSWD:ALL\n"),
		text("/etc/sudoers.d/old.bak", "bob ALL=(ALL) NOPASSWD:ALL\n"),
		text("/etc/sudoers.d/x~", "bob ALL=(ALL) NOPASSWD:ALL\n"),
	)
	a, _ := g.Accounts()
	var got []string
	for _, u := range a.Users {
		seen := map[string]bool{} // the file includes itself
		for _, r := range u.Sudo {
			s := fmt.Sprintf("%s: %s:%d %s nopasswd=%v all=%v", u.Name, r.Path, r.Line, r.Who, r.NoPasswd, r.All)
			if !seen[s] {
				got = append(got, s)
			}
			seen[s] = true
		}
	}
	want := `root: /etc/sudoers:5 root nopasswd=false all=true
root: /etc/sudoers:8 ALL nopasswd=false all=false
alice: /etc/sudoers:6 %wheel nopasswd=true all=true
alice: /etc/sudoers:8 ALL nopasswd=false all=false
alice: /etc/sudoers:9 ADMINS nopasswd=false all=true
bob: /etc/sudoers:7 #1001 nopasswd=false all=false
bob: /etc/sudoers:11 bob nopasswd=false all=false
carol: /etc/sudoers:8 ALL nopasswd=false all=false
carol: /etc/sudoers:14 carol nopasswd=false all=true
deploy: /etc/sudoers:8 ALL nopasswd=true all=false
deploy: /etc/sudoers:10 deploy nopasswd=true all=false
deploy: /etc/sudoers.d/90-cloud-init-users:1 deploy nopasswd=true all=true`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if n := len(g.SudoRules()); n == 0 || n > 3000 {
		t.Errorf("%d rules", n)
	}
}
