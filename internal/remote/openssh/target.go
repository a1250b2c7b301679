package openssh

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A Target is where to log in. Empty fields are filled from ~/.ssh/config, then
// from defaults.
type Target struct{ User, Host, Port string }

// ParseTarget reads ssh://[user@]host[:port]. A password in it is refused:
// arguments are seen by every process of the host. Errors do not repeat s.
func ParseTarget(s string) (Target, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "ssh" {
		return Target{}, errors.New("it is not of the form ssh://user@host:port")
	}
	if _, has := u.User.Password(); has {
		return Target{}, errors.New("a password does not belong into a target: use --password-file")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return Target{}, errors.New("it has more than user, host and port")
	}
	return target(u.User.Username(), u.Hostname(), u.Port())
}

// target checks the parts: they come from arguments, ssh_config and clouds.
func target(user, host, port string) (Target, error) {
	if host == "" || strings.ContainsAny(host, " \t\r\n\x00/@%") || strings.HasPrefix(host, "-") {
		return Target{}, fmt.Errorf("%q is no host name", host)
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return Target{}, fmt.Errorf("%q is no port", port)
	}
	if strings.ContainsAny(user, "\r\n\x00") {
		return Target{}, fmt.Errorf("%q is no user", user)
	}
	return Target{user, host, port}, nil
}

// jump reads one hop of ProxyJump: [user@]host[:port] or ssh://….
func jump(s string) (Target, error) {
	if strings.HasPrefix(s, "ssh://") {
		return ParseTarget(s)
	}
	user, rest, ok := cutLast(s, "@")
	if !ok {
		user, rest = "", s
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), ""
	}
	return target(user, host, port)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// String is the target as the user would write it.
func (t Target) String() string {
	s := t.Host
	if strings.Contains(s, ":") {
		s = "[" + s + "]"
	}
	if t.User != "" {
		s = t.User + "@" + s
	}
	if t.Port != "" {
		s += ":" + t.Port
	}
	return "ssh://" + s
}

func (t Target) addr() string { return net.JoinHostPort(t.Host, t.Port) }
