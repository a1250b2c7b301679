package guest

import (
	"errors"
	"sync"

	"assay/finding"
	"assay/internal/fsys"
)

// ReadLimit bounds a configuration file that is read whole. A larger one is
// read up to here, and the caller gets fsys.ErrTooLarge beside the bytes.
const ReadLimit = 8 << 20

// A Family is a kind of operating system.
type Family string

// The families.
const (
	Linux   Family = "linux"
	Windows Family = "windows"
	Other   Family = ""
)

// OS says which system this is, from os-release and what stands in for it.
type OS struct {
	Family  Family
	ID      string   // "debian", "ubuntu", "rhel", "centos", "alinux", "anolis", "alpine", …
	Like    []string // ID_LIKE
	Version string   // VERSION_ID
	Name    string   // PRETTY_NAME
	Image   string   // image_id of /etc/image-id, which Alibaba Cloud's own images have
}

// A Volume is a volume of the machine that is not mounted in the tree but that
// checks want to know of: swap, and file systems that fstab does not name.
type Volume struct {
	Name    string
	Content string // "swap", "ext4", …
	Size    int64
	FS      fsys.FS // nil when it is no file system
	Root    fsys.Node
	// Snapshot says that it is a btrfs subvolume outside the mounted ones: an
	// old copy, or one that the running system does not see.
	Snapshot bool
	// HasData reports whether a swap volume holds anything but zeros after its
	// header; false for others.
	HasData bool
}

// A Guest is one machine, read only. Its methods are safe for concurrent use;
// each fact is computed on the first call and kept. Slices that it returns must
// not be changed.
type Guest struct {
	Tree    *fsys.Tree
	Live    bool     // the running system itself, not an image of one
	Spare   []Volume // volumes that are not part of Tree
	Problem []finding.Gap
	// Residue is what deleted files, swap and unused parts of the container
	// have left; empty for a directory.
	Residue []Residue

	os        func() OS
	accounts  func() (Accounts, error)
	homes     func() []Home
	sshd      func() *SSHD
	packages  func() *Packages
	firstBoot func() FirstBoot
	index     func() *Index
	ucf       func() map[string]string // MD5 of what ucf put in place, by path
	sudo      func() *sudoRules
	windows   func() *WindowsGuest
	debs      func() debCache
}

// New makes a guest of a tree.
func New(t *fsys.Tree) *Guest {
	g := &Guest{Tree: t}
	g.os = sync.OnceValue(g.readOS)
	g.accounts = sync.OnceValues(g.readAccounts)
	g.homes = sync.OnceValue(g.readHomes)
	g.sshd = sync.OnceValue(g.readSSHD)
	g.packages = sync.OnceValue(g.readPackages)
	g.firstBoot = sync.OnceValue(g.readFirstBoot)
	g.index = sync.OnceValue(g.readIndex)
	g.ucf = sync.OnceValue(g.readUCF)
	g.sudo = sync.OnceValue(g.readSudo)
	g.windows = sync.OnceValue(g.readWindows)
	g.debs = sync.OnceValue(g.readDebs)
	return g
}

// OS says which system this is.
func (g *Guest) OS() OS { return g.os() }

// Accounts returns the local accounts and groups. The error is set when passwd,
// shadow, group or gshadow exists but cannot be read; what could be parsed is
// still there.
func (g *Guest) Accounts() (Accounts, error) { return g.accounts() }

// Homes returns the distinct home directories that exist, of every account in
// /etc/passwd, of accounts whose line is gone (a folder in /home that nobody
// owns any more), and /etc/skel. For Windows: the profiles.
func (g *Guest) Homes() []Home { return g.homes() }

// SSHD returns what sshd would do. Never nil.
func (g *Guest) SSHD() *SSHD { return g.sshd() }

// Packages returns which files packages own. Never nil.
func (g *Guest) Packages() *Packages { return g.packages() }

// FirstBoot says what the next boot makes anew.
func (g *Guest) FirstBoot() FirstBoot { return g.firstBoot() }

// Index lists every file of the tree, built by one walk. Never nil.
func (g *Guest) Index() *Index { return g.index() }

// Read reads a configuration file, following links inside the guest, up to
// ReadLimit. A file that does not exist gives nil, nil.
func (g *Guest) Read(name string) ([]byte, error) {
	b, err := g.Tree.ReadFile(name, ReadLimit)
	if errors.Is(err, fsys.ErrNotExist) || errors.Is(err, fsys.ErrNotDir) {
		return nil, nil
	}
	return b, err
}

// Exists reports whether there is a file of any kind at name, following links.
func (g *Guest) Exists(name string) bool {
	_, err := g.Tree.Stat(name)
	return err == nil
}

// Where names a place in this guest for a finding.
func (g *Guest) Where(name string, line int) finding.Where {
	w := finding.Where{Path: name, Line: line}
	if p, _, err := g.Tree.Lookup(name, false); err == nil {
		w.Volume = g.Tree.VolumeOf(p)
	}
	return w
}
