package ntfs

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// wimBlob matches what wimlib-imagex says of one compressed content.
var wimBlob = regexp.MustCompile(`(?s)Hash\s*= 0x([0-9a-f]{40}).*?Uncompressed size\s*= (\d+) bytes.*?Compressed size\s*= (\d+) bytes.*?Offset in WIM\s*= (\d+) bytes`)

// wim compresses files with wimlib, as Windows does for Windows Overlay Filter,
// and returns the chunks of each by its name; none of what does not shrink.
func wim(t *testing.T, chunk int64, plain map[string][]byte) map[string][]byte {
	t.Helper()
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "x.wim")
	names := map[string]string{} // by hash
	for name, b := range plain {
		write(t, filepath.Join(dir, name), b)
		h := sha1.Sum(b)
		names[hex.EncodeToString(h[:])] = name
	}
	need.Run(t, "wimlib-imagex", "capture", dir, out, "--compress=xpress", fmt.Sprintf("--chunk-size=%d", chunk), "--no-acls")
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	packed := map[string][]byte{}
	for _, m := range wimBlob.FindAllStringSubmatch(need.Run(t, "wimlib-imagex", "info", out, "--blobs"), -1) {
		size, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		at, _ := strconv.Atoi(m[4])
		if name := names[m[1]]; name != "" && n < size {
			packed[name] = raw[at : at+n]
		}
	}
	return packed
}

// TestOverlaid reads files as CompactOS stores them, with chunks that wimlib
// compressed, whole and in pieces.
func TestOverlaid(t *testing.T) {
	plain := map[string][]byte{}
	for _, n := range []int{700, 4096, 4097, 65536, 200_001} {
		plain[fmt.Sprint("text-", n)] = pattern(uint64(n), n)
	}
	plain["zeros"] = make([]byte, 50_000)
	plain["mixed"] = slices.Concat(pattern(3, 40_000), noise(4, 40_000), pattern(5, 30_000)) // some chunks are stored as they are
	for how, chunk := range wofChunks {
		packed := wim(t, chunk, plain)
		if len(packed) < len(plain)-1 {
			t.Fatalf("wimlib compressed %d of %d files", len(packed), len(plain))
		}
		m := tiny(t, "", func(dir string) {
			for name, b := range packed {
				write(t, dir+"/"+name, nil)
				if err := os.Truncate(dir+"/"+name, int64(len(plain[name]))); err != nil {
					t.Fatal(err)
				}
				write(t, dir+"/"+name+":"+wofStream, b)
				point := reparsePoint(tagWOF, []byte{1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, byte(how), 0, 0, 0})
				need.Run(t, "setfattr", "-h", "-n", "system.ntfs_reparse_data", "-v", hexValue(point), dir+"/"+name)
			}
		})
		x := m.open(t)
		for name := range packed {
			n := find(t, x, name)
			f, err := x.Open(n)
			if err != nil {
				t.Fatal(name, err)
			}
			if got, err := fsys.Content(f, 1<<20); err != nil || !bytes.Equal(got, plain[name]) {
				t.Errorf("%s in chunks of %d: %d bytes, %v", name, chunk, len(got), err)
			}
			r := rand.New(rand.NewPCG(1, uint64(chunk)))
			for range 50 {
				off := r.IntN(len(plain[name]))
				b := make([]byte, 1+r.IntN(9000))
				got, err := f.ReadAt(b, int64(off))
				if want := plain[name][off:min(off+len(b), len(plain[name]))]; !bytes.Equal(b[:got], want) || err != nil && !errors.Is(err, io.EOF) {
					t.Fatalf("%s at %d: %d bytes, %v", name, off, got, err)
				}
			}
			if s, err := x.Streams(n); err != nil || len(s) > 0 {
				t.Errorf("%s has the streams %v, %v", name, s, err)
			}
		}
	}
}

// TestOverlaidDamaged: every byte that is changed gives other content or an
// error with a place, never a panic, and what is no chunk is an error.
func TestOverlaidDamaged(t *testing.T) {
	plain := pattern(9, 20_000)
	b := wim(t, 4096, map[string][]byte{"f": plain})["f"]
	open := func(b []byte) *overlaid {
		return &overlaid{in: memoryFile{memory(b)}, at: 77, size: 20_000, chunk: 4096, entry: 4, table: 16, no: -1}
	}
	if got, err := fsys.Content(open(b), 1<<20); err != nil || !bytes.Equal(got, plain) {
		t.Fatal(len(got), err)
	}
	failed := 0
	for i := range b {
		d := bytes.Clone(b)
		d[i] ^= 0xff
		if _, err := fsys.Content(open(d), 1<<20); err != nil {
			var f *binread.FormatError
			if !errors.As(err, &f) {
				t.Fatalf("byte %d: %v", i, err)
			}
			failed++
		}
	}
	if failed < 16 {
		t.Errorf("%d of %d damaged files are told", failed, len(b))
	}
	for cut := range 16 + 20 {
		if _, err := fsys.Content(open(b[:cut]), 1<<20); err == nil {
			t.Errorf("%d bytes of %d are read as a whole", cut, len(b))
		}
	}
}

// memoryFile is a file in memory.
type memoryFile struct{ memory }

func (m memoryFile) Size() int64 { return int64(len(m.memory)) }

// FuzzXpress: any bytes unpack or are damaged.
func FuzzXpress(f *testing.F) {
	f.Add(make([]byte, 300), 100)
	f.Add(bytes.Repeat([]byte{0x99}, 400), 4096) // 512 codes of 9 bits
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		var x xpress
		_ = x.unpack(make([]byte, max(0, min(n, 32<<10))), b)
	})
}
