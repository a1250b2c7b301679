package ntfs

import (
	"errors"
	"fmt"
	"io"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// bootWindows is what makes a volume clean.
const bootWindows = `start Windows from it, run "chkdsk /f" if it asks for it, then "powercfg /h off" and "shutdown /s /t 0"`

// flagQuiet is set on volumes of Windows 10 and later and has no public name;
// ntfs-3g takes it for nothing that forbids writing (VOLUME_MUST_MOUNT_RO_MASK).
const flagQuiet = 0x0080

// preflight says why nothing may be written. Nothing but reading is done.
func (e *Editor) preflight() error {
	switch {
	case e.flags&^flagQuiet != 0: // VOLUME_IS_DIRTY, VOLUME_RESIZE_LOG_FILE, … all mean work to do
		return fmt.Errorf("its flags are %#x (1 is dirty): %s", e.flags, bootWindows)
	case e.log.reason != "":
		return fmt.Errorf("%s: %s", e.log.reason, bootWindows)
	case len(e.problems) > 0:
		return fmt.Errorf("%s: repair it with chkdsk /f", e.problems[0].Detail)
	}
	switch e.version {
	case [2]byte{1, 2}, [2]byte{3, 0}, [2]byte{3, 1}:
	default:
		return fmt.Errorf("NTFS version %d.%d is not known", e.version[0], e.version[1])
	}
	if err := e.hibernated(); err != nil {
		return err
	}
	var err error
	if e.mirror, err = e.systemStream(recordMirror, typeData, ""); err != nil {
		return err
	}
	if e.mirror.resident != nil || e.mirror.size < 4*e.recordSize {
		return binread.Errorf(format, e.mirror.at, "$MFTMirr has %d bytes", e.mirror.size)
	}
	e.census, err = e.count()
	if err != nil {
		return fmt.Errorf("%w: repair it with chkdsk /f", err)
	}
	return nil
}

// hibernated looks at hiberfil.sys: while it holds an image of memory, Windows
// keeps an older view of this volume there.
func (e *Editor) hibernated() error {
	in, err := e.inRoot("hiberfil.sys")
	if errors.Is(err, fsys.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	a := in.first(typeData, "")
	if a == nil || a.size == 0 {
		return nil
	}
	s, err := in.stream(a)
	if err != nil {
		return err
	}
	f, err := s.file()
	if err != nil {
		return err
	}
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return err
	}
	switch string(magic[:]) {
	case "hibr", "HIBR", "wake", "WAKE", "rstr", "RSTR":
		return fmt.Errorf("Windows is hibernated (hiberfil.sys begins with %q): %s", magic[:], bootWindows)
	}
	return nil
}

// inRoot finds a file of the root directory by its folded name.
func (e *Editor) inRoot(name string) (*inode, error) {
	n, err := e.lookup(e.root, name)
	if err != nil {
		return nil, err
	}
	return e.inode(n)
}

func (e *Editor) lookup(dir fsys.Node, name string) (fsys.Node, error) {
	var found fsys.Node
	err := e.ReadDir(dir, func(x fsys.Entry) error {
		if e.Fold(x.Name) == e.Fold(name) {
			found = x.Node
			return fsys.ErrStop
		}
		return nil
	})
	if err == nil && found == 0 {
		err = fsys.ErrNotExist
	}
	return found, err
}
