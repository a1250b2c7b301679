package hostfs

import (
	"testing"

	"assay/internal/fsys"
)

// TestWalkOfTheDrive reads every directory of the drive that the test runs on,
// and the beginning of every file.
func TestWalkOfTheDrive(t *testing.T) {
	f, err := Open(`C:\`, true)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files := 0
	var walk func(n fsys.Node)
	walk = func(n fsys.Node) {
		_ = f.ReadDir(n, func(e fsys.Entry) error {
			switch e.Kind {
			case fsys.Directory:
				walk(e.Node)
			case fsys.Regular:
				files++
				if h, err := f.Open(e.Node); err == nil {
					_, _ = h.ReadAt(make([]byte, 16), 0)
				}
			}
			return nil
		})
	}
	walk(f.Root())
	if files == 0 {
		t.Error("no files")
	}
	if f.Fold("SAM") != f.Fold("sam") {
		t.Error("names do not fold")
	}
}
