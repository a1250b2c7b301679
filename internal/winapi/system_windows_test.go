package winapi

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows/registry"

	"assay/internal/need"
)

// TestRegistry changes a key of its own through the interface, as wine and
// Windows both can.
func TestRegistry(t *testing.T) {
	const key = `SOFTWARE\assay-test`
	k, _, err := registry.CreateKey(registry.LOCAL_MACHINE, key+`\sub`, registry.ALL_ACCESS)
	need.That(t, err == nil, "this account may not change HKLM: %v", err)
	defer k.Close()
	t.Cleanup(func() { _ = registry.DeleteKey(registry.LOCAL_MACHINE, key) })
	if err := k.SetStringValue("v", "secret"); err != nil {
		t.Fatal(err)
	}
	s := System()
	if err := s.SetValue(`HKLM\`+key+`\sub`, "v", []byte{'x', 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if v, _, err := k.GetStringValue("v"); err != nil || v != "x" {
		t.Errorf("%q, %v", v, err)
	}
	if v, err := s.Values(`HKLM\` + key + `\sub`); err != nil || len(v) != 1 || v[0] != "v" {
		t.Errorf("%q, %v", v, err)
	}
	if err := s.DeleteValue(`HKLM\`+key+`\sub`, "v"); err != nil {
		t.Error(err)
	}
	if err := s.DeleteValue(`HKLM\`+key+`\sub`, "v"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if err := s.DeleteKey(`HKLM\` + key + `\sub`); err != nil {
		t.Error(err)
	}
	if err := s.DeleteKey(`HKLM\` + key + `\sub`); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if err := s.DeleteValue(`HKLM\`+key+`\other`, "v"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if exists(key + `\other`) {
		t.Error("asking for a key made it")
	}
}

// TestSecretsAndState leaves out what wine does not have: NetUserSetInfo,
// EvtClearLog and DeleteProfile end the process there.
func TestSecretsAndState(t *testing.T) {
	s := System()
	if err := s.DeletePrivateData("assay-test-nothing"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	state, err := s.State()
	t.Logf("%+v, %v", state, err)
	if err == nil && (state.SID == "" || state.User == "") {
		t.Error("it does not know who it is")
	}
}

func TestPrivateDir(t *testing.T) {
	dir, err := System().PrivateDir()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if es, err := os.ReadDir(dir); err != nil || len(es) != 0 {
		t.Error(es, err)
	}
	if filepath.VolumeName(dir) != System().SystemDrive() {
		t.Errorf("%s is not on the drive of the system", dir)
	}
}
