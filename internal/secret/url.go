package secret

import (
	"bytes"

	"assay/finding"
)

var urlEnd = charset(" \t\r\n\"'<>`")

// matchURL takes the password of scheme://user:password@host, also with an
// empty user, and a long token in the place of the user.
func matchURL(r *rule, v *view) {
	b := v.b
	from := v.at + len(v.word.text)
	end := from
	for end < min(from+maxValue, len(b)) && !urlEnd[b[end]] && b[end] >= ' ' {
		end++
	}
	rest := b[from:end]
	cut := len(rest)
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		cut = i
	}
	at := bytes.LastIndexByte(rest[:cut], '@')
	if cut < len(rest) && (at < 0 || !hostFollows(rest[at+1:])) {
		at = wildPassword(rest, cut)
	}
	if at <= 0 || !hostFollows(rest[at+1:]) {
		return
	}
	scheme := v.at
	for scheme > max(v.at-16, 0) && keyChar[b[scheme-1]] {
		scheme--
	}
	host := rest[at+1:]
	if i := bytes.IndexAny(host, "/?,;)]}|\\"); i >= 0 {
		host = host[:i]
	}
	user, pass, has := bytes.Cut(rest[:at], []byte(":"))
	start := from + len(user) + 1
	if !has || len(pass) == 0 || bytes.Equal(pass, []byte("x-oauth-basic")) {
		if len(user) < 20 || !random(user) {
			return
		}
		pass, start, user = user, from, nil
	}
	if i := bytes.IndexByte(pass, ';'); i >= 0 && bytes.IndexByte(pass[i:], '=') > 0 { // the properties of a JDBC URL
		return
	}
	if bytes.ContainsAny(user, "[]<>{}") || pass[0] == '@' || pass[0] == '%' && len(pass) > 1 && pass[1] >= 'G' && pass[1] <= 'Z' || placeholder(pass) || placeholderUser(user) && plainWord(pass) || bytes.ContainsAny(pass, "{}()$|\\ ") && bracketsIn(pass) || bytes.HasPrefix(pass, []byte("$")) {
		return
	}
	conf, why := r.confidence, finding.T("a password inside a URL", "URL 中含有密码")
	if documentation(host) {
		conf, why = conf-50, finding.T("a password inside a URL of a documentation host", "文档示例主机的 URL 中含有密码")
	} else if plainWord(pass) {
		conf -= 15
	}
	if v.run.place.form == source && v.inComment() {
		conf -= 40
	}
	id := make([]byte, 0, 64)
	id = append(append(append(append(id, b[scheme:from]...), user...), '@'), host...)
	v.run.add(r, v, start, start+len(pass), verdict{confidence: conf, reason: why, id: string(id[:min(len(id), 200)])})
}

// wildPassword finds the "@" behind a password with "/", "?" or "#" in it,
// which people forget to escape. Before the sign there must be more than a
// port, or it is a host and a path.
func wildPassword(rest []byte, cut int) int {
	_, pass, ok := bytes.Cut(rest[:cut], []byte(":"))
	if !ok || len(bytes.Trim(pass, "0123456789")) == 0 || bytes.ContainsAny(rest[:cut], "[]") {
		return -1
	}
	for at := cut; ; at++ {
		i := bytes.IndexByte(rest[at:], '@')
		if i < 0 {
			return -1
		}
		if at += i; hostFollows(rest[at+1:]) {
			return at
		}
	}
}

// hostFollows reports whether b begins like a host name or address.
func hostFollows(b []byte) bool {
	return len(b) > 0 && (sets["alnum"][b[0]] || b[0] == '[' || b[0] == '/' || b[0] == '$' || b[0] == '{' || b[0] == '_')
}

func bracketsIn(p []byte) bool {
	return bytes.ContainsAny(p, "{}") || bytes.Contains(p, []byte("$(")) || bytes.IndexByte(p, '(') >= 0 && bytes.IndexByte(p, ')') >= 0
}

func placeholderUser(u []byte) bool {
	switch string(bytes.ToLower(u)) {
	case "user", "username", "usr", "u", "name", "login", "foo", "me", "userid", "uid", "joe", "alice", "bob":
		return true
	}
	return placeholder(u) && len(u) > 2
}

// plainWord reports whether p is made of small letters alone.
func plainWord(p []byte) bool {
	m := mixOf(p)
	return m.digit+m.symbol+m.upper+m.other == 0
}

// documentation reports whether a host is one that manuals use: RFC 2606 and
// words for "host".
func documentation(host []byte) bool {
	h := bytes.ToLower(host)
	if i := bytes.LastIndexByte(h, ':'); i > 0 {
		h = h[:i]
	}
	for _, s := range []string{"example.com", "example.org", "example.net", ".example", ".test", ".invalid", "domain.com", "foo.com", "bar.com", "acme.com", "mycompany.com", "server.com", "site.com"} {
		if bytes.HasSuffix(h, []byte(s)) {
			return true
		}
	}
	switch string(h) {
	case "host", "hostname", "server", "foo", "bar", "domain", "proxy", "site", "h", "google.com", "yourhost", "ip", "address", "somehost", "www.google.com", "test.com", "a.com", "b.com", "www":
		return true
	}
	return placeholder(host) && len(host) > 3
}
