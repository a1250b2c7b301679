package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/remote"
)

func TestPlanRefuses(t *testing.T) {
	base := func() *Facts {
		return &Facts{Accounts: []Account{{Name: "root", Login: true, KeyFiles: []string{"/root/.ssh/authorized_keys"}, Password: "set", Owner: System},
			{Name: "sys", UID: 5, Owner: System}, {Name: "toor", UID: 0}, {Name: "dev", UID: 1000, Login: true, Password: "empty"}},
			SSHD: SSHD{Main: "/etc/ssh/sshd_config"}}
	}
	for name, c := range map[string]struct {
		change func(*Facts, *Wishes)
		want   string
	}{
		"fine":         {func(*Facts, *Wishes) {}, ""},
		"absent user":  {func(_ *Facts, w *Wishes) { w.User = "nobody" }, "does not exist"},
		"remove self":  {func(_ *Facts, w *Wishes) { w.RemoveUsers = []string{"root"} }, "logs in here"},
		"remove uid 0": {func(_ *Facts, w *Wishes) { w.RemoveUsers = []string{"toor"} }, "uid 0"},
		"remove sys":   {func(_ *Facts, w *Wishes) { w.RemoveUsers = []string{"sys"} }, "belongs to the system"},
		"methods":      {func(f *Facts, _ *Wishes) { f.SSHD.Methods = "publickey,password" }, "AuthenticationMethods"},
		"no key file":  {func(f *Facts, _ *Wishes) { f.Accounts[0].KeyFiles = nil }, "AuthorizedKeysFile none"},
		"odd path":     {func(f *Facts, _ *Wishes) { f.Keys = []Key{{Path: "/home/x\ny/k", Users: []string{"dev"}, Blob: "A"}} }, "mislead"},
		"barred":       {func(f *Facts, _ *Wishes) { f.SSHD.Barred = "AllowUsers x" }, "keep root out (AllowUsers x)"},
		"no sshd":      {func(f *Facts, _ *Wishes) { f.SSHD.Main = "" }, "no sshd_config"},
	} {
		f, w := base(), Wishes{User: "root", NewKey: "ssh-ed25519 N", NewBlob: "N"}
		c.change(f, &w)
		p, err := MakePlan(f, w)
		if c.want == "" && (err != nil || !slices.Equal(p.Lock, []string{"root", "dev"})) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAttribute(t *testing.T) {
	f := &Facts{Keys: []Key{{Fingerprint: "a"}, {Fingerprint: "b"}, {Fingerprint: "c"}, {Fingerprint: "d"}, {Fingerprint: "e"}},
		Accounts: []Account{{Name: "x"}, {Name: "y"}, {Name: "z", Owner: CloudInit}}}
	f.Attribute(Trust{New: "a", Bound: map[string]string{"b": "kp"}, Keys: map[string]string{"c": "team", "d": "team"}, Published: map[string]string{"d": "Vagrant"}, Users: []string{"y", "z"}})
	for i, want := range []Owner{New, Bound, Trusted, Published, Unknown} {
		if f.Keys[i].Owner != want || f.Keys[i].Goes() != (i > 2) {
			t.Errorf("%+v, want %q", f.Keys[i], want)
		}
	}
	if f.Accounts[0].Owner != Unknown || f.Accounts[1].Owner != Trusted || f.Accounts[2].Owner != CloudInit {
		t.Errorf("%+v", f.Accounts)
	}
}

func TestSSHDChange(t *testing.T) {
	inc := "Include /etc/ssh/sshd_config.d/*.conf\n"
	for name, c := range map[string]struct {
		in   SSHD
		path string // "" for no change, "!" for a refusal
		made bool
	}{
		"drop-in":         {SSHD{Main: "/m", Text: "# x\n" + inc + "PasswordAuthentication yes\n"}, "/etc/ssh/sshd_config.d/00-assay.conf", true},
		"sorts before":    {SSHD{Main: "/m", Text: inc, Dropins: []File{{"/etc/ssh/sshd_config.d/00-aaa.conf", ""}}}, "/etc/ssh/sshd_config.d/0-assay.conf", true},
		"late include":    {SSHD{Main: "/m", Text: "PasswordAuthentication yes\n" + inc}, "/m", false},
		"match before it": {SSHD{Main: "/m", Text: "Match all\n" + inc}, "/m", false},
		"no include":      {SSHD{Main: "/m", Text: "Match User x\nPasswordAuthentication yes\n"}, "/m", false},
		"relative":        {SSHD{Main: "/m", Text: "Include d/*.conf\n"}, "/etc/ssh/d/00-assay.conf", true},
		"one file":        {SSHD{Main: "/m", Text: "Include /etc/ssh/x.conf\n"}, "/m", false},
		"match in it":     {SSHD{Main: "/m", Text: "Include /etc/ssh/x.conf\n", Dropins: []File{{"/etc/ssh/x.conf", "Match User a\n"}}}, "!", false},
	} {
		got, err := sshdChange(c.in)
		switch {
		case c.path == "!":
			if err == nil {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		case err != nil || got == nil || got.Path != c.path || got.Make != c.made:
			t.Errorf("%s: %+v %v", name, got, err)
			continue
		}
		again := c.in
		if got.Make {
			again.Dropins = append([]File{got.File}, again.Dropins...)
		} else {
			again.Text = got.Text
		}
		if second, err := sshdChange(again); err != nil || second != nil {
			t.Errorf("%s is not idempotent: %+v %v", name, second, err)
		}
	}
}

// hurt is a shell that breaks at the nth script.
type hurt struct {
	at, n int
	ran   []string
	dead  bool
}

func (h *hurt) Run(_ context.Context, s remote.Script) (remote.Result, error) {
	h.n++
	h.ran = append(h.ran, s.Name)
	if h.n == h.at {
		return remote.Result{}, errors.New("cut")
	}
	if h.dead && h.at > 0 && h.n > h.at {
		return remote.Result{}, errors.New("still cut")
	}
	return remote.Result{}, nil
}
func (h *hurt) Private() bool { return true }
func (h *hurt) Close() error  { return nil }

func (h *hurt) Enter(context.Context) (remote.Shell, error) { return h, nil }
func (h *hurt) Knock(_ context.Context, _ string, b []string) ([]bool, bool, error) {
	return make([]bool, len(b)), false, nil
}
func (h *hurt) Old(context.Context) ([]string, error) { return nil, nil }

// TestOrder: nothing that lets somebody in goes before the new key was proven,
// and after every failure the undo is the next thing that runs.
func TestOrder(t *testing.T) {
	plan := func() *Plan {
		return &Plan{User: "root", PlaceIn: "/k", NewKey: "x", Remove: []Key{{Path: "/k", Blob: "A", Users: []string{"root"}}}, Lock: []string{"a"}, Users: []string{"b"},
			SSHD: &Change{}, Logins: []string{"root"}}
	}
	all := []string{"arm", "place", "keys", "lock", "users", "sshd", "confirm"}
	h := &hurt{}
	var events []string
	f := &Fix{Plan: plan(), Admin: h, Door: h, Event: func(e Event) {
		if e.State == Done {
			events = append(events, e.Step)
		}
	}}
	if err := f.Run(t.Context()); err != nil || !slices.Equal(h.ran, all) {
		t.Fatalf("%v %v", err, h.ran)
	}
	if want := []string{"arm", "place", "enter", "keys", "lock", "users", "sshd", "reenter", "refused", "confirm"}; !slices.Equal(events, want) {
		t.Errorf("%v", events)
	}
	for n := range all {
		for _, dead := range []bool{false, true} {
			h := &hurt{at: n + 1, dead: dead}
			err := (&Fix{Plan: plan(), Admin: h, Door: h}).Run(t.Context())
			var fe *FixError
			want := Undone
			switch {
			case n == 0:
				want = Failed
			case dead:
				want = LeftToIt
			}
			if !errors.As(err, &fe) || fe.State != want || n > 0 && h.ran[n+1] != "undo" {
				t.Errorf("cut at %s: %v %v", all[n], err, h.ran)
			}
		}
	}
}

// ecs is a small cloud of one instance.
type ecs struct {
	t       *testing.T
	pair    string
	pairs   map[string]string
	calls   []string
	request cloud.Request
	reboots int
}

func (e *ecs) Call(_ context.Context, r cloud.Request) (json.RawMessage, error) {
	e.calls, e.request = append(e.calls, r.Action), r
	switch r.Action {
	case "DescribeKeyPairs":
		if k := e.pairs[r.Params["KeyPairName"]]; k != "" {
			return json.RawMessage(`{"KeyPairs":{"KeyPair":[{"KeyPairName":"` + r.Params["KeyPairName"] + `","PublicKey":"` + k + `"}]}}`), nil
		}
		return json.RawMessage(`{"KeyPairs":{"KeyPair":[]}}`), nil
	case "ImportKeyPair":
		e.pairs[r.Params["KeyPairName"]] = r.Params["PublicKeyBody"]
	case "AttachKeyPair":
		e.pair = r.Params["KeyPairName"]
	case "DetachKeyPair":
		e.pair = ""
	case "RebootInstance":
		e.reboots = 2
	case "DescribeInstances":
		status := "Running"
		if e.reboots > 0 {
			e.reboots--
			status = "Starting"
		}
		return json.RawMessage(`{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"` + status + `","OSType":"linux","PublicIpAddress":{"IpAddress":["192.0.2.1"]}}]}}`), nil
	}
	return json.RawMessage(`{}`), nil
}

func TestBinder(t *testing.T) {
	e := &ecs{t: t, pairs: map[string]string{"other": "ssh-ed25519 B", "old": "ssh-ed25519 C"}}
	b := &KeyPairBinder{Caller: e, Instance: ECS{Region: "r", ID: "i-1", KeyPair: "old"}, Name: "new", Public: "ssh-ed25519 A me", Poll: time.Millisecond}
	if err := b.Bind(t.Context()); err != nil || e.pair != "new" || e.request.Params["InstanceIds"] != `["i-1"]` {
		t.Errorf("%v %+v", err, e)
	}
	if err := b.Restart(t.Context()); err != nil || e.reboots != 0 {
		t.Error(err)
	}
	if err := b.Unbind(t.Context()); err != nil || e.pair != "old" {
		t.Errorf("%v %q", err, e.pair)
	}
	b.Name = "other"
	if err := b.Bind(t.Context()); err == nil || e.pair != "old" {
		t.Errorf("bound somebody's key: %v", err)
	}
	b.Instance.KeyPair, b.Name = "", "new"
	if err := errors.Join(b.Bind(t.Context()), b.Unbind(t.Context())); err != nil || e.pair != "" {
		t.Error(err, e.pair)
	}
}

func TestWindows(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		p, err := NewPassword()
		if err != nil || !Valid(p) || seen[p] {
			t.Fatalf("%q %v", p, err)
		}
		seen[p] = true
	}
	for _, bad := range []string{"", "Short1!", "alllowercase1", "/Abcdefg1", strings.Repeat("aA1!", 8)} {
		if Valid(bad) {
			t.Errorf("%q", bad)
		}
	}
	e := &ecs{t: t}
	if err := ResetWindows(t.Context(), e, ECS{Region: "r", ID: "i-1"}, "Abcdefg1!", time.Millisecond); err != nil || e.calls[0] != "ModifyInstanceAttribute" || e.calls[1] != "RebootInstance" {
		t.Errorf("%v %v", err, e.calls)
	}
}

func TestBatch(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	targets := []string{"a", "b", "c", "d", "e", "f"}
	var order []string
	run := func(max int, bad ...string) (int, error) {
		b, _ := os.ReadFile(name)
		j, err := NewJournal(name, b)
		if err != nil {
			t.Fatal(err)
		}
		order = nil
		return Batch{MaxFailures: max, Journal: j}.Run(t.Context(), targets, func(_ context.Context, s string) error {
			order = append(order, s)
			if slices.Contains(bad, s) {
				return errors.New("broken")
			}
			return nil
		})
	}
	if n, err := run(1, "b", "c", "d"); n != 2 || !errors.Is(err, ErrTooManyFailures) || strings.Join(order, "") != "abc" {
		t.Errorf("%d %v %v", n, err, order)
	}
	if n, err := run(0); n != 0 || err != nil || strings.Join(order, "") != "bcdef" { // goes on; "a" is done
		t.Errorf("%d %v %v", n, err, order)
	}
	if n, err := run(0); n != 0 || err != nil || len(order) != 0 {
		t.Errorf("%d %v %v", n, err, order)
	}
	if _, err := NewJournal("x", []byte("{")); err == nil {
		t.Error("a broken journal was read")
	}
}

func FuzzSSHDChange(f *testing.F) {
	f.Add("Include /etc/ssh/d/*.conf\nMatch all\n", "00-a.conf", "Match User x\n")
	f.Fuzz(func(t *testing.T, text, name, drop string) {
		c, err := sshdChange(SSHD{Main: "/m", Text: text, Dropins: []File{{"/etc/ssh/d/" + name, drop}}})
		if err == nil && c != nil && !strings.HasPrefix(c.Text, headline) {
			t.Errorf("%+v", c)
		}
	})
}
