package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A File is being written. Until Commit nothing stands under its name. Where
// the system can (Linux, most file systems), it has no name at all until then,
// so that not even a killed process leaves anything behind.
type File struct {
	*os.File
	name    string
	unnamed bool
	done    bool
}

// Create starts a file with the given permissions in the folder of name.
func Create(name string, perm os.FileMode) (*File, error) {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s exists and is no regular file", name)
	}
	if f, err := unnamed(filepath.Dir(name), perm); err == nil {
		return &File{File: f, name: name, unnamed: true}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.partial")
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(perm); err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return &File{File: f, name: name}, nil
}

// Commit gives the file its name, with its content and the folder's entry on
// the disk. On failure nothing is left under the temporary name.
func (f *File) Commit() error {
	if f.done {
		return errors.New("committed or aborted before")
	}
	f.done = true
	err := f.Sync()
	temp := f.File.Name()
	if f.unnamed && err == nil {
		temp = filepath.Join(filepath.Dir(f.name), "."+filepath.Base(f.name)+".partial")
		err = link(f.File, temp)
	}
	if e := f.File.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, f.name)
	}
	if err != nil {
		if !f.unnamed || temp != f.File.Name() {
			os.Remove(temp)
		}
		return err
	}
	return syncDir(filepath.Dir(f.name))
}

// Abort throws the file away, unless it was committed.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.File.Close()
	if !f.unnamed {
		os.Remove(f.File.Name())
	}
}

// Scratch makes a file without a name in a folder, for bytes that must not
// outlive the process. Where that is impossible it is removed by Close.
func Scratch(dir string) (*File, error) {
	if f, err := unnamed(dir, 0o600); err == nil {
		return &File{File: f, unnamed: true}, nil
	}
	f, err := os.CreateTemp(dir, ".scratch.*")
	if err != nil {
		return nil, err
	}
	return &File{File: f, unnamed: os.Remove(f.Name()) == nil}, nil
}

// syncDir makes a rename durable. Systems that cannot sync a folder (Windows)
// say so with an error that means nothing here.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && os.PathSeparator == '/' {
		return err
	}
	return nil
}

// WriteFile writes a whole file.
func WriteFile(name string, b []byte, perm os.FileMode) error {
	f, err := Create(name, perm)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(b); err != nil {
		return err
	}
	return f.Commit()
}
