package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A File is being written. Until Commit nothing stands under its name.
type File struct {
	*os.File
	name string
	done bool
}

// Create starts a file with the given permissions in the folder of name.
func Create(name string, perm os.FileMode) (*File, error) {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s exists and is no regular file", name)
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
	if e := f.File.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.File.Name(), f.name)
	}
	if err != nil {
		os.Remove(f.File.Name())
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
	os.Remove(f.File.Name())
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
