package assay

import (
	"context"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/finding"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/plan"
	"assay/internal/winapi"
)

func TestWhatSpeaksAgainstSysprep(t *testing.T) {
	lock := func(key string) *finding.Fix { return &finding.Fix{Edits: []finding.Edit{{Key: `Users` + key}}} }
	found := []finding.Finding{
		{ID: "own", Check: "windows/account/local-accounts", Class: finding.PresetAccount, Severity: finding.Critical, Fix: lock(`\000001f4`)},
		{ID: "other", Check: "windows/account/local-accounts", Class: finding.PresetAccount, Severity: finding.High, Fix: lock(`\000003E9`)},
		{ID: "key", Check: "any/cloud/x", Class: finding.IdentityCredential, Severity: finding.High},
		{ID: "known", Check: "any/cloud/x", Class: finding.IdentityCredential, Severity: finding.High, Accepted: &finding.Acceptance{}},
		{ID: "trace", Check: "windows/files/logs", Class: finding.SystemTrace, Severity: finding.High},
		{ID: "weak", Check: "any/cloud/x", Class: finding.IdentityCredential, Severity: finding.Medium},
		{ID: "vminit", Check: "windows/system/first-password", Class: finding.PresetAccount, Severity: finding.Medium},
		{ID: "blank", Check: "windows/account/logon-policy", Class: finding.Exposure, Severity: finding.Medium},
	}
	var got []string
	for _, f := range Unfit(found) {
		got = append(got, f.ID)
	}
	if want := []string{"other", "key", "vminit", "blank"}; !slices.Equal(got, want) {
		t.Errorf("%q speak against it, want %q", got, want)
	}
}

// TestSysprep hands over: only what is fit, with answers that hold no password,
// and only the state of the image afterwards is a success.
func TestSysprep(t *testing.T) {
	dir, f := liveTree(t)
	target := Target{Name: `C:\`, Dir: dir, Live: true, windows: f}
	folder := filepath.Join(dir, "Windows/System32/Sysprep")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	run := `Run Sysprep\sysprep.exe [/generalize /oobe /shutdown /quiet /unattend:` + dir + `\Windows\System32\Sysprep\assay.xml]`
	unfit := []finding.Finding{{ID: "f1", Class: finding.PresetAccount, Severity: finding.Critical}}
	if err := Sysprep(target, unfit); !errors.Is(err, ErrSysprep) || !strings.Contains(err.Error(), "f1") || len(f.Calls) > 0 {
		t.Errorf("%v, asked of Windows: %q", err, f.Calls)
	}
	if err := Sysprep(Target{Name: "/", Dir: "/", Live: true}, nil); !errors.Is(err, ErrSysprep) {
		t.Error(err)
	}
	const state = `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State`
	for after, fails := range map[string]bool{"IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE": false, "IMAGE_STATE_COMPLETE": true, "IMAGE_STATE_UNDEPLOYABLE": true} {
		f.Calls, f.Data = nil, map[string]map[string][]byte{state: {"ImageState": regftest.UTF16(after + "\x00")}}
		err := Sysprep(target, nil)
		if errors.Is(err, ErrSysprep) != fails || !slices.Equal(f.Calls, []string{run}) {
			t.Errorf("%s: %v, asked of Windows: %q", after, err, f.Calls)
		}
		b, err := os.ReadFile(filepath.Join(folder, "assay.xml"))
		if fails {
			if !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: the answers stay behind (%v)", after, err)
			}
			continue
		}
		if err != nil || xml.Unmarshal(b, new(struct{})) != nil || strings.Contains(strings.ToLower(string(b)), "password") {
			t.Errorf("%v: %s", err, b)
		}
	}
	f.Fail = map[string]error{"Run": winapi.ErrNotFound}
	if err := Sysprep(target, nil); !errors.Is(err, ErrSysprep) {
		t.Error(err)
	}
}

// TestNoSysprepNoChange: where Sysprep is missing, that is said before anything
// is changed; otherwise the findings that are left are told.
func TestNoSysprepNoChange(t *testing.T) {
	dir, f := liveTree(t)
	f.Is = winapi.State{User: "Administrator", SID: "S-1-5-21-1-2-3-500", Elevated: true}
	target := Target{Name: `C:\`, Dir: dir, Live: true, windows: f}
	var found []finding.Finding
	o := CleanDirOptions{Sysprep: true, Found: func(all []finding.Finding) { found = all }}
	o.Key, o.AsImage = []byte("k"), true
	o.Decide = plan.Options{Profile: plan.Image}
	_, err := CleanDir(context.Background(), target, o, &keep{})
	if i := slices.IndexFunc(f.Calls, func(c string) bool { return c != "Privileges" }); !errors.Is(err, ErrNotHere) || i >= 0 {
		t.Errorf("%v, asked of Windows: %q", err, f.Calls)
	}
	exe := filepath.Join(dir, "Windows/System32/Sysprep/sysprep.exe")
	if err := errors.Join(os.MkdirAll(filepath.Dir(exe), 0o700), os.WriteFile(exe, []byte("MZ"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := CleanDir(context.Background(), target, o, &keep{}); err != nil && !errors.Is(err, ErrResidue) {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(Unfit(found), func(f finding.Finding) bool {
		return f.Check == "windows/account/local-accounts" && f.Where.User == "bob"
	}) {
		t.Errorf("%d findings, and none speaks against Sysprep", len(found))
	}
}
