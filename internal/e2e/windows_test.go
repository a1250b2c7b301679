package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/internal/artefact/regf/regftest"
	"assay/internal/need"
)

// decidedWindows is what a person decides about the careless Windows.
var decidedWindows = []string{"--redact", "--remove", "windows/account/local-accounts", "--remove", "windows/account/lsa-secrets",
	"--remove", "windows/registry/environment", "--remove", "windows/registry/saved-passwords", "--remove", "windows/registry/snmp",
	"--remove", "windows/files/private-keys", "--remove", "windows/files/memory-dumps", "--remove", "windows/files/saved-connections",
	"--remove", "/Users/ops/Downloads"} // with the streams of what is in it

// windowsChecks must each find something in the careless Windows.
var windowsChecks = []string{
	"windows/account/account-hints", "windows/account/autologon", "windows/account/cached-logons", "windows/account/hive-copies", "windows/account/leftover-profiles",
	"windows/account/local-accounts", "windows/account/lsa-secrets",
	"windows/files/activity", "windows/files/answer-files", "windows/files/event-logs", "windows/files/group-policy-passwords", "windows/files/logs", "windows/files/memory-dumps",
	"windows/files/powershell-history", "windows/files/private-keys", "windows/files/saved-connections", "windows/files/saved-credentials", "windows/files/ssh-server",
	"windows/files/temporary-files", "windows/files/user-files", "windows/files/web-server", "windows/files/wireless",
	"windows/registry/deleted-keys", "windows/registry/environment", "windows/registry/saved-passwords", "windows/registry/secrets", "windows/registry/snmp", "windows/registry/ssh-clients", "windows/registry/traces",
	"windows/system/cloud-assistant", "windows/system/vminit-data",
	"any/ssh/authorized-keys", "any/ssh/private-keys",
}

// TestWindows is the whole story on an image of Windows: inspect finds what
// was planted, clean writes a copy without it, inspect finds nothing in the
// copy, other tools accept it, and no byte of it is a planted secret's.
func TestWindows(t *testing.T) {
	w := careless(t)
	img := w.make(t, 256*mib)
	w.planted(t, img)
	check := untouched(t, img)
	before := inspect(t, img)
	got := map[string]bool{}
	for _, f := range before.findings {
		got[f.Check] = true
	}
	for _, c := range windowsChecks {
		if !got[c] {
			t.Errorf("%s finds nothing", c)
		}
	}
	if before.code != 3 || len(before.gaps) > 0 {
		t.Errorf("exit %d, gaps %s", before.code, before.gapText())
	}
	out := filepath.Join(t.TempDir(), "out.qcow2")
	done := parse(t, assay(t, append([]string{"clean", img, "-o", out, "--format", "json"}, decidedWindows...)...))
	check()
	if done.code != 0 || done.verdicts != 2 || done.verdict.Error != "" {
		t.Fatalf("exit %d, %d verdicts, error %q\n%s\n%s\n%s", done.code, done.verdicts, done.verdict.Error, strings.Join(inspect(t, out).ids(), "\n"), done.gapText(), done.stderr)
	}
	if again := inspect(t, out); again.code != 0 || len(again.gaps) > 0 {
		t.Errorf("the copy is not clean: exit %d\n%s\n%s", again.code, strings.Join(again.ids(), "\n"), again.gapText())
	}
	copied := flat(t, out)
	w.gone(t, copied)
	volume := ntfsOf(t, copied)
	sameWindows(t, ntfsOf(t, img), volume, touchedWindows(t, done.stdout))
	t.Run("ntfs-3g", func(t *testing.T) { usable(t, volume) })
	dir, _ := mountNTFS(t, volume, "ro")
	t.Run("registry tools", func(t *testing.T) { judgeHives(t, dir) })
	t.Run("event log tools", func(t *testing.T) { judgeLogs(t, dir) })
	t.Run("secretsdump", func(t *testing.T) { judgeSecrets(t, dir) })
}

// wide writes text as Windows does.
func wide(s string) string { return string(regftest.UTF16(s)) }

// planted holds the fixture itself to what it promises: a secret that is
// nowhere proves nothing by its absence.
func (w *windowsDisk) planted(t *testing.T, img string) {
	t.Helper()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range w.secrets {
		if !bytes.Contains(b, []byte(s)) && !bytes.Contains(b, []byte(wide(s))) {
			t.Errorf("%.14q… was not planted", s)
		}
	}
	for i, s := range w.cipher {
		if !bytes.Contains(b, []byte(s)) {
			t.Errorf("hash %d was not planted", i)
		}
	}
}

