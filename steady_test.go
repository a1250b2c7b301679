package assay

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/finding"
	"assay/internal/need"
	"assay/internal/report"
)

// meddler is a handler beside which somebody does something to the image when
// the inventory is told.
type meddler struct {
	do   func()
	gaps []finding.Gap
	v    *report.Verdict
}

func (m *meddler) Handle(x report.Message) error {
	switch {
	case x.Inventory != nil && m.do != nil:
		m.do()
	case x.Gap != nil:
		m.gaps = append(m.gaps, *x.Gap)
	case x.Verdict != nil:
		m.v = x.Verdict
	}
	return nil
}

func (m *meddler) Close() error { return nil }

// An image that somebody writes to while it is read is no image to make a
// statement about.
func TestChangedMeanwhile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 8<<20); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mke2fs", "-q", "-t", "ext4", name)
	for _, c := range []struct {
		what string
		do   func()
		want bool
	}{
		{"nothing", nil, false},
		{"read", func() { _, _ = os.ReadFile(name) }, false},
		{"written", func() { touch(t, name, "x") }, true},
		{"grown", func() { must(t, os.Truncate(name, 9<<20)) }, true},
	} {
		f, err := OpenImage(name)
		if err != nil {
			t.Fatal(err)
		}
		m := &meddler{do: c.do}
		err = Inspect(context.Background(), Target{Name: name, Images: []ImageFile{{Path: name, File: f}}}, Options{Digest: true}, m)
		f.Close()
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		got := false
		for _, g := range m.gaps {
			got = got || g.Kind == finding.GapChanged && g.Where.Volume == "disk.raw"
		}
		if got != c.want || m.v.Gaps != len(m.gaps) {
			t.Errorf("%s: gap of a changed image: %v, want %v (%d gaps in the verdict)", c.what, got, c.want, m.v.Gaps)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// touch writes to the file's end-of-disk, where no file system cares.
func touch(t *testing.T, name, what string) {
	t.Helper()
	time.Sleep(10 * time.Millisecond) // the clock of the file system is coarse
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte(what), 8<<20-1)
	must(t, err)
	must(t, f.Close())
}
