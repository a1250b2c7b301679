package assay

import (
	"errors"
	"fmt"
	"strings"

	"assay/finding"
	"assay/internal/apply"
	"assay/internal/binread"
	"assay/internal/disk/overlay"
	"assay/internal/fsys"
	"assay/internal/fsys/probe"
	"assay/internal/guest"
	"assay/internal/volume"
)

// editors are the volumes of a machine's disks, opened for changes.
type editors struct {
	layout  *volume.Layout
	volumes map[string]apply.Volume
	patches map[string]volume.Patch
}

// openEditors opens every volume that can be changed; why the others cannot is
// kept with them.
func openEditors(layout *volume.Layout, overs []*overlay.Overlay) (*editors, error) {
	disks := make([]volume.Patch, len(overs))
	for i, over := range overs {
		disks[i] = over
	}
	e := &editors{layout: layout, volumes: map[string]apply.Volume{}, patches: map[string]volume.Patch{}}
	for _, v := range layout.Volumes {
		a := apply.Volume{Name: v.Name}
		p, err := layout.Patch(v, disks)
		switch {
		case err != nil:
			a.Why = fmt.Errorf("%w: %w", fsys.ErrUnsafe, err)
		case v.Content == "swap", v.Content == "zero", v.Content == "lvm2", bootCode[v.Type]:
			a.Raw, a.Why = p, errors.New("it holds no file system")
		default:
			a.Raw = p
			a.Editor, a.Why = probe.Edit(p, v.Size)
		}
		e.volumes[v.Name], e.patches[v.Name] = a, p
	}
	return e, nil
}

// mounts assembles the machine again, on the editors.
func (e *editors) mounts() ([]fsys.Mount, error) {
	var sources []guest.Source
	for _, v := range e.layout.Volumes {
		s := guest.Source{Name: v.Name, UUID: v.UUID, Label: v.Label, PartUUID: v.PartUUID, PartName: v.PartName,
			Content: v.Content, Size: v.Size, Bytes: v}
		a := e.volumes[v.Name]
		switch {
		case a.Editor != nil:
			s.FS, s.Content = a.Editor, a.Editor.Describe().Type
		case v.Content == "swap":
		case v.Problem != nil || a.Raw == nil:
			continue
		default: // to be read, at least: a mount that cannot be changed says why
			f, err := probe.Open(v, v.Size)
			if err != nil {
				continue
			}
			s.FS, s.Content = f, f.Describe().Type
		}
		sources = append(sources, s)
	}
	g, err := guest.Assemble(sources)
	if err != nil {
		return nil, err
	}
	return g.Tree.Mounts(), nil
}

// scrub commits all volumes and zeroes what nobody owns. What cannot be
// scrubbed is told, and shows in the inspection of the copy if it matters.
func (e *editors) scrub(c *cleaning, overs []*overlay.Overlay) error {
	for _, v := range e.layout.Volumes {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := e.scrubVolume(c, v); err != nil {
			return err
		}
	}
	for i, over := range overs {
		free, left := e.layout.Scrubbable(i)
		for _, s := range free {
			if err := over.Zero(s.Off, s.Len); err != nil {
				return err
			}
		}
		name := e.layout.Disks[i].Name
		c.did(name, "done", finding.T("Unused parts of the disk hold old data", "磁盘未使用的部分残留旧数据"),
			finding.Tf("%s zeroed", "已清零 %s", finding.Size(free.Total())))
		c.leftovers(name, left)
	}
	return nil
}

func (e *editors) scrubVolume(c *cleaning, v *volume.Volume) error {
	a := e.volumes[v.Name]
	why := finding.T("Deleted files, tails and logs hold old data", "已删除的文件、文件末尾空隙和日志中残留旧数据")
	switch {
	case a.Editor != nil:
		commit, err := a.Editor.Commit()
		if err != nil {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		scrub, err := a.Editor.Scrub()
		if errors.Is(err, fsys.ErrUnsafe) || errors.Is(err, fsys.ErrCannot) {
			c.did(v.Name, "refused", why, finding.T(err.Error(), err.Error()))
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		c.did(v.Name, "done", why, finding.Tf("%s zeroed", "已清零 %s", finding.Size(commit.Zeroed+scrub.Zeroed)))
		c.leftovers(v.Name, append(commit.Left, scrub.Left...))
	case v.Content == "swap" && a.Raw != nil:
		n, err := volume.ScrubSwap(a.Raw, v.Size)
		if err != nil && !errors.Is(err, binread.ErrNotMine) {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
		c.did(v.Name, "done", finding.T("Swap holds old memory", "交换空间中残留内存内容"), finding.Tf("%s zeroed", "已清零 %s", finding.Size(n)))
	case v.Content == "zero", v.Content == "lvm2", bootCode[v.Type]:
	default:
		reason := "nobody knows what it holds"
		if a.Why != nil {
			reason = a.Why.Error()
		}
		c.did(v.Name, "refused", why, finding.T(reason, reason))
	}
	return nil
}

// leftovers tells what could hold old bytes and was left.
func (c *cleaning) leftovers(volume string, left []string) {
	if len(left) == 0 {
		return
	}
	const most = 20
	text := strings.Join(left[:min(len(left), most)], "; ")
	if len(left) > most {
		text += fmt.Sprintf("; and %d more", len(left)-most)
	}
	c.did(volume, "left", finding.T("Could hold old data", "可能残留旧数据"), finding.T(text, text))
}
