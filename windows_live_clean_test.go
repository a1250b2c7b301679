package assay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/finding"
	"assay/internal/plan"
	"assay/internal/winapi"
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
	}
	steps := make([]plan.Step, len(edits))
	for i, e := range edits {
		steps[i].Edit = e
	}
	w := &windowsHand{api: f, state: winapi.State{User: "Admin"}, hives: f.Loaded, root: root}
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
	want := []string{`DeleteValue HKLM\SECURITY\Cache NL$1`, "LockAccount bob true",
		`DeleteValue HKLM\SOFTWARE\Microsoft\K DefaultPassword`, "DeletePrivateData DefaultPassword", `SetValue HKLM\SYSTEM\K V 00ff`,
		"ClearLog Microsoft-Windows-A/Operational"}
	if !slices.Equal(f.Calls, want) {
		t.Errorf("asked of Windows:\n%s\nwant\n%s", strings.Join(f.Calls, "\n"), strings.Join(want, "\n"))
	}
	for _, want := range []string{"/Users/gone/NTUSER.DAT", config + "SAM", string(finding.RegScrub), string(finding.Replace)} {
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
	p, err := CleanDir(context.Background(), target, o, &keep{})
	if err != nil && !errors.Is(err, ErrResidue) { // the fake's hives stay as they are
		t.Fatal(err)
	}
	if len(p.Steps) == 0 || !slices.ContainsFunc(f.Calls, func(c string) bool { return strings.Contains(c, "DefaultPassword") }) {
		t.Errorf("%d steps, asked of Windows: %s", len(p.Steps), strings.Join(f.Calls, "\n"))
	}
	for _, want := range []string{"DeleteCredentials", "Run vssadmin.exe [delete shadows /all /quiet]", "Run powercfg.exe [/hibernate off]", "DeleteJournal " + dir} {
		if !slices.Contains(f.Calls, want) {
			t.Errorf("%s was not asked for", want)
		}
	}
	if slices.ContainsFunc(f.Calls, func(c string) bool { return strings.HasPrefix(c, "LockAccount Administrator") }) {
		t.Error("the account that runs it was locked")
	}
}
