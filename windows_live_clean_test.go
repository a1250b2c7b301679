package assay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/plan"
	"assay/internal/winapi"
	"assay/internal/winapi/winapitest"
)

func TestRunningWindowsThatMustNotBeCleaned(t *testing.T) {
	good := winapi.State{User: "admin", Elevated: true}
	if err := ready(good, false); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*winapi.State){
		"administrator":     func(s *winapi.State) { s.Elevated = false },
		"domain controller": func(s *winapi.State) { s.DomainController = true },
		"updates are half":  func(s *winapi.State) { s.Pending = []string{"updates are half installed"} },
		"--leave-domain":    func(s *winapi.State) { s.Domain = "CORP" },
	} {
		s := good
		change(&s)
		if err := ready(s, false); !errors.Is(err, ErrNotHere) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if err := ready(winapi.State{Elevated: true, Domain: "CORP"}, true); err != nil {
		t.Error(err)
	}
}

// TestStepsOfARunningWindows runs one step of each kind.
func TestStepsOfARunningWindows(t *testing.T) {
	dir, f := liveTree(t)
	f.Names[`HKLM\SECURITY\Cache`] = []string{"NL$1", "NL$Control"}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "Windows/Temp/out")); err != nil {
		t.Fatal(err)
	}
	f.Data = map[string]map[string][]byte{`HKLM\SYSTEM\K`: {"ImagePath": []byte("-\x00p\x00p\x00w\x001\x00\x00\xff")}}
	const profiles = `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList`
	f.Below = map[string][]string{profiles: {"S-1-5-21-1", "S-1-5-21-2"}}
	for sid, path := range map[string]string{"S-1-5-21-1": dir + `\Users\Admin`, "S-1-5-21-2": `%SystemDrive%\Users\Carl`} {
		f.Data[profiles+`\`+sid] = map[string][]byte{"ProfileImagePath": regftest.UTF16(path + "\x00")}
	}
	for name, data := range map[string]string{"Users/bob/NTUSER.DAT": "regf", "Windows/a.ini": "pw=pw2\n", "pagefile.sys": "memory"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700), os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	print := func(s string) string { return check.Fingerprint([]byte("k"), []byte(s)) }
	const config = "/Windows/System32/config/"
	edits := []finding.Edit{
		{Op: finding.EmptyLog, Path: "/Windows/System32/winevt/Logs/Microsoft-Windows-A%4Operational.evtx"},
		{Op: finding.RegDeleteValue, Path: config + "software", Key: `Microsoft\K`, Value: "DefaultPassword"},
		{Op: finding.RegDeleteKey, Path: config + "SECURITY", Key: `Policy\Secrets\DefaultPassword`},
		{Op: finding.RegDeleteKey, Path: "/Users/gone/NTUSER.DAT", Key: "X"},
		{Op: finding.RegSetValue, Path: config + "SYSTEM", Key: "K", Value: "V", With: "00ff"},
		{Op: finding.RegScrub, Path: config + "SYSTEM"},
		{Op: finding.EmptyDir, Path: "/Windows/Temp"},
		{Op: finding.Blank, Path: config + "SAM.LOG1"},
		{Op: finding.Remove, Path: "/nothing"},
		{Op: finding.Replace, Path: "/a", With: "x"},
		{Op: finding.ForgetLogons, Path: config + "SECURITY"},
		{Op: finding.LockPassword, Path: config + "SAM", Key: "K", User: "bob", With: "disable"},
		{Op: finding.LockPassword, Path: config + "SAM", Key: "K", User: "ADMIN"},
		{Op: finding.ForgetComment, Path: config + "SAM", Key: "K", User: "bob"},
		{Op: finding.RegReplace, Path: config + "SYSTEM", Key: "K", Value: "ImagePath", Offset: 4, Length: 6, Expect: print("pw1")},
		{Op: finding.RegDeleteKey, Path: "/Users/bob/NTUSER.DAT", Key: "Software\\X"},
		{Op: finding.RegDeleteValue, Path: "/Users/bob/NTUSER.DAT", Key: "Software", Value: "Y"},
		{Op: finding.Replace, Path: "/Windows/a.ini", Offset: 3, Length: 3, Expect: print("pw2")},
		{Op: finding.RemoveTree, Path: "/Users/carl"},
		{Op: finding.RemoveTree, Path: "/Users/Admin"},
		{Op: finding.Blank, Path: "/pagefile.sys"},
		{Op: finding.Scrub, Path: "/other.sys"},
	}
	steps := make([]plan.Step, len(edits))
	for i, e := range edits {
		steps[i].Edit = e
	}
	w := &windowsHand{api: f, state: winapi.State{User: "Admin", SID: "S-1-5-21-1"}, hives: f.Loaded, root: root, image: true, fingerprint: func(b []byte) string { return print(string(b)) }}
	left := ""
	for _, i := range windowsOrder(steps) {
		r := w.step(steps[i])
		if r.Err != nil {
			t.Errorf("%+v: %v", edits[i], r.Err)
		}
		if r.Left {
			left += string(edits[i].Op) + " " + edits[i].Path + "\n"
		}
	}
	w.close()
	ini, err := os.ReadFile(filepath.Join(dir, "Windows/a.ini"))
	if err != nil || string(ini) != "pw=xxx\n" {
		t.Errorf("%q, %v", ini, err)
	}
	bob := "LoadHive HKU\\assay-0 " + dir + `\Users\bob\NTUSER.DAT`
	want := []string{`DeleteValue HKLM\SECURITY\Cache NL$1`, "LockAccount bob true", "ForgetComment bob", "DeleteProfile S-1-5-21-2",
		`DeleteValue HKLM\SOFTWARE\Microsoft\K DefaultPassword`, "DeletePrivateData DefaultPassword", `SetValue HKLM\SYSTEM\K V 00ff`,
		`SetValue HKLM\SYSTEM\K ImagePath 2d00700078007800780000ff`, bob, `DeleteKey HKU\assay-0\Software\X`, `DeleteValue HKU\assay-0\Software Y`,
		"ClearLog Microsoft-Windows-A/Operational", `UnloadHive HKU\assay-0`}
	if !slices.Equal(f.Calls, want) {
		t.Errorf("asked of Windows:\n%s\nwant\n%s", strings.Join(f.Calls, "\n"), strings.Join(want, "\n"))
	}
	for _, want := range []string{"/Users/gone/NTUSER.DAT", config + "SAM", string(finding.RegScrub), "replace /a", "/Users/Admin", "/other.sys"} {
		if !strings.Contains(left, want) {
			t.Errorf("%s is not told as left:\n%s", want, left)
		}
	}
	if es, err := os.ReadDir(filepath.Join(dir, "Windows/Temp")); err != nil || len(es) != 0 {
		t.Errorf("%v, %v", es, err)
	}
	if i, err := os.Stat(filepath.Join(dir, config, "SAM.LOG1")); err != nil || i.Size() != 0 {
		t.Errorf("%v, %v", i, err)
	}
}

// TestCleaningARunningWindows cleans the whole machine twice: as a domain
// controller, where nothing may change, and as one that may be.
func TestCleaningARunningWindows(t *testing.T) {
	dir, f := liveTree(t)
	f.Is = winapi.State{User: "Administrator", Elevated: true, DomainController: true}
	target := Target{Name: `C:\`, Dir: dir, Live: true, windows: f}
	o := CleanDirOptions{}
	o.Key, o.AsImage = []byte("k"), true
	o.Decide = plan.Options{Profile: plan.Image}
	if _, err := CleanDir(context.Background(), target, o, &keep{}); !errors.Is(err, ErrNotHere) {
		t.Errorf("a domain controller: %v", err)
	}
	if i := slices.IndexFunc(f.Calls, func(c string) bool { return c != "Privileges" }); i >= 0 {
		t.Errorf("it was changed: %s", f.Calls[i])
	}
	f.Is.DomainController, f.Calls = false, nil
	o.AsImage = false
	if _, err := CleanDir(context.Background(), target, o, &keep{}); err != nil && !errors.Is(err, ErrResidue) {
		t.Error(err)
	}
	if i := slices.IndexFunc(f.Calls, func(c string) bool { return c != "Privileges" }); i >= 0 {
		t.Errorf("without a word that an image is made of it, its registry was changed: %s", f.Calls[i])
	}
	f.Calls, o.AsImage = nil, true
	f.Loaded = append(f.Loaded, winapi.Hive{Key: `HKU\assay-9`, File: "/Users/gone/NTUSER.DAT"}) // of a run that was killed
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	prefetch := filepath.Join(dir, "Windows/Prefetch", strings.ToUpper(filepath.Base(own))+"-1234ABCD.pf")
	if err := errors.Join(os.MkdirAll(filepath.Dir(prefetch), 0o700), os.WriteFile(prefetch, []byte("MAM"), 0o600)); err != nil {
		t.Fatal(err)
	}
	p, err := CleanDir(context.Background(), target, o, &keep{})
	if err != nil && !errors.Is(err, ErrResidue) { // the fake's hives stay as they are
		t.Fatal(err)
	}
	if len(p.Steps) == 0 || !slices.ContainsFunc(f.Calls, func(c string) bool { return strings.Contains(c, "DefaultPassword") }) {
		t.Errorf("%d steps, asked of Windows: %s", len(p.Steps), strings.Join(f.Calls, "\n"))
	}
	for _, want := range []string{"DeleteCredentials", "Run vssadmin.exe [delete shadows /all /quiet]", "Run powercfg.exe [/hibernate off]", "DeleteJournal " + dir,
		`SetValue HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management ClearPageFileAtShutdown 01000000`, `UnloadHive HKU\assay-9`} {
		if !slices.Contains(f.Calls, want) {
			t.Errorf("%s was not asked for", want)
		}
	}
	if slices.ContainsFunc(f.Calls, func(c string) bool { return strings.HasPrefix(c, "LockAccount Administrator") }) {
		t.Error("the account that runs it was locked")
	}
	if _, err := os.Stat(prefetch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what Windows noted of assay itself is still there: %v", err)
	}
}

// TestNobodyIsLockedOut: run by Cloud Assistant, which is no account of a
// person, the built-in Administrator keeps the password.
func TestNobodyIsLockedOut(t *testing.T) {
	f := &winapitest.Fake{}
	w := &windowsHand{api: f, state: winapi.State{User: "SYSTEM", SID: "S-1-5-18"}}
	lock := func(user, key string) bool {
		return w.step(plan.Step{Edit: finding.Edit{Op: finding.LockPassword, User: user, Key: key}}).Left
	}
	const users = `SAM\Domains\Account\Users\`
	if !lock("Boss", users+"000001f4") || lock("bob", users+"000003E9") {
		t.Errorf("asked of Windows: %q", f.Calls)
	}
	w.state = winapi.State{User: "bob", SID: "S-1-5-21-1-2-3-1001"}
	if lock("Boss", users+"000001F4") {
		t.Error("Administrator is not locked by another administrator")
	}
}
