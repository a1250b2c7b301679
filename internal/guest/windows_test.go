package guest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam/samtest"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
)

// folding finds names in spite of case, as NTFS does.
type folding struct{ *memfs.FS }

func (folding) Fold(name string) string { return strings.ToUpper(name) }

func windowsGuest(t *testing.T, files ...memfs.File) *Guest {
	t.Helper()
	m := samtest.Machine{AES: true, Accounts: []samtest.Account{{RID: 500, Name: "Administrator", Password: "x-y-z"}}}
	software := &regftest.Key{}
	if err := regftest.Parse(software, `
[Microsoft\Windows NT\CurrentVersion]
ProductName = Windows Server 2022 Datacenter
CurrentBuildNumber = 20348
[Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-18]
ProfileImagePath = %systemroot%\system32\config\systemprofile
[Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-500]
ProfileImagePath = C:\USERS\administrator
[Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001]
ProfileImagePath = D:\Profiles\far`); err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string]*regftest.Key{"SAM": m.SAM(), "SYSTEM": m.SYSTEM(), "SECURITY": m.SECURITY(), "SOFTWARE": software} {
		files = append(files, memfs.File{Path: "/Windows/System32/config/" + name, Data: string(regftest.Build(root, regftest.Options{}))})
	}
	fs := folding{memfs.New(files...)}
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "p2", FS: fs, Root: fs.Root()})
	if err != nil {
		t.Fatal(err)
	}
	return New(tree)
}

func TestWindowsProfiles(t *testing.T) {
	g := windowsGuest(t, memfs.File{Path: "/Users/Administrator/a", Data: "x"}, memfs.File{Path: "/Users/Default/a", Data: "x"},
		memfs.File{Path: "/Users/Default User", Link: "/Users/Default"}, memfs.File{Path: "/Users/All Users", Link: "/ProgramData"},
		memfs.File{Path: "/Users/Public/a", Data: "x"}, memfs.File{Path: "/Users/orphan/.ssh/ID_RSA", Data: "x"}, memfs.File{Path: "/Users/desktop.ini", Data: "x"},
		memfs.File{Path: "/Windows/ServiceProfiles/LocalService/a", Data: "x"}, memfs.File{Path: "/Windows.old/Users/past/a", Data: "x"},
		memfs.File{Path: "/Windows/System32/config/systemprofile/a", Data: "x"})
	var got []string
	for _, p := range g.Windows().Profiles() {
		got = append(got, fmt.Sprint(p.Path, " ", p.Kind, " ", p.SID))
	}
	want := []string{"/Windows/System32/config/systemprofile service S-1-5-18", "/Users/Administrator person S-1-5-21-1-2-3-500", "/Windows/ServiceProfiles/LocalService service ",
		"/Users/Default default ", "/Users/Public public ", "/Users/orphan person ", "/Windows.old/Users/past old "}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if os := g.OS(); os.Family != Windows || os.Name != "Windows Server 2022 Datacenter" || os.Version != "20348" {
		t.Errorf("%+v", os)
	}
	for _, pattern := range []string{"~/.SSH/id_*", "/users/ORPHAN/.ssh/id_rsa", "/**/id_rsa", "/USERS/*/.ssh/Id_Rsa"} {
		if m := g.Files(pattern); len(m) != 1 || m[0].Path != "/Users/orphan/.ssh/ID_RSA" {
			t.Errorf("%s matches %v", pattern, m)
		}
	}
	if list, err := g.Windows().Accounts(); err != nil || len(list) != 1 || list[0].Name != "Administrator" {
		t.Errorf("%v, %v", list, err)
	}
}

// A hive is read as Windows would see it: with what its logs complete.
func TestWindowsHive(t *testing.T) {
	old, now := &regftest.Key{}, &regftest.Key{}
	old.At("Software").Set("n", 1)
	now.At("Software").Set("n", 2)
	a, b := regftest.Build(old, regftest.Options{}), regftest.Build(now, regftest.Options{})
	g := windowsGuest(t, memfs.File{Path: "/Users/u/ntuser.dat", Data: string(regftest.Begin(a, 4))},
		memfs.File{Path: "/Users/u/ntuser.dat.LOG1", Data: string(regftest.NewLog(4, a, b))}, memfs.File{Path: "/Users/u/ntuser.dat.LOG2"},
		memfs.File{Path: "/Users/broken/NTUSER.DAT", Data: "regf"})
	hives := map[string]*Hive{}
	for _, p := range g.Windows().Profiles() {
		hives[p.Name] = p.Hive()
	}
	h := hives["u"]
	if n, _ := h.Key("Software").Uint("n"); n != 2 || h.State() != regf.Replayed || h.Path != "/Users/u/ntuser.dat" || h.Volume != "p2" || len(h.Logs) != 1 {
		t.Errorf("n %d, %v, %+v", n, h.State(), h)
	}
	if b := hives["broken"]; b.Err == nil || b.Path == "" || len(b.Key("Software").Keys()) != 0 {
		t.Errorf("%+v", b)
	}
	if m := g.Windows().HiveAt("/none"); m.Path != "" || m.Err != nil || m.Key("x").Exists() {
		t.Errorf("%+v", m)
	}
}

func TestWindowsPath(t *testing.T) {
	w := windowsGuest(t).Windows()
	for in, want := range map[string]string{
		`C:\Users\x`: "/Users/x", `"C:\Program Files\a.exe"`: "/Program Files/a.exe", `%SystemRoot%\System32\x`: "/Windows/System32/x", `\SystemRoot\x`: "/Windows/x",
		`\??\C:\x`: "/x", `D:\x`: "", `\\server\share`: "", `x`: "", `C:\..\..\x`: "/x", `%ProgramData%\x`: "/ProgramData/x",
	} {
		if got := w.Path(in); got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
}
