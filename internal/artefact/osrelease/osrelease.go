package osrelease

import "strings"

// Parse reads assignments in the subset of shell syntax that os-release(5)
// allows: NAME=value, with single or double quotes and backslashes. The last
// assignment of a name wins. Other lines are skipped.
func Parse(b []byte) map[string]string {
	m := map[string]string{}
	for l := range strings.Lines(string(b)) {
		name, value, ok := strings.Cut(strings.TrimSpace(l), "=")
		if ok && identifier(name) {
			m[name] = unquote(value)
		}
	}
	return m
}

func identifier(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}

// unquote takes one shell word: what follows it on the line is a comment or
// an error, and left out.
func unquote(s string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// redHats are the first words of redhat-release and the os-release ID that
// belongs to them.
var redHats = []struct{ prefix, id string }{
	{"CentOS", "centos"}, {"Red Hat Enterprise Linux", "rhel"}, {"Fedora", "fedora"}, {"Rocky", "rocky"}, {"AlmaLinux", "almalinux"},
	{"Alibaba Cloud Linux", "alinux"}, {"Aliyun Linux", "alinux"}, {"Anolis", "anolis"}, {"openEuler", "openeuler"},
	{"Oracle", "ol"}, {"Scientific", "scientific"}, {"Amazon Linux", "amzn"}, {"Kylin", "kylin"},
}

// RedHat reads the one line of /etc/redhat-release: "CentOS release 6.10
// (Final)" gives "centos", "6.10". An unknown name gives "rhel".
func RedHat(line string) (id, version string) {
	id = "rhel"
	for _, r := range redHats {
		if strings.HasPrefix(line, r.prefix) {
			id = r.id
			break
		}
	}
	if _, after, ok := strings.Cut(line, "release "); ok {
		version, _, _ = strings.Cut(after, " ")
	}
	return id, version
}
