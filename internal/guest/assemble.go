package guest

import (
	"cmp"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"assay/finding"
	"assay/internal/artefact/fstab"
	"assay/internal/fsys"
	"assay/internal/fsys/btrfs"
	"assay/internal/span"
)

// ErrNoFileSystem says that none of the sources holds a file system.
var ErrNoFileSystem = errors.New("no file system to look at")

// A Source is one volume of the machine.
type Source struct {
	Name                            string // "p1", "vg0/root"
	UUID, Label, PartUUID, PartName string
	Content                         string // "ext4", "swap", …
	Size                            int64
	FS                              fsys.FS                  // nil when it holds no file system
	Bytes                           io.ReaderAt              // the volume
	Data                            func() (span.Set, error) // ranges of Bytes that may not be zero; may be nil
}

// A candidate is a place at which a machine's root may be.
type candidate struct {
	src  *Source
	root fsys.Node
	sub  string // subvolume path, "" for none
	rank int
	fs   []fstab.Entry
}

// Assemble finds the root file system among the sources, mounts the others
// where its fstab says, and keeps the rest aside. Without an operating system
// the first file system is "/" and the others lie below it by name; then a gap
// says so.
func Assemble(sources []Source) (*Guest, error) {
	roots := candidates(sources)
	if len(roots) == 0 {
		return withoutSystem(sources)
	}
	root := roots[0]
	a := assembly{sources: sources, root: root, used: map[string]bool{root.key(): true}}
	a.mounts = []fsys.Mount{{Path: "/", Name: root.src.Name, FS: root.src.FS, Root: root.root}}
	for _, e := range root.fs {
		a.mount(e)
	}
	a.boot()
	tree, err := fsys.NewTree(a.mounts...)
	if err != nil {
		return nil, err
	}
	a.unreachable(tree)
	g := New(tree)
	g.Problem = a.problems
	g.Spare = a.spare()
	return g, nil
}

// key tells two subvolumes of one source apart.
func (c candidate) key() string { return c.src.Name + "\x00" + strconv.FormatUint(uint64(c.root), 10) }

// subvolumed is a file system with several roots.
type subvolumed interface {
	Subvolumes() []btrfs.Subvolume
	Default() fsys.Node
}

