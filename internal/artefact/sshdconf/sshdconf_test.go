package sshdconf

import (
	"fmt"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"Port 22":         "port [22]",
		"\t Port=22  # c": "port [22]",
		"Port = 22":       "port [22]",
		"Port =22":        "port [22]",
		"port\t\"2 2\" x": "port [2 2 x]",
		`AuthorizedKeysFile "a b" 'c d' e\ f g\"h`: `authorizedkeysfile [a b c d e f g"h]`,
		"\"Port\" 22":                        "port [22]",
		"ChallengeResponseAuthentication no": "kbdinteractiveauthentication [no]",
		"# Port 22":                          "",
		"Port":                               "",
		"Banner \"x":                         "",
		"Banner a#b #c":                      "banner [a#b]",
		"Banner x\f\r\n":                     "banner [x]",
		"":                                   "",
	} {
		got := ""
		for _, l := range Parse([]byte(in)) {
			got += fmt.Sprintf("%s %s", l.Key, l.Args)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		name, list string
		want       int
	}{
		{"root", "root", 1}, {"root", "r*", 1}, {"root", "*,!root", -1}, {"root", "!root", -1}, {"bob", "!root", 0},
		{"bob", "?ob", 1}, {"bob", "b?", 0}, {"", "*", 1}, {"abc", "*b*c*", 1}, {"abc", "a*b", 0}, {"a", "", 0},
	} {
		if got := List(c.name, c.list); got != c.want {
			t.Errorf("%q in %q: %d", c.name, c.list, got)
		}
	}
	if !Groups([]string{"a", "b"}, "b,c") || Groups([]string{"a", "b"}, "b,!a") || Groups(nil, "*") {
		t.Error("groups")
	}
	for in, want := range map[string]string{"User root": "[{user root}]", "all": "[{all }]", "All x": "", "User": "", "user=a Group b": "[{user a} {group b}]"} {
		got := ""
		l, _ := Directive("Match " + in)
		if cs, ok := Criteria(l.Args); ok {
			got = fmt.Sprint(cs)
		}
		if got != want {
			t.Errorf("Match %s: %s, want %s", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("Match User a,!b Host=x\nPort = \"2\\\" 2\" # x\n"), "abc", "*b?")
	f.Fuzz(func(t *testing.T, b []byte, name, list string) {
		for _, l := range Parse(b) {
			if l.Key == "" || len(l.Args) == 0 {
				t.Errorf("%+v", l)
			}
			Criteria(l.Args)
		}
		List(name, list)
	})
}
