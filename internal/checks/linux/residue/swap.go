package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// The header of a swap area is one page: mkswap(8), include/linux/swap.h.
const (
	swapHeader = 4096
	swapMagic  = 4086 // "SWAPSPACE2", or what a hibernated kernel puts there
	swapName   = "SWAPSPACE2"
	probes     = 64 // places looked at in a large swap file
	probeSize  = 16 << 10
)

var swap = &Check{
	ID:       "linux/residue/swap",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"TMP-005", "TMP-006"},
	Doc: check.Doc{
		Title:  t("Memory written to swap, or by hibernation", "写入交换空间或休眠映像的内存内容"),
		Why:    t("Swap holds pages of processes, with keys and passwords in clear", "交换空间保存进程内存页，其中的密钥和密码都是明文"),
		Remedy: t("Zero the swap area and make it again with the same UUID (mkswap -U), or leave it out of the image", "清零交换空间并以相同 UUID 重建（mkswap -U），或不将其放入镜像"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		for _, v := range g.Spare {
			if v.Content == "swap" && v.HasData {
				p.Report(finding.Finding{Where: finding.Where{Volume: v.Name}, Anchor: v.Name,
					Title: finding.Tf("Swap volume %s (%s) holds old memory", "交换卷 %s(%s)中残留内存内容", v.Name, finding.Size(v.Size)),
					Fix: &finding.Fix{Title: t("Zero the swap volume behind its header", "清零交换卷（保留其头部）"), Safe: true,
						Edits: []finding.Edit{{Op: finding.Scrub, Volume: v.Name, Offset: swapHeader, Length: v.Size - swapHeader}}}})
			}
		}
		if g.Live {
			return nil
		}
		paths := []string{"/swapfile", "/swap.img", "/swap/swapfile", "/var/swap", "/var/swapfile", "/swap", "/mnt/swapfile", "/www/swap"}
		b, _ := g.Read("/etc/fstab") // an unreadable one is the boot's problem; the usual names are looked at all the same
		for l := range strings.Lines(string(b)) {
			if f := strings.Fields(l); len(f) >= 3 && f[2] == "swap" && strings.HasPrefix(f[0], "/") && !strings.HasPrefix(f[0], "/dev/") && !strings.ContainsAny(f[0], `*?[\`) {
				paths = append(paths, f[0])
			}
		}
		for _, m := range credfile.Targets(g, paths...) {
			swapFile(p, m)
		}
		return nil
	},
}

func swapFile(p *Pass, m guest.Match) {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
		return
	}
	head := make([]byte, swapHeader)
	if n, _ := f.ReadAt(head, 0); n < swapHeader {
		return
	}
	magic := string(head[swapMagic:])
	asleep := strings.HasPrefix(magic, "S1SUSPEND") || strings.HasPrefix(magic, "S2SUSPEND") || strings.HasPrefix(magic, "LINHIB0001") || strings.HasPrefix(magic, "ULSUSPEND")
	if !asleep && !strings.HasPrefix(magic, swapName) && !strings.HasPrefix(magic, "SWAP-SPACE") {
		return
	}
	if !asleep && !used(f) {
		return
	}
	out := finding.Finding{Where: credfile.Where(p.Subject, m),
		Title: finding.Tf("Swap file %s (%s) holds old memory", "交换文件 %s(%s)中残留内存内容", credfile.Show(m.Path), finding.Size(m.Meta.Size)),
		Fix: &finding.Fix{Title: t("Zero the swap file behind its header", "清零交换文件（保留其头部）"), Safe: true,
			Edits: []finding.Edit{{Op: finding.Scrub, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path, Offset: swapHeader, Length: f.Size() - swapHeader}}}}
	if asleep {
		out.Severity = finding.High
		out.Fix.Edits = append(out.Fix.Edits, finding.Edit{Op: finding.Replace, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path,
			Offset: swapMagic, Length: int64(len(swapName)), With: swapName})
		out.Title = finding.Tf("Swap file %s holds a hibernation image: all memory of the machine", "交换文件 %s 中有休眠映像，即整机内存内容", credfile.Show(m.Path))
	}
	p.Report(out)
}

// used probes a swap file evenly, and closely at its start: the kernel fills
// an area from its beginning.
func used(f fsys.File) bool {
	b := make([]byte, probeSize)
	step := max((f.Size()-swapHeader)/probes, probeSize)
	for i := int64(0); i < 2*probes; i++ {
		at := swapHeader + i*probeSize
		if i >= probes {
			at = swapHeader + (i-probes)*step
		}
		n, _ := f.ReadAt(b, at)
		if strings.Trim(string(b[:n]), "\x00") != "" {
			return true
		}
	}
	return false
}
