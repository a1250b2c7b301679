//go:build linux

package ext4

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/need"
)

// smallVariants cover the structures of all variants in images that a mutation
// hits often. Without checksums nothing hides behind one.
var smallVariants = []struct {
	name string
	args []string
	kib  string
	jw   bool // a dirty journal
}{
	{"ext2", []string{"-t", "ext2", "-b", "1024", "-I", "256", "-N", "48"}, "256", false},
	{"extents", []string{"-t", "ext4", "-b", "1024", "-I", "256", "-N", "48", "-O", "^has_journal,^metadata_csum,^resize_inode"}, "256", false},
	{"inline", []string{"-t", "ext4", "-b", "1024", "-I", "512", "-N", "48", "-O", "^has_journal,^metadata_csum,inline_data,ea_inode,^resize_inode"}, "256", false},
	{"sums", []string{"-t", "ext4", "-b", "1024", "-I", "256", "-N", "48", "-O", "^has_journal,metadata_csum,^resize_inode"}, "256", false},
	{"orphans", []string{"-t", "ext4", "-b", "1024", "-I", "256", "-N", "48", "-O", "^metadata_csum,orphan_file,^resize_inode", "-J", "size=1"}, "4096", false},
	{"journal", []string{"-t", "ext4", "-b", "1024", "-I", "256", "-N", "48", "-O", "^metadata_csum,^resize_inode", "-J", "size=1"}, "4096", true},
}

// smallImages makes one image of each kind.
func smallImages(t testing.TB) [][]byte {
	t.Helper()
	need.Tool(t, "mke2fs", "debugfs")
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	os.MkdirAll(filepath.Join(tree, "d/sub"), 0o755)
	for _, n := range []int{0, 30, 100, 1500, 9000} {
		os.WriteFile(filepath.Join(tree, "d", "f"+strings.Repeat("x", n%50)), bytes.Repeat([]byte("content "), n/8+1), 0o644)
	}
	sparse, _ := os.Create(filepath.Join(tree, "sparse"))
	for i := range int64(12) {
		sparse.WriteAt([]byte("x"), i*3072)
	}
	sparse.Close()
	for i := range 14 {
		os.Symlink(strings.Repeat("y", 50+i), filepath.Join(tree, "d", strings.Repeat("l", 10+i)))
	}
	var out [][]byte
	for _, v := range smallVariants {
		img := filepath.Join(dir, v.name)
		args := append(append([]string{"-q", "-F", "-d", tree}, v.args...), img, v.kib+"k")
		need.Run(t, "mke2fs", args...)
		if v.jw {
			cmds := filepath.Join(dir, "cmds")
			os.WriteFile(cmds, []byte("jo\njw -b 1500,1501 "+tree+"/sparse\njw -r 1500\njw -b 1502-1504 "+tree+"/sparse\njc\n"), 0o600)
			need.Run(t, "debugfs", "-w", "-f", cmds, img)
		}
		b, err := os.ReadFile(img)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// survive opens and reads a hostile image.
func survive(t testing.TB, img []byte, size int64) {
	t.Helper()
	begin := time.Now()
	f, err := Open(bytes.NewReader(img), size)
	if err != nil {
		return
	}
	exercise(t, f)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestMutations changes bytes at random, mostly where metadata lies.
func TestMutations(t *testing.T) {
	images := smallImages(t)
	rng := rand.New(rand.NewPCG(1, 2))
	values := []byte{0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF}
	end := time.Now().Add(4 * time.Second)
	rounds := 0
	for ; time.Now().Before(end); rounds++ {
		img := bytes.Clone(images[rounds%len(images)])
		for range 1 + rng.IntN(40) {
			at := rng.IntN(len(img))
			if rng.IntN(4) > 0 { // superblock, descriptors, bitmaps, inodes, first directories
				at = rng.IntN(min(len(img), 48<<10))
			}
			img[at] = values[rng.IntN(len(values))]
			if rng.IntN(2) == 0 {
				img[at] = byte(rng.Uint32())
			}
		}
		size := int64(len(img))
		switch rng.IntN(8) {
		case 0:
			size = rng.Int64N(size) + 1
		case 1:
			size = 1 << 62
		}
		survive(t, img, size)
	}
	t.Logf("%d mutants", rounds)
}

// FuzzOpen reads arbitrary bytes as a file system.
func FuzzOpen(f *testing.F) {
	for _, img := range smallImages(f) {
		f.Add(img[:min(len(img), 64<<10)])
	}
	f.Fuzz(func(t *testing.T, img []byte) { survive(t, img, int64(len(img))) })
}

// FuzzEdits changes a few places of a good image: each edit is six bytes, three
// of a place, two of which 2-byte word, and how it is written.
func FuzzEdits(f *testing.F) {
	images := smallImages(f)
	f.Add(byte(0), []byte{0, 4, 0, 1, 1, 0})
	f.Add(byte(1), []byte{0, 0x14, 0x28, 0xFF, 0xFF, 1})
	f.Add(byte(5), []byte{0, 0x90, 0x10, 0, 0xFF, 0})
	f.Fuzz(func(t *testing.T, which byte, edits []byte) {
		img := bytes.Clone(images[int(which)%len(images)])
		for ; len(edits) >= 6; edits = edits[6:] {
			at := (int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])) % (len(img) - 4)
			img[at], img[at+1] = edits[3], edits[4]
			if edits[5]&1 != 0 {
				img[at+2], img[at+3] = edits[3], edits[4]
			}
		}
		survive(t, img, int64(len(img)))
	})
}
