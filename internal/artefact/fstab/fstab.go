package fstab

import (
	"strings"
)

// An Entry is one line: fields 1 to 4 of fstab(5), with the escapes undone.
type Entry struct {
	Spec    string // device, UUID=…, LABEL=…, PARTUUID=…, PARTLABEL=…
	File    string // mount point, "none" for swap
	Type    string
	Options []string
	Line    int // 1-based
}

// Option returns the value of an option: "" and true for one without a value.
func (e Entry) Option(name string) (string, bool) {
	for _, o := range e.Options {
		k, v, _ := strings.Cut(o, "=")
		if k == name {
			return v, true
		}
	}
	return "", false
}

// maxEntries bounds what a hostile table gives.
const maxEntries = 4096

// Parse reads a table. Lines with fewer than three fields are not entries.
func Parse(b []byte) []Entry {
	var out []Entry
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		f := strings.Fields(l)
		if len(f) < 3 || strings.HasPrefix(f[0], "#") || len(out) >= maxEntries {
			continue
		}
		e := Entry{Spec: unquote(unescape(f[0])), File: unescape(f[1]), Type: f[2], Line: n}
		if len(f) > 3 {
			e.Options = strings.Split(f[3], ",")
		}
		out = append(out, e)
	}
	return out
}

// unescape undoes the octal escapes of getmntent(3): \040 and kin.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

// unquote drops the quotes of LABEL="…", which libmount accepts.
func unquote(s string) string {
	k, v, ok := strings.Cut(s, "=")
	if ok && len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return k + "=" + v[1:len(v)-1]
	}
	return s
}
