package durable

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestLockHolder holds a lock until it is killed.
func TestLockHolder(t *testing.T) {
	name := os.Getenv("ASSAY_TEST_LOCK")
	if name == "" {
		t.Skip("runs with ASSAY_TEST_LOCK, in a child of TestLock")
	}
	if _, err := TryLock(name); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("held\n")
	select {}
}

// TestLock: one process at a time, and a killed one leaves no lock behind.
func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	l, err := TryLock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(name); !errors.Is(err, ErrLocked) {
		t.Errorf("twice: %v", err)
	}
	l.Unlock()
	c := exec.Command(os.Args[0], "-test.run", "^TestLockHolder$")
	c.Env = append(os.Environ(), "ASSAY_TEST_LOCK="+name)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Kill()
	if line, _, err := bufio.NewReader(out).ReadLine(); err != nil || string(line) != "held" {
		t.Fatalf("%q %v", line, err)
	}
	if _, err := TryLock(name); !errors.Is(err, ErrLocked) {
		t.Errorf("beside another process: %v", err)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	l, err = TryLock(name)
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	l.Unlock()
	if es, _ := os.ReadDir(filepath.Dir(name)); len(es) != 0 {
		t.Errorf("left behind: %v", es)
	}
}
