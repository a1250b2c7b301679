package winapi

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
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

// TestSavedHive writes a key to a file and loads that again. Wine's file is no
// hive, but it loads what it saves.
func TestSavedHive(t *testing.T) {
	const key = `SOFTWARE\assay-test-hive`
	k, _, err := registry.CreateKey(registry.LOCAL_MACHINE, key+`\sub`, registry.ALL_ACCESS)
	if err != nil {
		need.That(t, false, "this account may not change HKLM: %v", err)
	}
	defer k.Close()
	t.Cleanup(func() {
		_ = registry.DeleteKey(registry.LOCAL_MACHINE, key+`\sub`)
		_ = registry.DeleteKey(registry.LOCAL_MACHINE, key)
	})
	if err := k.SetStringValue("v", "kept"); err != nil {
		t.Fatal(err)
	}
	s := System()
	t.Log("privileges: ", s.Privileges())
	dir, err := s.PrivateDir()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "hive")
	if err := s.SaveHive(`HKLM\`+key, file); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(file); err != nil || i.Size() == 0 {
		t.Fatalf("%v, %v", i, err)
	}
	const loaded = `HKU\assay-test`
	if err := s.LoadHive(loaded, file); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Value(loaded+`\sub`, "v"); err != nil || string(b) != "k\x00e\x00p\x00t\x00\x00\x00" {
		t.Errorf("%q, %v", b, err)
	}
	if names, err := s.Keys(loaded); err != nil || len(names) != 1 || names[0] != "sub" {
		t.Errorf("%q, %v", names, err)
	}
	if err := s.UnloadHive(loaded); err != nil {
		t.Error(err)
	}
	if _, err := s.Value(loaded+`\sub`, "v"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it was let go: %v", err)
	}
	if err := s.LoadHive(loaded, file+"-not"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestOpenOnce(t *testing.T) {
	dir, err := System().PrivateDir()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "once")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := System().OpenOnce(file)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 7)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestRun(t *testing.T) {
	s := System()
	if err := s.Run(Command{Program: "cmd.exe", Args: []string{"/c", "exit 0"}}); err != nil {
		t.Error(err)
	}
	if err := s.Run(Command{Program: "cmd.exe", Args: []string{"/c", "exit 3"}}); err == nil {
		t.Error("a status of 3 is no error")
	}
	if err := s.Run(Command{Program: `Sysprep\no-such.exe`}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// TestCredentials stores one in Credential Manager and has it deleted. The
// layout is CREDENTIALW of wincred.h.
func TestCredentials(t *testing.T) {
	target, _ := windows.UTF16PtrFromString("assay-test")
	blob := []byte("secret")
	c := struct {
		credential
		comment    *uint16
		written    windows.Filetime
		size       uint32
		blob       *byte
		persist    uint32
		attributes uint32
		list       uintptr
		alias      *uint16
		user       *uint16
	}{credential: credential{kind: 1, target: target}, size: uint32(len(blob)), blob: &blob[0], persist: 2, user: target}
	if ok, _, err := advapi32.NewProc("CredWriteW").Call(uintptr(unsafe.Pointer(&c)), 0); ok == 0 {
		t.Fatal(err)
	}
	if n, err := System().DeleteCredentials(); n == 0 || err != nil {
		t.Errorf("%d were deleted, %v", n, err)
	}
	if n, err := System().DeleteCredentials(); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
}

// TestDeleteAtRestart wants the file in the list of what the next start does.
func TestDeleteAtRestart(t *testing.T) {
	dir, err := System().PrivateDir()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := System().DeleteAtRestart(file); err != nil {
		t.Fatal(err)
	}
	const manager = `HKLM\SYSTEM\CurrentControlSet\Control\Session Manager`
	b, err := System().Value(manager, "PendingFileRenameOperations")
	if err != nil || !strings.Contains(strings.ReplaceAll(string(b), "\x00", ""), filepath.Base(dir)) {
		t.Errorf("%q, %v", b, err)
	}
}

func TestHives(t *testing.T) {
	list, err := System().Hives()
	t.Logf("%+v, %v", list, err) // wine's registry is in no hive
	if err != nil && !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
