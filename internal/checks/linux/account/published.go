package account

import (
	"strings"

	"assay/internal/guest"
)

// published are passwords that vendors, image makers and tutorials hand out:
// whoever tries one in a few minutes tries these. Most likely first, because a
// dear hash may not get through the whole list; with the own names of candidates
// it is as long as hashBudget lets yescrypt's default get through.
var published = []string{
	"", "root", "admin", "123456", "password", "P@ssw0rd", "toor", "centos", "ubuntu", "debian", "vagrant", "admin123", "root123", "12345678",
	"123456789", "1234", "12345", "111111", "000000", "888888", "123123", "admin@123", "Admin@123", "root@123", "Root@123",
	"root123456", "Passw0rd", "P@ssw0rd123", "P@$$w0rd", "Password1", "Password@123", "changeme", "default", "test",
	"guest", "user", "fedora", "rocky", "alpine", "kali", "raspberry", "qwerty", "abc123", "Abc123456", "Aa123456", "Abc@123",
	"1qaz2wsx", "1qaz@WSX", "!QAZ2wsx", "letmein", "welcome", "openEuler12#$", "Aliyun123", "aliyun",
}

// candidates are the passwords tried on one account: those that follow from its
// own name and the machine's, then the published ones.
func candidates(g *guest.Guest, a guest.Account) []string {
	own := []string{a.Name, a.Name + "123", a.Name + "@123", a.Name + "123456"}
	if b, err := g.Read("/etc/hostname"); err == nil {
		if h := strings.TrimSpace(string(b)); h != "" && len(h) < 64 {
			own = append(own, h)
		}
	}
	seen := map[string]bool{}
	var out []string
	for _, c := range append(own, published...) {
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}
