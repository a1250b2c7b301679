package assay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam/samtest"
	"assay/internal/winapi"
	"assay/internal/winapi/winapitest"
)

// liveTree is a running Windows: a tree whose hives nobody can read, and a
// fake that can save them.
func liveTree(t *testing.T) (string, *winapitest.Fake) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, data string) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &winapitest.Fake{Drive: dir, Temp: filepath.Join(dir, "Windows/Temp"), Saved: map[string][]byte{}, Names: map[string][]string{}}
	m := samtest.Machine{Accounts: []samtest.Account{{Name: "Administrator", RID: 500, Password: "P@ssw0rd"}, {Name: "bob", RID: 1001, Password: "hunter2"}}}
	software := &regftest.Key{}
	software.At(`Microsoft\Windows NT\CurrentVersion\Winlogon`).Set("AutoAdminLogon", "1").Set("DefaultUserName", "bob").Set("DefaultPassword", "hunter2")
	for name, root := range map[string]*regftest.Key{"SAM": m.SAM(), "SYSTEM": m.SYSTEM(), "SECURITY": m.SECURITY(), "SOFTWARE": software} {
		file := "/Windows/System32/config/" + name
		f.Loaded = append(f.Loaded, winapi.Hive{Key: `HKLM\` + name, File: file})
		f.Saved[`HKLM\`+name] = regftest.Build(root, regftest.Options{})
		put(file, "locked")
		put(file+".LOG1", "locked as well")
	}
	put("Windows/Temp/old.log", "something")
	return dir, f
}

func inspectLive(t *testing.T, dir string, api winapi.API) (titles string, gaps string) {
	t.Helper()
	k := &keep{}
	if err := Inspect(context.Background(), Target{Name: `C:\`, Dir: dir, Live: true, windows: api}, Options{Key: []byte("k"), Command: "inspect"}, k); err != nil {
		t.Fatal(err)
	}
	for _, m := range k.ms {
		if m.Finding != nil {
			titles += m.Finding.Check + " " + m.Finding.Title.EN + " " + m.Finding.Where.Path + "\n"
		}
		if m.Gap != nil {
			gaps += m.Gap.Where.Path + " " + m.Gap.Detail + "\n"
		}
	}
	return titles, gaps
}

func TestRunningWindowsIsReadThroughItsRegistry(t *testing.T) {
	dir, f := liveTree(t)
	titles, gaps := inspectLive(t, dir, f)
	for _, want := range []string{"windows/account/local-accounts", "windows/account/autologon"} {
		if !strings.Contains(titles, want) {
			t.Errorf("no finding of %s in\n%s", want, titles)
		}
	}
	if strings.Contains(titles+gaps, "assay-private") {
		t.Errorf("the copies are inspected too:\n%s%s", titles, gaps)
	}
	if !strings.Contains(gaps, "deleted keys") {
		t.Errorf("what copies leave out is not told:\n%s", gaps)
	}
	for _, d := range f.Dirs {
		if _, err := os.Stat(d); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s stays behind (%v)", d, err)
		}
	}
	if len(f.Dirs) != 1 {
		t.Errorf("%d private folders", len(f.Dirs))
	}
}

func TestRunningWindowsWithoutRightsIsAGap(t *testing.T) {
	dir, f := liveTree(t)
	f.Fail = map[string]error{"Privileges": errors.New("not all privileges are assigned"), `SaveHive HKLM\SAM`: errors.New("access is denied")}
	_, gaps := inspectLive(t, dir, f)
	for _, want := range []string{"run assay as an administrator", `HKLM\SAM is in use and could not be copied: access is denied`} {
		if !strings.Contains(gaps, want) {
			t.Errorf("%q is not told:\n%s", want, gaps)
		}
	}
}

// TestChecksOfLinuxAreNotForWindows: files of Linux on a Windows machine, of a
// distribution or a copy, are no accounts of it.
func TestChecksOfLinuxAreNotForWindows(t *testing.T) {
	dir, f := liveTree(t)
	for name, data := range map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/bash\nann::1000:1000::/home/ann:/bin/bash\n", "etc/shadow": "ann::19000:0:99999:7:::\n", "etc/ssh/sshd_config": "PermitEmptyPasswords yes\n"} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(data), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if titles, _ := inspectLive(t, dir, f); strings.Contains(titles, "linux/") || !strings.Contains(titles, "windows/") {
		t.Errorf("found on Windows:\n%s", titles)
	}
}