// gone searches every byte of a disk.
func (w *windowsDisk) gone(t *testing.T, raw string) {
	t.Helper()
	b, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range w.secrets {
		for _, form := range []string{s, wide(s)} {
			if at := bytes.Index(b, []byte(form)); at >= 0 {
				t.Errorf("%.20q… is still there, at byte %d", form, at)
			}
		}
	}
	for i, s := range w.cipher {
		if bytes.Contains(b, []byte(s)) {
			t.Errorf("hash %d is still there", i)
		}
	}
}

// touchedWindows are the paths that actions changed, and the logs of hives that
// go with them.
func touchedWindows(t *testing.T, stream string) (out []string) {
	for _, p := range touched(t, stream) {
		out = append(out, p, p+".LOG", p+".LOG1", p+".LOG2")
	}
	return out
}

// sameWindows compares every file that no action named, streams included.
func sameWindows(t *testing.T, a, b string, paths []string) {
	t.Helper()
	was, undoA := mountNTFS(t, a, "ro")
	want := listing(t, was)
	undoA()
	is, undoB := mountNTFS(t, b, "ro")
	got := listing(t, is)
	undoB()
	n := 0
	for name, line := range want {
		if under(name, paths) {
			continue
		}
		n++
		if got[name] != line {
			t.Errorf("%s was\n%s\nand is\n%s", name, line, got[name])
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("%s is new", name)
		}
	}
	if n < 60 {
		t.Errorf("only %d files were compared", n)
	}
}

// usable lets ntfsresize account for every cluster and ntfs-3g write.
func usable(t *testing.T, volume string) {
	need.Tool(t, "ntfsresize", "ntfsfix")
	info := func() {
		t.Helper()
		if out := need.Run(t, "ntfsresize", "--info", "--force", volume); strings.Contains(out, "ERROR") || !strings.Contains(out, "You might resize") {
			t.Errorf("ntfsresize says\n%s", out)
		}
	}
	info()
	dir, done := mountNTFS(t, volume, "rw")
	write(t, filepath.Join(dir, "new folder/new file"), filler(5, 3*mib))
	write(t, filepath.Join(dir, "pagefile.sys"), filler(6, 2*mib)) // one that was emptied grows again
	if err := os.Remove(filepath.Join(dir, "unattend.xml")); err != nil {
		t.Error(err)
	}
	done()
	info()
	dir, done = mountNTFS(t, volume, "ro")
	if b, err := os.ReadFile(filepath.Join(dir, "new folder/new file")); err != nil || !bytes.Equal(b, filler(5, 3*mib)) {
		t.Errorf("what was written is not read: %v", err)
	}
	done()
}

// said is what a tool prints, whatever its exit code: several of them return 1
// or 2 after a success.
func said(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, _ := exec.Command(need.Tool(t, name), args...).CombinedOutput()
	return string(out)
}

func judgeHives(t *testing.T, dir string) {
	need.Tool(t, "chntpw", "hivexml", "reglookup")
	config := filepath.Join(dir, configDir)
	for _, h := range []string{configDir + "SAM", configDir + "SYSTEM", configDir + "SECURITY", configDir + "SOFTWARE", configDir + "DEFAULT", opsHome + "NTUSER.DAT"} {
		need.Run(t, "hivexml", filepath.Join(dir, h))
		if out := said(t, "reglookup", filepath.Join(dir, h)); strings.Contains(out, "ERROR") || strings.Count(out, "\n") < 2 {
			t.Errorf("reglookup on %s says\n%.500s", h, out)
		}
	}
	accounts := said(t, "chntpw", "-l", config+"/SAM")
	for _, name := range []string{"Administrator", "Guest", "ops", "kiosk"} {
		if !strings.Contains(accounts, name) {
			t.Errorf("chntpw does not list %s:\n%s", name, accounts)
		}
	}
	const winlogon = `Microsoft\Windows NT\CurrentVersion\Winlogon`
	if out := need.Run(t, "hivexget", config+"/SOFTWARE", winlogon, "AutoAdminLogon"); strings.TrimSpace(out) != "0" {
		t.Errorf("AutoAdminLogon is %q", out)
	}
	if out := need.Run(t, "hivexget", config+"/SOFTWARE", winlogon); strings.Contains(out, "DefaultPassword") {
		t.Errorf("hivexget says\n%s", out)
	}
}

func judgeLogs(t *testing.T, dir string) {
	need.Tool(t, "evtxinfo", "evtxexport")
	logs, _ := filepath.Glob(filepath.Join(dir, "Windows/System32/winevt/Logs/*.evtx"))
	if len(logs) != 2 {
		t.Fatalf("%d logs", len(logs))
	}
	none := regexp.MustCompile(`Number of records\s*: 0\n`)
	for _, l := range logs {
		if out := need.Run(t, "evtxinfo", l); !none.MatchString(out) || strings.Contains(out, "orrupt") {
			t.Errorf("evtxinfo says\n%s", out)
		}
		if out := need.Run(t, "evtxexport", l); !strings.Contains(out, "No records to export") {
			t.Errorf("evtxexport says\n%s", out)
		}
	}
}

