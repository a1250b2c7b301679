package sam_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/md4"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam"
	"assay/internal/artefact/sam/samtest"
	"assay/internal/need"
)

func machine(aes bool) samtest.Machine {
	return samtest.Machine{AES: aes, Accounts: []samtest.Account{
		{RID: 500, Name: "Administrator", Password: "Zu7!kept-by-nobody", Admin: true, Set: 133000000000000000, History: []string{"older", "oldest"}},
		{RID: 501, Name: "Guest", None: true, Flags: 0x215},
		{RID: 1000, Name: "vagrant", Full: "Vagrant", Comment: "pw is vagrant", Password: "vagrant", Admin: true, Remote: true, Flags: 0x200,
			Hint: "the usual", ResetQA: `{"questions":[{"answer":"Rex"}]}`, Supplementary: make([]byte, 100), MicrosoftLogin: "x@example.com"},
		{RID: 1001, Name: "blank", Password: ""},
		{RID: 1002, Name: "ghost$", Password: "Gh0st-in-the-machine", Hidden: true, Hijacks: 500},
		{RID: 1003, Name: "张三", None: true, Flags: 1},
	}, Secrets: []samtest.Secret{
		{Name: "DefaultPassword", Data: regftest.UTF16("ROOT#123")},
		{Name: "_SC_MyService", Data: regftest.UTF16("Svc#Planted2"), Old: regftest.UTF16("Svc#Planted1")},
		{Name: "Empty", Data: nil},
	}, Slots: []string{"alice", "", "bob"}}
}

// hives are the built hives of a machine.
type hives struct{ sam, system, security []byte }

func build(m samtest.Machine) hives {
	minor := 5
	if !m.AES {
		minor = 3
	}
	o := regftest.Options{Minor: minor, Pad: 4096}
	return hives{regftest.Build(m.SAM(), o), regftest.Build(m.SYSTEM(), o), regftest.Build(m.SECURITY(), o)}
}

