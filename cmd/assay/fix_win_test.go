package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"assay/internal/cloud/double"
	"assay/internal/remote/sshdtest"
)

// A winStandIn answers as Windows PowerShell would: it knows what the scripts
// are for, not how they do it. No PowerShell runs in these tests.
type winStandIn struct {
	mu    sync.Mutex
	users []winUser
	role  int
	stale bool   // a password that was set is not in force
	fails string // SID that cannot be changed
	ran   []string
}

type winUser struct {
	name, sid       string
	disabled, admin bool
	age             int // seconds
	scrambled       bool
}

const machineSID = "S-1-5-21-1-2-3-"

func newWinStandIn() *winStandIn {
	return &winStandIn{role: 2, users: []winUser{
		{name: "Administrator", sid: machineSID + "500", admin: true, age: 90000}, {name: "Guest", sid: machineSID + "501", disabled: true, age: 90000},
		{name: "运维 o'ps", sid: machineSID + "1001", admin: true, age: 90000}, {name: "builder", sid: machineSID + "1002", age: 90000},
		{name: "off", sid: machineSID + "1003", disabled: true, age: 90000}}}
}

// restarted puts a password of ModifyInstanceAttribute in force.
func (w *winStandIn) restarted(password bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if password && !w.stale {
		w.users[0].age = 3
	}
}

var planLine = regexp.MustCompile(`'(disable|enable|scramble) (S-[0-9-]+)'`)

func (w *winStandIn) command(cmd double.Command) double.Output {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cmd.Type != "RunPowerShellScript" || cmd.Username != "System" {
		return double.Output{Exit: 1, Text: "not recognized as the name of a cmdlet"}
	}
	var out strings.Builder
	if !strings.Contains(cmd.Content, "foreach ($line in $plan)") {
		fmt.Fprintf(&out, "assay-accounts 1\r\nrole %d\r\n", w.role)
		for _, u := range w.users {
			fmt.Fprintf(&out, "user %s %d %d %d %s\r\n", u.sid, bit(u.disabled), bit(u.admin), u.age, base64.StdEncoding.EncodeToString([]byte(u.name)))
		}
		return double.Output{Text: out.String() + "end\r\n"}
	}
	out.WriteString("assay-change 1\r\n")
	for _, m := range planLine.FindAllStringSubmatch(cmd.Content, -1) {
		verb, sid := m[1], m[2]
		w.ran = append(w.ran, verb+" "+sid)
		if sid == w.fails && verb != "enable" {
			fmt.Fprintf(&out, "failed %s %s COMException\r\n", verb, sid)
			break
		}
		for i := range w.users {
			if u := &w.users[i]; u.sid == sid {
				u.disabled = verb == "disable" || u.disabled && verb != "enable"
				u.scrambled = u.scrambled || verb == "scramble"
			}
		}
		fmt.Fprintf(&out, "did %s %s\r\n", verb, sid)
	}
	return double.Output{Text: out.String() + "end\r\n"}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *winStandIn) user(sid string) winUser {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.users {
		if strings.HasSuffix(u.sid, "-"+sid) {
			return u
		}
	}
	return winUser{}
}

// TestFixWindows: a new password, which is nowhere but where it was asked for;
// the instance says that it is in force; then unknown accounts are disabled and
// expected ones get passwords that nobody knows.
func TestFixWindows(t *testing.T) {
	c := newCloud(t, 0)
	key := sshdtest.NewKey(t, "fresh").File
	c.fix(2, "i-win", []string{"--key", key}, "--password-out")
	c.fix(0, "i-win", []string{"--key", key, "--plan"}, "a new password", "运维 o'ps, administrator; unknown", "disable builder", `undone by: net user "builder" /active:yes`)
	c.fix(0, "i-win", []string{"--key", key, "--plan", "--lang", "zh"}, "停用归属未知的账户 builder；还原方法", "重置 Administrator 密码")
	if i := c.instance("i-win"); i.PasswordSet || i.Boots != 0 || c.win.ran != nil {
		t.Errorf("a plan changed something: %+v %v", i, c.win.ran)
	}
	out := c.fix(0, "i-win", []string{"--key", key, "--password-out", "pw", "--expected-user", "builder", "--report", "r.json"}, "3389", "运维 o'ps is disabled", "builder has a password that nobody knows")
	b, err := os.ReadFile(filepath.Join(c.dir, "pw"))
	info, err2 := os.Stat(filepath.Join(c.dir, "pw"))
	f := strings.Fields(string(b))
	if err != nil || err2 != nil || info.Mode().Perm() != 0o600 || len(f) != 2 || f[0] != "ecs://cn-hangzhou/i-win" {
		t.Fatalf("%v %v %q", err, info, b)
	}
	if i := c.instance("i-win"); !i.PasswordSet || i.Boots != 1 {
		t.Errorf("%+v", i)
	}
	if !c.win.user("1001").disabled || c.win.user("1002").disabled || !c.win.user("1002").scrambled || c.win.user("500").disabled {
		t.Errorf("%+v", c.win.users)
	}
	r := readFile(t, filepath.Join(c.dir, "r.json"))
	if strings.Contains(out+c.journal()+r, f[1]) {
		t.Error("the password is in the output, the journal or the report")
	}
	for _, want := range []string{`"op":"disable-user"`, `"op":"set-password"`, `"result":"done"`, `"kind":"scope"`} {
		if !strings.Contains(r, want) {
			t.Errorf("no %s in the report\n%s", want, r)
		}
	}
	if ms := parts(t, r); len(ms) != 2 || ms[0].command != "fix" || ms[1].command != "inspect" || !ms[1].clean {
		t.Errorf("%+v", ms)
	}
}

