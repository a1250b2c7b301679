package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/fsys"
	"assay/internal/guest"
)

var shadowedFiles = &Check{
	ID:       "linux/residue/shadowed-files",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B3"},
	Covers:   []string{"TMP-003", "TMP-004"},
	Doc: check.Doc{
		Title:  t("Files that a running system hides under its mount points", "被运行中系统的挂载点遮盖的文件"),
		Why:    t("What lies on disk below /dev, /run, /proc or /sys cannot be seen on the running machine, so nobody has cleaned it", "磁盘上 /dev、/run、/proc、/sys 之下的内容在运行的机器上不可见，因此无人清理"),
		Remedy: t("Remove the files from the image", "从镜像中删除这些文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		if g.Live {
			return nil
		}
		for _, dir := range []string{"/dev", "/run", "/proc", "/sys"} {
			var hidden []guest.Match
			for _, m := range g.Files(dir + "/**") {
				if !credfile.Vendor(g, m.Path) && g.Tree.Mounts()[m.Place.Mount].Path == "/" {
					hidden = append(hidden, m)
				}
			}
			if len(hidden) > 0 {
				reportHidden(p, dir, hidden)
			}
		}
		for _, s := range g.Shadowed() {
			reportShadow(p, s)
		}
		return p.Context.Err()
	},
}

// reportShadow lists what lies below a mount point. It offers no edits: by
// path they would reach the file system that is mounted there.
func reportShadow(p *Pass, s guest.Shadow) {
	f := finding.Finding{Anchor: "mount " + s.Path, Where: finding.Where{Volume: s.Volume, Path: s.Path}}
	n, bytes := 0, int64(0)
	err := s.Tree.Walk("/", func(name string, at fsys.Place, e fsys.Entry, err error) error {
		if err != nil {
			p.Gap(finding.GapUnreadable, f.Where, "hidden below the mount point: %v", err)
			return p.Context.Err()
		}
		full := strings.TrimSuffix(s.Path, "/") + name
		if e.Kind != fsys.Regular || credfile.Vendor(p.Subject, full) {
			return p.Context.Err()
		}
		if m, err := s.Tree.Meta(at); err == nil && m.Size > 0 {
			n, bytes = n+1, bytes+m.Size
			if len(f.Places) < leftover.MaxPlaces {
				f.Places = append(f.Places, finding.Where{Volume: s.Volume, Path: full})
			}
		}
		return p.Context.Err()
	})
	if err != nil && p.Context.Err() == nil {
		p.Gap(finding.GapUnreadable, f.Where, "hidden below the mount point: %v", err)
	}
	if n == 0 {
		return
	}
	f.Title = finding.Tf("%[1]s on volume %[2]s hides %[3]s, %[5]s, below its mount point", "卷 %[2]s 的 %[1]s 在挂载点之下隐藏了 %[4]d 个文件,共 %[5]s", credfile.Show(s.Path), credfile.Show(s.Volume), leftover.Files(n), n, finding.Size(bytes))
	p.Report(f)
}

func reportHidden(p *Pass, dir string, hidden []guest.Match) {
	f := finding.Finding{Anchor: dir, Where: p.Subject.Where(dir, 0), Fix: &finding.Fix{Title: removeTitle, Safe: true}}
	if dir == "/run" { // package scripts write there in a chroot
		f.Severity = finding.Low
	}
	for i, m := range hidden {
		w := credfile.Where(p.Subject, m)
		if i < 50 {
			f.Places = append(f.Places, w)
		}
		f.Fix.Edits = append(f.Fix.Edits, finding.Edit{Op: finding.Remove, Volume: w.Volume, Path: w.Path})
	}
	f.Title = finding.Tf("Files on disk under %s, where no running system shows them: %d, such as %s", "磁盘上 %s 下有运行中系统看不到的文件：%d 个，例如 %s", dir, len(hidden), credfile.Show(hidden[0].Path))
	p.Report(f)
}