func open(t testing.TB, b []byte) *regf.Hive {
	t.Helper()
	h, err := regf.Open(slices.Clone(b))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func bootKey(t testing.TB, h hives) sam.Key {
	t.Helper()
	k, err := sam.BootKey(open(t, h.system))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// secretsdump lists what an attacker gets out of the hives.
func secretsdump(t testing.TB, h hives) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{}
	for name, b := range map[string][]byte{"sam": h.sam, "system": h.system, "security": h.security} {
		if b == nil {
			continue
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-"+name, file)
	}
	need.Python(t, "impacket")
	cmd := exec.Command(need.Tool(t, "impacket-secretsdump"), append(args, "-history", "LOCAL")...)
	cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin:"+os.Getenv("PATH")) // the distribution's python has impacket, another one may not
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "Traceback") {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func nt(password string) string {
	h := md4.New()
	h.Write(regf.UTF16(password))
	return hex.EncodeToString(h.Sum(nil))
}

// The hives that we build are what secretsdump and chntpw take for real.
func TestBuiltLikeSecretsdump(t *testing.T) {
	for _, aes := range []bool{false, true} {
		h := build(machine(aes))
		out := secretsdump(t, h)
		for _, want := range []string{"Administrator:500:aad3b435b51404eeaad3b435b51404ee:" + nt("Zu7!kept-by-nobody"), "vagrant:1000:aad3b435b51404eeaad3b435b51404ee:" + nt("vagrant"),
			"Guest:501:aad3b435b51404eeaad3b435b51404ee:" + nt(""), "Svc#Planted2"} {
			if !strings.Contains(out, want) {
				t.Errorf("aes %v: secretsdump does not say %s:\n%s", aes, want, out)
			}
		}
		file := filepath.Join(t.TempDir(), "SAM")
		if err := os.WriteFile(file, h.sam, 0o600); err != nil {
			t.Fatal(err)
		}
		list, _ := exec.Command(need.Tool(t, "chntpw"), "-l", file).CombinedOutput()
		for _, a := range []string{"| 01f4 | Administrator ", "| 03e8 | vagrant ", "| dis/lock |"} {
			if !strings.Contains(string(list), a) {
				t.Errorf("aes %v: chntpw does not list %q:\n%s", aes, a, list)
			}
		}
	}
}

func TestAccounts(t *testing.T) {
	for _, aes := range []bool{false, true} {
		h := build(machine(aes))
		key := bootKey(t, h)
		list, err := sam.Accounts(open(t, h.sam), &key)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range list {
			got = append(got, fmt.Sprintf("%d %s %s admin=%v remote=%v listed=%v disabled=%v asked=%v forever=%v old=%v keys=%v hint=%v qa=%v online=%v hijacks=%d set=%d", a.RID, a.Name, a.Password,
				a.Admin, a.Remote, a.Listed, a.Disabled, !a.NoPasswordAsked, a.NeverExpires, a.HasHistory, a.HasKeys, a.Hint, a.Questions, a.Online, a.Hijacks, max(a.LastSet.Unix(), 0)))
		}
		want := []string{
			"500 Administrator set admin=true remote=false listed=true disabled=false asked=true forever=false old=true keys=false hint=false qa=false online=false hijacks=0 set=1655526400",
			"501 Guest empty admin=false remote=false listed=true disabled=true asked=false forever=true old=false keys=false hint=false qa=false online=false hijacks=0 set=0",
			"1000 vagrant known admin=true remote=true listed=true disabled=false asked=true forever=true old=false keys=true hint=true qa=true online=true hijacks=0 set=0",
			"1001 blank empty admin=false remote=false listed=true disabled=false asked=true forever=false old=false keys=false hint=false qa=false online=false hijacks=0 set=0",
			"1002 ghost$ set admin=false remote=false listed=false disabled=false asked=true forever=false old=false keys=false hint=false qa=false online=false hijacks=500 set=0",
			"1003 张三 empty admin=false remote=false listed=true disabled=true asked=true forever=false old=false keys=false hint=false qa=false online=false hijacks=0 set=0",
		}
		if !slices.Equal(got, want) {
			t.Errorf("aes %v: got\n%s\nwant\n%s", aes, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if list[2].Comment != "pw is vagrant" || list[2].FullName != "Vagrant" {
			t.Errorf("%+v", list[2])
		}
		sealed, err := sam.Accounts(open(t, h.sam), nil)
		if err != nil || sealed[0].Password != sam.Sealed || sealed[1].Password != sam.Empty {
			t.Errorf("without a key: %v, %v", sealed, err)
		}
	}
}

// A boot key of another machine is noticed where the format allows it.
func TestForeignKey(t *testing.T) {
	h := build(machine(false))
	other := machine(false).SYSTEM()
	other.At(`ControlSet001\Control\Lsa\JD`).Class = "00000000"
	h.system = regftest.Build(other, regftest.Options{})
	key := bootKey(t, h)
	list, err := sam.Accounts(open(t, h.sam), &key)
	if err == nil || len(list) != 6 || list[0].Password != sam.Sealed {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := sam.Secrets(open(t, h.security), &key); err == nil {
		t.Error("SECURITY opened with a foreign key")
	}
	if s := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Contains(s, "0123") || strings.Contains(s, "48") {
		t.Errorf("the key shows itself: %s", s)
	}
}

func TestSecrets(t *testing.T) {
	h := build(machine(true))
	key := bootKey(t, h)
	list, err := sam.Secrets(open(t, h.security), &key)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", list)
	for _, want := range []string{
		"{Name:DefaultPassword Key:Policy\\Secrets\\DefaultPassword Stored:92 HasOld:false Opened:true Length:16 Default:true}",
		"{Name:_SC_MyService Key:Policy\\Secrets\\_SC_MyService Stored:108 HasOld:true Opened:true Length:24 Default:false}",
		"Name:Empty Key:Policy\\Secrets\\Empty Stored:76 HasOld:false Opened:true Length:0",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if l := sam.Logons(open(t, h.security)); len(l) != 2 || l[1].Value != "NL$3" {
		t.Errorf("logons %v", l)
	}
}

// Real hives are read like secretsdump reads them.
func TestCorpus(t *testing.T) {
	dir := need.Corpus(t, "windows")
	for _, f := range []string{"regipy/SAM", "velo/SAM", "plaso/SAM", "winregkb/SAM", "ez/SAM", "ez/SAM_DUPENAME"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		list, err := sam.Accounts(open(t, b), nil)
		for _, a := range list {
			t.Logf("%s: %d %q %s admin=%v listed=%v disabled=%v qa=%v hijacks=%d", f, a.RID, a.Name, a.Password, a.Admin, a.Listed, a.Disabled, a.Questions, a.Hijacks)
		}
		if err != nil || len(list) < 2 || list[0].RID != 500 || !list[0].Listed || !list[0].Admin {
			t.Errorf("%s: %v, %v", f, list, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "winregkb/SECURITY"))
	if err != nil {
		t.Fatal(err)
	}
	if l := sam.Logons(open(t, b)); len(l) != 4 {
		t.Errorf("%d cached logons, want 4", len(l))
	}
	sys, err := os.ReadFile(filepath.Join(dir, "regipy/SYSTEM_B"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sam.BootKey(open(t, sys)); err != nil {
		t.Error(err)
	}
}
