package system

import (
	"errors"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// maxGaps bounds the damaged places named of one hive.
const maxGaps = 5

var registryHives = &Check{
	ID:       "windows/system/registry-hives",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Doc: check.Doc{
		Title:  t("Registry hives that can be read only in part", "只能部分读取的注册表配置单元"),
		Why:    t("What a damaged or unfinished hive hides was not looked at", "损坏或未写完的配置单元中的内容未被检查"),
		Remedy: t("Start Windows once and shut it down before making the image", "制作镜像前启动一次 Windows 并正常关机"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		for _, name := range []string{"SYSTEM", "SOFTWARE", "SAM", "SECURITY"} {
			if h := w.Hive(name); h.Path == "" {
				p.Gap(finding.GapMissing, finding.Where{Path: w.Root + "/System32/config/" + name}, "this hive of the registry is missing: what it says was not judged")
			}
		}
		for _, h := range w.Hives() {
			if err := p.Context.Err(); err != nil {
				return err
			}
			sound(p, h)
		}
		return nil
	},
}

// sound walks a hive and names what cannot be read.
func sound(p *Pass, h *guest.Hive) {
	var unsupported *binread.UnsupportedError
	switch {
	case errors.Is(h.Err, fsys.ErrTooLarge), errors.As(h.Err, &unsupported):
		p.Gap(finding.GapUnsupported, h.Where(), "%v", h.Err)
		return
	case errors.Is(h.Err, binread.ErrNotMine):
		p.Gap(finding.GapCorrupt, h.Where(), "this file is no registry hive")
		return
	case h.Err != nil:
		p.Gap(finding.GapCorrupt, h.Where(), "%v", h.Err)
		return
	}
	if h.State() == regf.Dirty {
		p.Gap(finding.GapJournal, h.Where(), "the hive was not written completely, and no log beside it completes it: what it says may be old")
	}
	_ = h.Root().Walk(func(_ string, k regf.Key) error {
		for _, v := range k.Values() {
			_ = v.Size()
		}
		return p.Context.Err()
	})
	for i, err := range h.Faults() {
		if i == maxGaps {
			p.Gap(finding.GapCorrupt, h.Where(), "more than %d places of this hive are damaged", maxGaps)
			return
		}
		p.Gap(finding.GapCorrupt, h.Where(), "%v", err)
	}
}
