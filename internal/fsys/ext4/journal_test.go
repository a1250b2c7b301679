//go:build linux

package ext4

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/need"
)

// dirtyCases are file systems that are copied while mounted and written to.
var dirtyCases = []struct {
	variant
	opts string
}{
	{variant{"v3", []string{"-t", "ext4", "-J", "size=8"}, 96}, "rw"},
	{variant{"orphan-file", []string{"-t", "ext4", "-O", "metadata_csum_seed,orphan_file"}, 96}, "rw"},
	{variant{"no-sums", []string{"-t", "ext4", "-O", "^metadata_csum,uninit_bg,^64bit"}, 96}, "rw"},
	{variant{"v1", []string{"-t", "ext4", "-O", "^metadata_csum,uninit_bg"}, 96}, "rw,journal_checksum"},
	{variant{"async", []string{"-t", "ext4", "-O", "^metadata_csum"}, 96}, "rw,journal_async_commit,data=writeback"},
	{variant{"ext3-1k", []string{"-t", "ext3", "-b", "1024", "-J", "size=4"}, 96}, "rw"},
	{variant{"data", []string{"-t", "ext4", "-J", "size=16"}, 96}, "rw,data=journal"},
	{variant{"bigalloc", []string{"-t", "ext4", "-O", "bigalloc", "-C", "32768"}, 256}, "rw"},
}

// TestDirtyJournal copies each file system while it is mounted and compares
// what is read from the copy with what the kernel recovers from it.
func TestDirtyJournal(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs")
	for _, c := range dirtyCases {
		t.Run(c.name, func(t *testing.T) {
			img := mkfs(t, c.variant)
			dir, unmount := mount(t, img, c.opts)
			held := disturb(t, dir)
			ours, theirs := img+".ours", img+".theirs"
			cp(t, img, ours)
			cp(t, ours, theirs)
			for _, h := range held {
				h.Close()
			}
			unmount()

			f := open(t, ours)
			if d := f.Describe(); !d.Replayed || len(d.Problems) > 0 {
				t.Fatalf("not replayed: %+v", d)
			}
			if n := len(f.orphans.dead); n < 3 {
				t.Errorf("%d orphans", n)
			}
			_, unmount = mount(t, theirs, "rw,noatime")
			unmount()
			dir, _ = mount(t, theirs, "ro")
			facts := oursOf(t, f)
			compare(t, facts, theirsOf(t, dir))
			compareFree(t, f, dir)
			compareScan(t, f, facts)
			compareExtents(t, f, dir, facts)
		})
	}
}

