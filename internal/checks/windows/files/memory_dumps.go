package files

import (
	"io"
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
	"assay/internal/guest"
)

var memoryDumps = &Check{
	ID:       "windows/files/memory-dumps",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-008", "WTM-003"},
	Doc: check.Doc{
		Title:  t("Memory on disk: dumps, page files, hibernation", "磁盘上的内存内容：转储、页面文件、休眠文件"),
		Why:    t("Memory holds passwords and keys of whoever was logged on, in clear", "内存中以明文保存着登录用户的密码和密钥"),
		Remedy: t("Empty the files; Windows makes page files anew at start", "清空这些文件；Windows 启动时会重新创建页面文件"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if err := empty(p, place{what: t("Reports of crashed programs", "崩溃程序报告"), severity: finding.Low, dirs: []string{"/ProgramData/Microsoft/Windows/WER", "~/AppData/Local/Microsoft/Windows/WER"}}); err != nil {
			return err
		}
		if err := hibernated(p); err != nil {
			return err
		}
		if err := scattered(p); err != nil {
			return err
		}
		return run(p,
			left{t("Dumps of memory and crashed programs", "内存和崩溃程序的转储"), finding.Medium, "", dumpPlaces, finding.Blank, finding.Text{}},
			left{t("Memory that was swapped out", "换出到磁盘的内存"), finding.Medium, "", []string{"/pagefile.sys", "/swapfile.sys"}, finding.Blank, finding.Text{}},
		)
	},
}

// dumpPlaces are where Windows puts its dumps.
var dumpPlaces = []string{"/Windows/MEMORY.DMP", "/Windows/Minidump/*", "/Windows/LiveKernelReports/**", "~/AppData/Local/CrashDumps/*"}

// scattered reports dumps of memory that a person or a program put elsewhere:
// a dump of lsass.exe holds the passwords of all who are logged on.
func scattered(p *Pass) error {
	if p.Subject.Windows() == nil {
		return nil
	}
	usual := map[string]bool{}
	found, _ := p.Subject.Match(dumpPlaces...)
	for _, m := range found {
		usual[m.Path] = true
	}
	for _, m := range credfile.NamedBy(p.Subject, func(name string) bool {
		return strings.HasSuffix(strings.ToLower(name), ".dmp") || strings.HasSuffix(strings.ToLower(name), ".mdmp")
	}) {
		if err := p.Context.Err(); err != nil {
			return err
		}
		if usual[m.Path] || !isMemory(p, m) {
			continue
		}
		f := finding.Finding{Where: credfile.Where(p.Subject, m), Severity: finding.High,
			Title: finding.Tf("Dump of a program's memory: %s (%s)", "程序的内存转储：%s（%s）", credfile.Show(path.Base(m.Path)), finding.Size(m.Meta.Size))}
		f.Fix = &finding.Fix{Title: t("Empty the file", "清空该文件"), Safe: true, Edits: []finding.Edit{{Op: finding.Blank, Volume: f.Where.Volume, Path: f.Where.Path}}}
		p.Report(f)
	}
	return nil
}

// isMemory reads the signature of a dump: of the kernel, or of a program.
func isMemory(p *Pass, m guest.Match) bool {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
		return false
	}
	b := make([]byte, 8)
	n, _ := f.ReadAt(b, 0)
	s := string(b[:n])
	return s == "PAGEDUMP" || s == "PAGEDU64" || strings.HasPrefix(s, "MDMP")
}

// hibernated reports what is stored of memory in hiberfil.sys. The file is
// zeroed, not emptied: ntfs-3g takes a short one for that of a machine asleep
// and refuses to write (ntfs_volume_check_hiberfile).
func hibernated(p *Pass) error {
	if p.Subject.Windows() == nil {
		return nil
	}
	found, _ := p.Subject.Match("/hiberfil.sys")
	for _, m := range found {
		if m.Meta.Kind != fsys.Regular || m.Meta.Size == 0 {
			continue
		}
		blank, err := zeroes(p, m)
		if err != nil {
			return err
		}
		if blank {
			continue
		}
		w := finding.Where{Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}
		risk := t("If Windows has been put to sleep, its open files are lost: shut it down instead", "如果 Windows 处于休眠状态，其打开的文件将丢失：请改为正常关机")
		p.Report(finding.Finding{Where: w, Severity: finding.High,
			Title: finding.Tf("The memory of a hibernated or fast-started machine: %s", "休眠或快速启动的机器内存：%s", finding.Size(m.Meta.Size)),
			Fix: &finding.Fix{Title: t("Zero the file", "将文件清零"), Risk: &risk,
				Edits: []finding.Edit{{Op: finding.Scrub, Volume: w.Volume, Path: w.Path, Length: m.Meta.Size}}}})
	}
	return nil
}

// zeroes reports whether a file holds nothing but zeros. What cannot be read
// is a gap, and may hold something.
func zeroes(p *Pass, m guest.Match) (bool, error) {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapCorrupt, finding.Where{Path: m.Path}, "%v", err)
		return false, nil
	}
	b := make([]byte, 1<<20)
	for off := int64(0); off < m.Meta.Size; off += int64(len(b)) {
		if err := p.Context.Err(); err != nil {
			return false, err
		}
		n, err := f.ReadAt(b[:min(int64(len(b)), m.Meta.Size-off)], off)
		if slices.ContainsFunc(b[:n], func(c byte) bool { return c != 0 }) {
			return false, nil
		}
		if err != nil && err != io.EOF {
			p.Gap(finding.GapCorrupt, finding.Where{Path: m.Path}, "%v", err)
			return false, nil
		}
	}
	return true, nil
}
