//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/need"
)

// behind is what an earlier file left in blocks that a later one took over.
const behind = "access_key_id = LTAI5tQmBzVk3nXw8JdPsGhR\naccess_key_secret = kZ83hPq0LmWx7Yt5Rv2Jb9Nc4Sd6Fg\n"

// TestTails plants a credential where a file owns bytes and does not show them:
// in the rest of its last block, and in blocks that were set aside and never
// written. inspect says so, and clean leaves none of it.
func TestTails(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "mkfs.xfs", "mkfs.vfat", "mkntfs", "ntfs-3g", "mcopy", "fallocate", "filefrag", "mount", "dd", "qemu-img")
	line := []byte("the last line of a file that shows all it has\n")
	for _, c := range []struct {
		name  string
		size  int64
		mkfs  []string
		aside bool // fallocate can set blocks aside behind the end
	}{
		{"ext4", 64 * mib, []string{"mke2fs", "-q", "-F", "-t", "ext4"}, true},
		{"xfs", 320 * mib, []string{"mkfs.xfs", "-q"}, true},
		{"vfat", 64 * mib, []string{"mkfs.vfat"}, false},
		{"ntfs", 64 * mib, []string{"mkntfs", "-q", "-F"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			img := sparse(t, c.size)
			need.Run(t, c.mkfs[0], append(c.mkfs[1:], img)...)
			aside := notes(t, c.name, img, bytes.Repeat(line, 100), c.aside)
			places := []int64{endOf(t, img, line) + 20}
			if c.aside {
				places = append(places, aside+5000)
			}
			if got := leftBehind(inspect(t, img)); len(got) != 0 {
				t.Fatalf("found before anything was planted: %v", got)
			}
			for _, at := range places {
				f, err := os.OpenFile(img, os.O_WRONLY, 0)
				must(t, err)
				_, err = f.WriteAt([]byte(behind), at)
				must(t, err)
				must(t, f.Close())
				got := leftBehind(inspect(t, img))
				if len(got) != 1 || got[0] < at || got[0] >= at+int64(len(behind)) {
					t.Errorf("planted at %d, found at %v", at, got)
				}
				out := filepath.Join(t.TempDir(), "out.raw")
				parse(t, assay(t, "clean", img, "-o", out, "--format", "json"))
				gone(t, out, strings.Fields(behind)[2:3])
				if left := leftBehind(inspect(t, out)); len(left) != 0 {
					t.Errorf("found in the copy: %v", left)
				}
				f, err = os.OpenFile(img, os.O_WRONLY, 0)
				must(t, err)
				_, err = f.WriteAt(make([]byte, len(behind)), at)
				must(t, err)
				must(t, f.Close())
			}
		})
	}
}

// notes writes a file on a volume. With aside it sets blocks aside behind the
// file's end, and tells where they are.
func notes(t *testing.T, kind, img string, text []byte, aside bool) (at int64) {
	t.Helper()
	if kind == "vfat" { // no kernel module needed
		name := filepath.Join(t.TempDir(), "notes.txt")
		must(t, os.WriteFile(name, text, 0o644))
		need.Run(t, "mcopy", "-i", img, name, "::notes.txt")
		return 0
	}
	with := func(t testing.TB, img, options string) (string, func()) { return mount(t, img, "") }
	if kind == "ntfs" {
		with = mountNTFS
	}
	dir, done := with(t, img, "rw")
	defer done()
	name := filepath.Join(dir, "notes.txt")
	must(t, os.WriteFile(name, text, 0o644))
	if aside {
		need.Run(t, "fallocate", "-n", "-o", "64K", "-l", "64K", name)
		need.Run(t, "sync", "-f", name)
		at = unwritten(t, name)
	}
	return at
}

// leftBehind are the offsets of credentials in deleted data.
func leftBehind(s stream) (at []int64) {
	for _, f := range s.findings {
		if f.Check == deleted {
			at = append(at, f.Where.Offset)
		}
	}
	return at
}

// endOf is where the last copy of a line ends in a raw image.
func endOf(t *testing.T, img string, line []byte) int64 {
	t.Helper()
	b, err := os.ReadFile(img)
	must(t, err)
	at := bytes.LastIndex(b, line)
	if at < 0 {
		t.Fatal("the file is not in the image")
	}
	return int64(at + len(line))
}

// unwritten is where a file's blocks that were set aside begin on its volume,
// as filefrag says.
func unwritten(t *testing.T, name string) int64 {
	t.Helper()
	for line := range strings.Lines(need.Run(t, "filefrag", "-v", "-b4096", name)) {
		// ext: logical..last: physical..last: length: flags
		if f := strings.Fields(strings.NewReplacer(":", " ", "..", " ").Replace(line)); slices.ContainsFunc(f, func(s string) bool { return strings.Contains(s, "unwritten") }) {
			var at int64
			_, err := fmt.Sscan(f[3], &at)
			must(t, err)
			return at * 4096
		}
	}
	t.Fatal("nothing was set aside")
	return 0
}
