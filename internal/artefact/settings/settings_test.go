package settings

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/need"
)

func show(s []Setting) string {
	var b strings.Builder
	for _, x := range s {
		fmt.Fprintf(&b, "%d:%s|%s=%s\n", x.Line, x.Path, x.Key, x.Value)
	}
	return b.String()
}

func TestParsers(t *testing.T) {
	for _, c := range []struct {
		name  string
		parse Parser
		in    string
		want  string
	}{
		{"ini", INI, "\ufeff; c\n[a b]\r\nk = \"v # x\"\nflag\n//reg/:_authToken=t\n", "3:a b|k=v # x\n5:a b|//reg/:_authToken=t\n"},
		{"properties", Properties, "a.b: c=d\n!x\nk=v\n", "1:|a.b=c=d\n3:|k=v\n"},
		{"hcl", HCL, "a = \"b\"\nc = var.d\n", "1:|a=b\n"},
		{"words", Words, "requirepass \"s3\"\n  proxy_set_header Authorization \"Basic x\";\nbare\n", "1:|requirepass=s3\n2:|proxy_set_header=Authorization \"Basic x\"\n"},
		{"env", Env, "export A='x y' B=\"q\\\"r\" # c\nsetenv C d\nset -gx E f\nif [ -n \"$X\" ]; then G=h; fi\nH=i; J=k\necho A=b\n",
			"1:|A=x y\n1:|B=q\"r\n2:|C=d\n3:|E=f\n5:|H=i\n"},
		{"netrc", Netrc, "machine h login l password p\ndefault\n login x\n password y\n", "1:h|login=l\n1:h|password=p\n3:default|login=x\n4:default|password=y\n"},
		{"json", JSON, "{\"a\":{\"b\":[\n{\"k\":\"v\"},7]},\n\"t\":true}", "2:a/b/0|k=v\n2:a/b|1=7\n3:|t=true\n"},
		{"yaml", YAML, "a: &x\n  - k: v\nb: *x\n---\nc: |\n  line\n", "2:a/0|k=v\n5:|c=line\n\n"},
		{"xml", XML, "<a>\n<b c=\"d\">e</b>\n<add key=\"K\" value=\"V\"/></a>", "2:a/b|c=d\n2:a|b=e\n3:a/add|key=K\n3:a/add|value=V\n3:a/add|K=V\n"},
		{"php", PHP, "<?php\n// define('DB_PASSWORD', 'no');\ndefine( 'DB_PASSWORD', 'it\\'s' );\n'password' => \"p\",\n$dbpass = 'q';\n", "3:|DB_PASSWORD=it\\'s\n4:|password=p\n5:|dbpass=q\n"},
	} {
		got, err := c.parse([]byte(c.in))
		if show(got) != c.want || err != nil {
			t.Errorf("%s: %v\n%swant\n%s", c.name, err, show(got), c.want)
		}
	}
}

// TestErrorsQuoteNothing holds that what a file says never comes out in an error.
func TestErrorsQuoteNothing(t *testing.T) {
	for name, c := range map[string]struct {
		parse Parser
		in    string
	}{
		"json": {JSON, `{"a":"b", s3cr3t}`},
		"yaml": {YAML, "a: *s3cr3t\n"},
		"xml":  {XML, "<a><s3cr3t"},
	} {
		_, err := c.parse([]byte(c.in))
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBombs holds the bounds: nesting, aliases and many settings.
func TestBombs(t *testing.T) {
	start := need.CPU()
	for name, c := range map[string]struct {
		parse Parser
		in    string
	}{
		"json depth":  {JSON, strings.Repeat("[", 1<<20)},
		"yaml depth":  {YAML, strings.Repeat("[", 1<<20)},
		"yaml indent": {YAML, strings.Repeat("- ", 1<<18)},
		"xml depth":   {XML, strings.Repeat("<a>", 1<<18)},
		"ini many":    {INI, strings.Repeat("a=b\n", maxSettings+1)},
		"json many":   {JSON, "[" + strings.Repeat("1,", maxSettings+1) + "1]"},
	} {
		if _, err := c.parse([]byte(c.in)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if d := need.CPU() - start; d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzParsers(f *testing.F) {
	f.Add([]byte("[a]\nk=v\nexport A='x'\nmachine h password p\n"))
	f.Add([]byte(`{"a":[1,{"b":"c"}]}`))
	f.Add([]byte("a: &x [1, *x]\n<<: {b: c}\n"))
	f.Add([]byte(`<a b="c"><add key="k" value="v"/>t</a>`))
	f.Add([]byte("define('K', 'V'); $x = \"y\";"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		n := strings.Count(string(b), "\n") + strings.Count(string(b), "\r") + 2
		for _, p := range []Parser{INI, Properties, HCL, Words, Env, Netrc, JSON, YAML, XML, PHP} {
			out, _ := p(b)
			for _, s := range out {
				if s.Line < 1 || s.Line > n {
					t.Fatalf("line %d of %d", s.Line, n)
				}
			}
		}
	})
}
