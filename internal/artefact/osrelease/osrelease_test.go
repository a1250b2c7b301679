package osrelease

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/need"
)

const sample = `# comment
ID=debian
ID_LIKE='rhel centos'
VERSION_ID="12"
PRETTY_NAME="A \"quoted\" \$name \\"
EMPTY=
TWICE=1
TWICE=2
BAD-NAME=x
WORD=one
`

func TestParse(t *testing.T) {
	want := map[string]string{"ID": "debian", "ID_LIKE": "rhel centos", "VERSION_ID": "12", "PRETTY_NAME": `A "quoted" $name \`,
		"EMPTY": "", "TWICE": "2", "WORD": "one"}
	if got := Parse([]byte(sample)); !maps.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestShell asks a shell, whose syntax this is.
func TestShell(t *testing.T) {
	sh := need.Tool(t, "sh")
	for name, value := range Parse([]byte(sample)) {
		out, err := exec.Command(sh, "-c", strings.Replace(sample, "BAD-NAME=x\n", "", 1)+"printf %s \"$"+name+"\"").Output()
		if err != nil || string(out) != value {
			t.Errorf("%s: %q, the shell says %q (%v)", name, value, out, err)
		}
	}
}

func TestRedHat(t *testing.T) {
	for line, want := range map[string]string{
		"CentOS release 6.10 (Final)":                            "centos 6.10",
		"Red Hat Enterprise Linux Server release 5.11 (Tikanga)": "rhel 5.11",
		"Something else": "rhel ",
	} {
		if id, v := RedHat(line); id+" "+v != want {
			t.Errorf("%q: %s %s", line, id, v)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) { Parse(b); RedHat(string(b)) })
}
