package residue

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/fsys"
	"assay/internal/guest"
)

var toolCaches = &Check{
	ID:       "linux/residue/tool-caches",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"TMP-008"},
	Doc: check.Doc{
		Title:  t("Caches of tools in people's homes", "用户主目录中的工具缓存"),
		Why:    t("Caches keep downloaded private packages, thumbnails and addresses", "缓存会保存下载的私有软件包、缩略图和访问过的地址"),
		Remedy: t("Remove the directories", "删除这些目录"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, h := range p.Subject.Homes() {
			if h.Skel || h.Path == "/" {
				continue
			}
			for _, dir := range []string{".cache", ".npm/_cacache", ".cargo/registry", ".m2/repository", "go/pkg/mod", ".gradle/caches", ".nuget/packages", ".composer/cache"} {
				toolCache(p, h, dir)
			}
		}
		return nil
	},
}

// toolCache counts by names alone: such a tree can hold 100,000 files.
func toolCache(p *Pass, h guest.Home, dir string) {
	g := p.Subject
	at, root, err := g.Tree.Lookup(path.Join(h.Path, dir), true)
	if err != nil || !credfile.Under(root, h.Path) {
		return
	}
	n := 0
	err = g.Tree.Walk(root, func(name string, _ fsys.Place, e fsys.Entry, err error) error {
		if err == nil && e.Kind == fsys.Regular && !strings.Contains(e.Name, "motd.legal-displayed") {
			n++
		}
		if p.Context.Err() != nil {
			return fsys.ErrStop
		}
		return nil // what the walk could not read is in the index's faults
	})
	if err != nil || n == 0 {
		return
	}
	w := finding.Where{Volume: g.Tree.VolumeOf(at), Path: root, User: h.User()}
	f := finding.Finding{Where: w,
		Title: finding.Tf("Cache %[1]s of %[2]s (%[4]s)", "用户 %[2]s 的缓存 %[1]s(%[3]d 个文件)", "~/"+dir, credfile.Show(h.User()), n, leftover.Files(n)),
		Fix: &finding.Fix{Title: t("Remove the cache", "删除该缓存"), Safe: dir == ".cache",
			Edits: []finding.Edit{{Op: finding.RemoveTree, Volume: w.Volume, Path: root}}}}
	if !f.Fix.Safe {
		risk := t("Builds on this machine download again what they need", "本机上的构建需要重新下载依赖")
		f.Fix.Risk = &risk
	}
	p.Report(f)
}
