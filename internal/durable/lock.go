package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("in use by another process")

// A Lock keeps other processes from the file beside which it lies. The system
// takes it back when the process ends, however it ends.
type Lock struct {
	f    *os.File
	name string
}

// TryLock takes the lock of a file, as NAME.lock beside it, or fails at once
// with ErrLocked. It is needed because the file itself is replaced by each
// write: a lock on it would be one on the old content.
func TryLock(name string) (*Lock, error) {
	name += ".lock"
	for range 10 {
		f, err := openLocked(name)
		if err != nil {
			return nil, err
		}
		// Whoever held it before may have removed it between our open and our
		// lock: then it is a lock on nothing.
		mine, err1 := f.Stat()
		there, err2 := os.Stat(name)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return &Lock{f, name}, nil
		}
		f.Close()
	}
	return nil, ErrLocked
}

// Unlock gives the lock back.
func (l *Lock) Unlock() {
	os.Remove(l.name)
	l.f.Close()
}

// ReadFile reads a file of at most max bytes; nil when it is not there.
func ReadFile(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		err = errors.New("the file is too large")
	}
	return b, err
}
