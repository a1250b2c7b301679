package assay

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"assay/finding"
	"assay/internal/apply"
	"assay/internal/plan"
)

// file removes or empties files below the drive, through a root that no link
// leads out of.
func (w *windowsHand) file(s plan.Step) (finding.Text, error) {
	name := strings.TrimPrefix(path.Clean("/"+s.Path), "/")
	if name == "" {
		return finding.Text{}, errors.New("this would remove the whole system")
	}
	info, err := w.root.Lstat(name)
	if err != nil {
		return finding.Text{}, err
	}
	w.waits = false
	switch {
	case info.IsDir() && s.Op == finding.RemoveTree:
		var left bool
		left, err = w.empty(name)
		if err == nil && !left && !w.keeps(name) {
			err = w.root.Remove(name)
		}
	case info.IsDir() && (s.Op == finding.EmptyDir || s.Op == finding.Reset):
		_, err = w.empty(name)
	case info.Mode().IsRegular() && (s.Op == finding.Blank || s.Op == finding.Reset):
		err = w.blank(name, info)
	default:
		_, err = w.remove(name, info)
	}
	if w.waits {
		return atRestart, err
	}
	return finding.Text{}, err
}

// maxSecret bounds a secret that is overwritten, in bytes.
const maxSecret = 64 << 20

// overwrite puts a placeholder where a secret is in a file.
func (w *windowsHand) overwrite(s plan.Step) error {
	name := strings.TrimPrefix(path.Clean("/"+s.Path), "/")
	info, err := w.root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || s.Offset < 0 || s.Length <= 0 || s.Length > maxSecret || s.Offset > info.Size()-s.Length {
		return errOther
	}
	f, err := w.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	old := make([]byte, s.Length)
	if _, err := f.ReadAt(old, s.Offset); err != nil {
		return err
	}
	mask, ok := apply.Overwritten(old, s.Expect, w.fingerprint)
	if !ok {
		return errOther
	}
	if _, err := f.WriteAt(mask, s.Offset); err != nil {
		return err
	}
	return f.Sync()
}

// ownTraces removes what Windows noted of this program itself, as the last
// thing: Prefetch keeps the paths of programs that were started.
func (w *windowsHand) ownTraces() {
	exe, err := os.Executable()
	if err != nil {
		return
	}
	const dir = "Windows/Prefetch"
	es, _ := fs.ReadDir(w.root.FS(), dir)
	for _, e := range es {
		if own := filepath.Base(exe) + "-"; len(e.Name()) > len(own) && strings.EqualFold(e.Name()[:len(own)], own) {
			if info, err := w.root.Lstat(dir + "/" + e.Name()); err == nil {
				_, _ = w.remove(dir+"/"+e.Name(), info)
			}
		}
	}
}

func (w *windowsHand) keeps(name string) bool { return plan.Kept(w.keep, "/"+name) }

// blank overwrites a file's bytes before it makes it empty: on a running
// system nobody zeroes what becomes free.
func (w *windowsHand) blank(name string, info fs.FileInfo) error {
	f, err := w.root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(now, info) {
		return errors.Join(errors.New("the file was replaced meanwhile"), err)
	}
	zero := make([]byte, 1<<20)
	for at := int64(0); at < info.Size(); at += int64(len(zero)) {
		if _, err := f.WriteAt(zero[:min(int64(len(zero)), info.Size()-at)], at); err != nil {
			return err
		}
	}
	return errors.Join(f.Sync(), f.Truncate(0), f.Sync())
}

// remove removes one name; a file in use is left to Windows.
func (w *windowsHand) remove(name string, info fs.FileInfo) (deferred bool, err error) {
	if info.Mode().IsRegular() {
		err = w.blank(name, info)
	}
	if err == nil {
		err = w.root.Remove(name)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	again := w.api.DeleteAtRestart(w.api.SystemDrive() + `\` + strings.ReplaceAll(name, "/", `\`))
	if again != nil {
		return false, errors.Join(err, again)
	}
	w.waits = true
	return true, nil
}

// empty removes what is below a directory, deepest first, without entering
// links, and reports whether something is left.
func (w *windowsHand) empty(dir string) (left bool, err error) {
	if strings.Count(dir, "/") > 1024 {
		return true, errors.New("directories nest too deep")
	}
	es, err := fs.ReadDir(w.root.FS(), dir)
	if err != nil {
		return true, err
	}
	for _, e := range es {
		name := dir + "/" + e.Name()
		if w.keeps(name) {
			left = true
			continue
		}
		info, err := w.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return true, err
		}
		stays := false
		if info.IsDir() {
			stays, err = w.empty(name)
		}
		if err == nil && !stays {
			stays, err = w.remove(name, info)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
		left = left || stays
	}
	return left, nil
}
