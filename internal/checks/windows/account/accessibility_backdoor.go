package account

import (
	"crypto/sha256"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

const imageOptions = `Microsoft\Windows NT\CurrentVersion\Image File Execution Options`

// logonPrograms can be started at the logon screen by anybody.
var logonPrograms = []string{"sethc.exe", "utilman.exe", "osk.exe", "narrator.exe", "magnify.exe", "displayswitch.exe", "atbroker.exe"}

var accessibilityBackdoor = &Check{
	ID:       "windows/account/accessibility-backdoor",
	Severity: finding.Critical,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "A14"},
	Covers:   []string{"WAC-011"},
	Doc: check.Doc{
		Title:  t("Programs of the logon screen that open a shell", "登录界面上可打开命令行的程序"),
		Why:    t("Pressing Shift five times at the logon screen gives a shell as SYSTEM without any password", "在登录界面连按五次 Shift 键即可无密码获得 SYSTEM 权限的命令行"),
		Remedy: t("Remove the debugger setting, and bring the program back with sfc /scannow", "删除该调试器设置，并用 sfc /scannow 恢复程序"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SOFTWARE")
		for _, exe := range logonPrograms {
			key := imageOptions + `\` + exe
			if v := h.Key(key).Value("Debugger"); v.Text() != "" {
				f := atKey(h, key)
				f.Title = finding.Tf("At the logon screen %s starts another program: %s", "在登录界面上，%s 会启动另一个程序：%s", exe, credfile.Show(v.Text()))
				f.Fix = &finding.Fix{Title: t("Remove the debugger setting", "删除该调试器设置"), Safe: true, Edits: []finding.Edit{h.Edit(finding.RegDeleteValue, key, v.Name())}}
				p.Report(f)
			}
		}
		shells := map[[sha256.Size]byte]string{}
		for _, shell := range []string{"cmd.exe", "WindowsPowerShell/v1.0/powershell.exe", "taskmgr.exe"} {
			if sum, ok := digest(p, w.Root+"/System32/"+shell); ok {
				shells[sum] = shell
			}
		}
		for _, exe := range logonPrograms {
			name := w.Root + "/System32/" + exe
			sum, ok := digest(p, name)
			if shell := shells[sum]; ok && shell != "" {
				p.Report(finding.Finding{Where: p.Subject.Where(name, 0), Anchor: exe,
					Title: finding.Tf("%s, which anybody can start at the logon screen, is a copy of %s", "任何人都能在登录界面启动的 %s 是 %s 的副本", exe, shell)})
			}
		}
		return nil
	},
}

// digest hashes a program of the guest.
func digest(p *Pass, name string) (sum [sha256.Size]byte, ok bool) {
	const limit = 16 << 20
	m := p.Subject.Files(name)
	if len(m) != 1 || m[0].Meta.Size > limit {
		return sum, false
	}
	f, err := p.Subject.Tree.OpenAt(m[0].Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m[0]), "%v", err)
		return sum, false
	}
	b, err := fsys.Content(f, limit)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m[0]), "%v", err)
		return sum, false
	}
	return sha256.Sum256(b), true
}