// candidates are the roots of a system, the likeliest first.
func candidates(sources []Source) []candidate {
	var out []candidate
	for i := range sources {
		s := &sources[i]
		if s.FS == nil {
			continue
		}
		try := []candidate{{src: s, root: s.FS.Root()}}
		if v, ok := s.FS.(subvolumed); ok {
			for _, sub := range v.Subvolumes() {
				c := candidate{src: s, root: sub.Root, sub: sub.Path}
				if sub.Root == v.Default() {
					c.rank += 4
				}
				if sub.ReadOnly {
					c.rank -= 8
				}
				if sub.Root != s.FS.Root() {
					try = append(try, c)
				} else {
					try[0].rank = c.rank
				}
			}
		}
		for _, c := range try {
			if c.judge() {
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(b.rank, a.rank) })
	return out
}

// judge ranks c as a root and reports whether it is one at all.
func (c *candidate) judge() bool {
	t, err := fsys.NewTree(fsys.Mount{Path: "/", Name: c.src.Name, FS: c.src.FS, Root: c.root})
	if err != nil {
		return false
	}
	is := func(name string) bool { _, err := t.Stat(name); return err == nil }
	if !is("/etc") || !is("/usr") && !is("/bin") {
		return false
	}
	for _, name := range []string{"/etc/passwd", "/etc/os-release", "/usr/lib/os-release", "/etc/fstab", "/sbin/init", "/usr/lib/systemd/systemd"} {
		if is(name) {
			c.rank += 2
		}
	}
	if !is("/etc/passwd") && !is("/etc/os-release") && !is("/usr/lib/os-release") {
		return false
	}
	b, err := t.ReadFile("/etc/fstab", ReadLimit)
	if err != nil && !errors.Is(err, fsys.ErrTooLarge) {
		return true
	}
	c.fs = fstab.Parse(b)
	for _, e := range c.fs {
		if path.Clean(e.File) == "/" && named(e.Spec, c.src) {
			c.rank += 4
			if sub, ok := e.Option("subvol"); ok && clean(sub) == clean(c.sub) {
				c.rank += 4
			}
		}
	}
	return true
}

func clean(sub string) string { return path.Clean("/" + sub) }

// named reports whether an fstab device names the source.
func named(spec string, s *Source) bool {
	k, v, ok := strings.Cut(spec, "=")
	if ok {
		switch strings.ToUpper(k) {
		case "UUID":
			return s.UUID != "" && strings.EqualFold(v, s.UUID)
		case "LABEL":
			return s.Label != "" && v == s.Label
		case "PARTUUID":
			return s.PartUUID != "" && strings.EqualFold(v, s.PartUUID)
		case "PARTLABEL":
			return s.PartName != "" && v == s.PartName
		}
		return false
	}
	for _, link := range []struct{ dir, key string }{{"/dev/disk/by-uuid/", "UUID="}, {"/dev/disk/by-label/", "LABEL="},
		{"/dev/disk/by-partuuid/", "PARTUUID="}, {"/dev/disk/by-partlabel/", "PARTLABEL="}} {
		if rest, ok := strings.CutPrefix(spec, link.dir); ok {
			return named(link.key+rest, s)
		}
	}
	return slices.Contains(devices(s.Name), spec) || byPosition(spec, s.Name)
}

// devices are the names that device mapper gives a logical volume: the dash of
// a name is doubled (see dmsetup(8), mangled names).
func devices(name string) []string {
	vg, lv, ok := strings.Cut(name, "/")
	if !ok {
		return nil
	}
	dash := func(s string) string { return strings.ReplaceAll(s, "-", "--") }
	return []string{"/dev/" + name, "/dev/mapper/" + dash(vg) + "-" + dash(lv)}
}

var kernelName = regexp.MustCompile(`^/dev/(?:[svh]d|xvd)([a-z])([0-9]*)$|^/dev/(?:nvme([0-9])n1|mmcblk([0-9]))(?:p([0-9]+))?$`)

// byPosition reports whether a kernel name such as /dev/vda1 stands for the
// source of that disk and number: kernels name disks in the order in which the
// machine has them, which is the order in which the user gave them.
func byPosition(spec, name string) bool {
	m := kernelName.FindStringSubmatch(spec)
	if m == nil {
		return false
	}
	disk := 1
	switch {
	case m[1] != "":
		disk = int(m[1][0]-'a') + 1
	case m[3] != "":
		disk = int(m[3][0]-'0') + 1
	case m[4] != "":
		disk = int(m[4][0]-'0') + 1
	}
	part := m[2] + m[5]
	prefix := "d" + strconv.Itoa(disk)
	if part == "" {
		return name == prefix || disk == 1 && name == "disk"
	}
	return name == prefix+"p"+part || disk == 1 && name == "p"+part
}

// An assembly is a machine being put together.
type assembly struct {
	sources  []Source
	root     candidate
	mounts   []fsys.Mount
	used     map[string]bool // by candidate.key
	problems []finding.Gap
}

// notDisks are types of fstab entries that no disk of the machine backs.
var notDisks = []string{"tmpfs", "proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "debugfs", "none", "overlay", "hugetlbfs",
	"configfs", "securityfs", "mqueue", "nfs", "nfs4", "cifs", "smb3", "fuse", "sshfs", "fuse.sshfs", "fuse.ossfs", "9p", "virtiofs", "ceph", "glusterfs", "autofs", "squashfs", "iso9660", "udf"}

// mount adds one line of fstab.
func (a *assembly) mount(e fstab.Entry) {
	at := path.Clean("/" + e.File)
	_, bind := e.Option("bind")
	_, rbind := e.Option("rbind")
	_, noauto := e.Option("noauto")
	if at == "/" || bind || rbind || slices.Contains(notDisks, e.Type) || e.Type == "swap" && strings.HasPrefix(e.Spec, "/") && !strings.HasPrefix(e.Spec, "/dev/") {
		return
	}
	for i := range a.sources {
		s := &a.sources[i]
		if !named(e.Spec, s) {
			continue
		}
		if s.FS == nil {
			return // swap, or a gap already
		}
		root, err := subvolume(s.FS, e)
		if err != nil {
			a.missing(e, err.Error())
			return
		}
		c := candidate{src: s, root: root}
		a.used[c.key()] = true
		a.mounts = append(a.mounts, fsys.Mount{Path: at, Name: s.Name, FS: s.FS, Root: root})
		return
	}
	if !noauto {
		a.missing(e, "no volume of this machine is "+e.Spec+": give its disk with --disk")
	}
}

func (a *assembly) missing(e fstab.Entry, why string) {
	if e.Type == "swap" {
		why += " (swap)"
	}
	a.problems = append(a.problems, finding.NewGap(finding.GapMissing, finding.Where{Path: e.File, Volume: e.Spec}, "/etc/fstab line %d: %s", e.Line, why))
}

// subvolume is the root that the options of an fstab line choose.
func subvolume(f fsys.FS, e fstab.Entry) (fsys.Node, error) {
	v, ok := f.(subvolumed)
	if !ok {
		return f.Root(), nil
	}
	name, byName := e.Option("subvol")
	id, byID := e.Option("subvolid")
	if !byName && !byID {
		return v.Default(), nil
	}
	for _, s := range v.Subvolumes() {
		if byName && clean(s.Path) == clean(name) || !byName && id == strconv.FormatUint(s.ID, 10) {
			return s.Root, nil
		}
	}
	return 0, errors.New("the volume has no subvolume " + cmp.Or(name, id))
}

// boot mounts what every machine has but some fstab do not name: the EFI
// system partition. systemd's gpt-auto-generator does so too.
func (a *assembly) boot() {
	for i := range a.sources {
		s := &a.sources[i]
		c := candidate{src: s}
		if s.FS == nil {
			continue
		}
		c.root = s.FS.Root()
		if a.used[c.key()] || s.FS.Describe().Type != "vfat" || slices.ContainsFunc(a.mounts, func(m fsys.Mount) bool { return m.Path == "/boot/efi" }) {
			continue
		}
		t, err := fsys.NewTree(fsys.Mount{Path: "/", FS: s.FS, Root: s.FS.Root()})
		if err != nil {
			continue
		}
		if _, err := t.Stat("/EFI"); err == nil {
			a.used[c.key()] = true
			a.mounts = append(a.mounts, fsys.Mount{Path: "/boot/efi", Name: s.Name, FS: s.FS, Root: s.FS.Root()})
		}
	}
}

// unreachable tells of mount points that no walk of the tree would reach:
// a directory above them is missing, or is a file or a link.
func (a *assembly) unreachable(t *fsys.Tree) {
	for _, m := range a.mounts {
		for dir := path.Dir(m.Path); dir != "/"; dir = path.Dir(dir) {
			if meta, err := t.Lstat(dir); err != nil || meta.Kind != fsys.Directory {
				a.problems = append(a.problems, finding.NewGap(finding.GapUnsupported, finding.Where{Volume: m.Name, Path: m.Path},
					"/etc/fstab mounts a volume at %s, but %s is no directory: what is on it was not looked at", m.Path, dir))
				break
			}
		}
	}
}

// spare lists what is not mounted: swap, file systems that nothing names,
// subvolumes and snapshots outside the mounted ones.
func (a *assembly) spare() []Volume {
	var out []Volume
	for i := range a.sources {
		s := &a.sources[i]
		if s.FS == nil {
			if s.Content == "swap" {
				out = append(out, Volume{Name: s.Name, Content: "swap", Size: s.Size, HasData: swapHasData(s)})
			}
			continue
		}
		if v, ok := s.FS.(subvolumed); ok {
			out = append(out, a.spareSubvolumes(s, v)...)
			continue
		}
		if c := (candidate{src: s, root: s.FS.Root()}); !a.used[c.key()] {
			out = append(out, Volume{Name: s.Name, Content: s.Content, Size: s.Size, FS: s.FS, Root: s.FS.Root()})
		}
	}
	return out
}

// withoutSystem makes a guest of volumes that hold no operating system.
//
// A Windows volume is the root of such a guest, and no gap: its other drives
// lie below it under their volume names, which no file of Windows has.
func withoutSystem(sources []Source) (*Guest, error) {
	var mounts []fsys.Mount
	windows := slices.IndexFunc(sources, func(s Source) bool { return s.FS != nil && isWindows(s) })
	if windows > 0 {
		sources = slices.Concat(sources[windows:windows+1], sources[:windows], sources[windows+1:])
	}
	a := assembly{sources: sources, used: map[string]bool{}}
	for i := range sources {
		s := &sources[i]
		if s.FS == nil {
			continue
		}
		at := "/"
		if len(mounts) > 0 {
			at = "/" + strings.ReplaceAll(s.Name, "/", "-")
		}
		a.used[candidate{src: s, root: s.FS.Root()}.key()] = true
		mounts = append(mounts, fsys.Mount{Path: at, Name: s.Name, FS: s.FS, Root: s.FS.Root()})
	}
	if len(mounts) == 0 {
		return nil, ErrNoFileSystem
	}
	tree, err := fsys.NewTree(mounts...)
	if err != nil {
		return nil, err
	}
	g := New(tree)
	g.Spare = a.spare()
	if windows >= 0 {
		return g, nil
	}
	g.Problem = []finding.Gap{finding.NewGap(finding.GapMissing, finding.Where{Volume: mounts[0].Name},
		"no operating system was found: files are checked, accounts and sshd cannot be")}
	return g, nil
}

func isWindows(s Source) bool {
	t, err := fsys.NewTree(fsys.Mount{Path: "/", Name: s.Name, FS: s.FS, Root: s.FS.Root()})
	return err == nil && windowsRoot(t)
}

// swapHeader is the length of the page with a swap area's header on machines
// with 4 KiB pages (include/linux/swap.h); its content begins behind it.
const swapHeader = 4096

// swapHasData looks for a byte that is not zero behind the header, where the
// disk's container says that there may be one.
func swapHasData(s *Source) bool {
	ranges := span.Set{{Off: 0, Len: s.Size}}
	if s.Data != nil {
		if d, err := s.Data(); err == nil {
			ranges = d
		}
	}
	ranges = ranges.Intersect(span.Set{{Off: swapHeader, Len: max(0, s.Size-swapHeader)}})
	buf := make([]byte, 64<<10)
	for _, r := range ranges {
		for off := r.Off; off < r.End(); off += int64(len(buf)) {
			b := buf[:min(int64(len(buf)), r.End()-off)]
			n, err := s.Bytes.ReadAt(b, off)
			for _, x := range b[:n] {
				if x != 0 {
					return true
				}
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return true // unreadable is not proven empty
			}
		}
	}
	return false
}