// TestFixWindowsFaults: whatever fails, Administrator's way in is the first
// thing that is proven, and the other accounts are as they were.
func TestFixWindowsFaults(t *testing.T) {
	c := newCloud(t, 0)
	key := sshdtest.NewKey(t, "fresh").File
	same := func(what string) {
		t.Helper()
		for _, sid := range []string{"1001", "1002"} {
			if u := c.win.user(sid); u.disabled || u.scrambled {
				t.Errorf("%s: %+v", what, u)
			}
		}
	}
	c.s.Fail(&double.Fault{Action: "ecs:ModifyInstanceAttribute", Kind: double.Refuse, Status: 403, Code: "Forbidden.RAM", Text: "no"})
	out := c.fix(1, "i-win", []string{"--key", key, "--password-out", "pw"}, "could not be reset")
	if f := strings.Fields(readFile(t, filepath.Join(c.dir, "pw"))); len(f) != 2 || strings.Contains(out+c.journal(), f[1]) {
		t.Errorf("%q %s", f, out)
	}
	c.s.Heal()
	same("the password was refused")
	c.win.stale = true
	c.fix(1, "i-win", []string{"--key", key, "--password-out", "pw"}, "the new one is not in force", "run the same command again")
	c.fix(1, "i-win", []string{"--key", key, "--password-out", "pw", "--lang", "zh"}, "请使用新密码登录，然后再次执行同一命令")
	same("the password is not in force")
	c.win.stale, c.win.fails = false, machineSID+"1002"
	c.fix(1, "i-win", []string{"--key", key, "--password-out", "pw"}, "builder cannot be changed", "are enabled again")
	same("one account cannot be disabled")
	c.win.fails, c.win.role = "", 5
	c.fix(1, "i-win", []string{"--key", key, "--password-out", "pw"}, "domain controller")
	c.win.role = 2
	c.win.users[0].disabled = true
	c.fix(1, "i-win", []string{"--key", key, "--password-out", "pw"}, "the built-in Administrator is disabled")
	c.win.users[0].disabled = false
	c.change("i-win", func(i *double.Instance) { i.Assistant = "" })
	c.fix(4, "i-win", []string{"--key", key, "--password-out", "-"}, "new password, shown this once: ", "Other local accounts were not looked at")
	same("nobody could look")
}

// root is the top of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A part is one target's part of a stream.
type part struct {
	command, target, err string
	clean                bool
	results              map[string]int // of actions
	keys                 map[string]int // of messages
}

// parts reads a stored stream, every line of which meets the schema.
func parts(t *testing.T, stream string) (out []part) {
	t.Helper()
	schema, err := gojsonschema.NewSchema(gojsonschema.NewReferenceLoader("file://" + filepath.Join(root(t), "docs/schema/stream.schema.json")))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stream) {
		var m struct {
			Config  *struct{ Command, Target string }
			Action  *struct{ Result string }
			Verdict *struct {
				Clean bool
				Error string
			}
		}
		var any map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		_ = json.Unmarshal([]byte(line), &any)
		if r, err := schema.Validate(gojsonschema.NewStringLoader(line)); err != nil || !r.Valid() {
			t.Errorf("%v %v: %s", err, r.Errors(), line)
		}
		if m.Config != nil {
			out = append(out, part{command: m.Config.Command, target: m.Config.Target, results: map[string]int{}, keys: map[string]int{}})
		}
		p := &out[len(out)-1]
		for k := range any {
			p.keys[k]++
		}
		switch {
		case m.Action != nil:
			p.results[m.Action.Result]++
		case m.Verdict != nil:
			p.clean, p.err = m.Verdict.Clean, m.Verdict.Error
		}
	}
	return out
}