// judgeSecrets is what an attacker gets: hashes that nobody knows a password
// of, and nothing else.
func judgeSecrets(t *testing.T, dir string) {
	const script = "/usr/share/doc/python3-impacket/examples/secretsdump.py"
	python := need.Python(t, "impacket")
	_, err := os.Stat(script)
	need.That(t, err == nil, "no %s (dpkg leaves documents out where path-exclude says so)", script)
	config := filepath.Join(dir, configDir)
	out := said(t, python, script, "-sam", config+"/SAM", "-system", config+"/SYSTEM", "-security", config+"/SECURITY", "-history", "LOCAL")
	known := []string{"e19ccf75ee54e06b06a5907af13cef42"} // P@ssw0rd
	for _, name := range []string{"Administrator:500:", "ops:1001:", "kiosk:1002:"} {
		_, line, ok := strings.Cut(out, name)
		line, _, _ = strings.Cut(line, "\n")
		f := strings.Split(line, ":")
		if !ok || len(f) < 2 || len(f[1]) != 32 || slices.Contains(known, f[1]) || f[1] == "31d6cfe0d16ae931b73c59d7e0c089c0" {
			t.Errorf("secretsdump says of %s %q\n%s", name, line, out)
		}
		known = append(known, f[1%len(f)])
	}
	for _, bad := range []string{"_history", "DefaultPassword", "_SC_backup", "zhang.san", "Planted", "Traceback"} {
		if strings.Contains(out, bad) {
			t.Errorf("secretsdump speaks of %s:\n%s", bad, out)
		}
	}
}

// TestWindowsNeedsWindows: what cannot be done offline is told with the exact
// steps, and stays open after cleaning. The disk is one of a BIOS machine.
func TestWindowsNeedsWindows(t *testing.T) {
	w := &windowsDisk{mbr: true, files: map[string][]byte{}, deleted: map[string][]byte{}}
	w.accounts(t)
	w.put("ProgramData/aliyun/vminit/vminit.exe", "MZ")
	w.put("ProgramData/aliyun/vminit/DONOT_RUN_CLOUDINIT_AFTER_REBOOT", "")
	w.hive(t, configDir+"SOFTWARE", "[Microsoft\\Windows\\CurrentVersion\\Setup\\State]\nImageState = IMAGE_STATE_COMPLETE\n")
	img := w.make(t, 64*mib)
	out := filepath.Join(t.TempDir(), "out.raw")
	steps := map[string]string{"windows/system/first-password": "del /f C:", "windows/system/generalized": "sysprep"}
	tell := func(r result) {
		t.Helper()
		told := map[string]bool{}
		for line := range strings.Lines(r.stdout) {
			var m struct {
				Finding *struct {
					Check string
					Fix   json.RawMessage
				}
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			if m.Finding != nil && strings.Contains(string(m.Finding.Fix), steps[m.Finding.Check]) {
				told[m.Finding.Check] = true
			}
		}
		for c := range steps {
			if !told[c] {
				t.Errorf("%q: %s does not say what to do", r.args, c)
			}
		}
	}
	tell(assay(t, "inspect", "--format", "json", img))
	r := assay(t, append([]string{"clean", img, "-o", out, "--format", "json"}, decidedWindows[:len(decidedWindows)-2]...)...)
	if r.code != 3 {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	tell(assay(t, "inspect", "--format", "json", out))
	for _, remove := range []string{"/Windows/System32/config/SAM", "/windows/system32/config/system"} {
		if r := assay(t, "clean", img, "-o", out+"2", "--remove", remove); r.code != 2 || !strings.Contains(r.stderr, "must not be removed") {
			t.Errorf("--remove %s: exit %d\n%s", remove, r.code, r.stderr)
		}
	}
}

// TestWindowsImage writes the careless image where ASSAY_WINDOWS_IMAGE says,
// for the demonstration; for measuring, with ASSAY_WINDOWS_FILL MiB of further
// files.
func TestWindowsImage(t *testing.T) {
	to := os.Getenv("ASSAY_WINDOWS_IMAGE")
	if to == "" {
		t.Skip("ASSAY_WINDOWS_IMAGE names no file")
	}
	w, size := careless(t), int64(256*mib)
	if fill := os.Getenv("ASSAY_WINDOWS_FILL"); fill != "" {
		n, err := strconv.ParseInt(fill, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		w.fill = n * mib
		size = max(4<<30, 2*w.fill)
	}
	need.Run(t, "cp", "--sparse=always", w.make(t, size), to)
}