// disturb makes many small transactions with deletions, rewrites, orphans and
// content that looks like a journal block. It returns files that are still open.
func disturb(t *testing.T, dir string) []*os.File {
	t.Helper()
	magic := bytes.Repeat([]byte{0xC0, 0x3B, 0x39, 0x98}, 2048)
	flush := func(p string) {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		f.Sync()
		f.Close()
	}
	var held []*os.File
	for round := range 6 {
		d := filepath.Join(dir, fmt.Sprintf("d%d", round))
		os.MkdirAll(filepath.Join(d, "sub"), 0o755)
		for i := range 80 {
			p := filepath.Join(d, fmt.Sprintf("f%d-%s", i, strings.Repeat("x", i)))
			if err := os.WriteFile(p, bytes.Repeat([]byte{byte(i), byte(round)}, i*20), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		os.WriteFile(filepath.Join(d, "magic"), magic, 0o600)
		os.Symlink(strings.Repeat("t", 100), filepath.Join(d, "link"))
		if err := unix.Setxattr(filepath.Join(d, "magic"), "user.x", bytes.Repeat([]byte{byte(round)}, 300), 0); err != nil {
			t.Fatal(err)
		}
		flush(filepath.Join(d, "magic"))
		if round%3 == 1 { // revoke what the last round logged
			os.RemoveAll(filepath.Join(dir, fmt.Sprintf("d%d", round-1)))
		}
		os.Truncate(filepath.Join(d, "f79-"+strings.Repeat("x", 79)), 100)
		o, err := os.Create(filepath.Join(d, "deleted but open"))
		if err != nil {
			t.Fatal(err)
		}
		o.Write(magic)
		o.Sync()
		os.Remove(o.Name())
		held = append(held, o)
		flush(d)
	}
	return held
}

func cp(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}

// debugfs writes journals of every checksum version: jo opens the journal, jw
// logs (-b) or revokes (-r) blocks, jc closes it without replaying.
var debugfsJournals = []struct {
	name string
	args []string
	jo   string
	min  int // blocks replayed; debugfs fills descriptors of version 2 without 64bit so that nobody reads them whole
}{
	{"none-32bit", []string{"-O", "^64bit,^metadata_csum"}, "jo", 290},
	{"none-64bit", []string{"-O", "64bit,^metadata_csum"}, "jo", 290},
	{"v2-32bit", []string{"-O", "^64bit,metadata_csum"}, "jo -c -v 2", 3},
	{"v2-64bit", []string{"-O", "64bit,metadata_csum"}, "jo -c -v 2", 290},
	{"v3-32bit", []string{"-O", "^64bit,metadata_csum"}, "jo -c -v 3", 290},
	{"v3-64bit", []string{"-O", "64bit,metadata_csum"}, "jo -c -v 3", 290},
}

// TestDebugfsJournal compares every block of journals made by debugfs with
// what e2fsck replays.
func TestDebugfsJournal(t *testing.T) {
	need.Tool(t, "mke2fs", "debugfs", "e2fsck")
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, bytes.Repeat([]byte{0xC0, 0x3B, 0x39, 0x98, 1, 2, 3, 4}, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range debugfsJournals {
		t.Run(c.name, func(t *testing.T) {
			img := mkfs(t, variant{"", append([]string{"-t", "ext4", "-b", "1024"}, c.args...), 16})
			script := c.jo + "\njw -b 14000,14001,14100 " + junk + "\njw -b 14002-14300 " + junk + "\njw -r 14001,14050\njw -b 14050 /dev/zero\njw -r 14100\njc\n"
			cmds := filepath.Join(t.TempDir(), "cmds")
			os.WriteFile(cmds, []byte(script), 0o600)
			need.Run(t, "debugfs", "-w", "-f", cmds, img)
			if n := againstE2fsck(t, img); n < c.min {
				t.Errorf("only %d blocks are replayed", n)
			}
		})
	}
}

// againstE2fsck compares the view of a dirty image with what e2fsck makes of a
// copy when it replays the journal only. It returns the number of patches.
func againstE2fsck(t *testing.T, img string) int {
	t.Helper()
	f := open(t, img)
	done := img + ".e2fsck"
	cp(t, img, done)
	out := command(t, "e2fsck", "-y", "-E", "journal_only", done)
	want, err := os.ReadFile(done)
	if err != nil {
		t.Fatal(err)
	}
	over, ok := f.dev.(*overlay)
	if !ok {
		return 0
	}
	skip := map[int64]bool{superOff / f.bs: true} // its state and times change
	js, _ := f.Journal()
	for _, s := range js {
		for off := s.Off; off < s.End(); off += f.bs {
			skip[off/f.bs] = true
		}
	}
	got := make([]byte, f.bs)
	bad := 0
	for blk := range min(f.blocks, int64(len(want))/f.bs) {
		if _, err := over.ReadAt(got, blk*f.bs); err != nil {
			t.Fatal(err)
		}
		if !skip[blk] && !bytes.Equal(got, want[blk*f.bs:(blk+1)*f.bs]) {
			if bad++; bad < 5 {
				t.Errorf("block %d differs", blk)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d blocks differ from e2fsck's replay; problems %v; e2fsck:\n%s", bad, f.problems, out)
	}
	return len(over.patches)
}
