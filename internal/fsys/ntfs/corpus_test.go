//go:build linux

package ntfs

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/need"
)

// unpackE01 unpacks an image of the Expert Witness format with one segment
// (libewf, Expert Witness Compression Format, sections 3.5 and 3.9).
func unpackE01(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	chunk, total := 0, 0
	for off := uint64(13); ; {
		head := b[off:]
		data := head[76:]
		switch kind := string(bytes.TrimRight(head[:16], "\x00")); kind {
		case "volume":
			chunk = int(le.Uint32(data[8:]) * le.Uint32(data[12:]))
			total = int(le.Uint64(data[16:])) * int(le.Uint32(data[12:]))
		case "table":
			n, base := int(le.Uint32(data)), le.Uint64(data[8:])
			for i := range n {
				e := le.Uint32(data[24+4*i:])
				at := base + uint64(e&0x7fffffff)
				if e>>31 == 0 {
					out = append(out, b[at:at+uint64(chunk)]...)
					continue
				}
				z, err := zlib.NewReader(bytes.NewReader(b[at:]))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, plain...)
			}
		}
		next := le.Uint64(head[16:])
		if next == off {
			return out[:min(total, len(out))]
		}
		off = next
	}
}

// TestWindowsVolume reads a volume that Windows made and did not finish with:
// all of it is read, and nothing may be written.
func TestWindowsVolume(t *testing.T) {
	m := memory(unpackE01(t, filepath.Join(need.Corpus(t, "windows/velo"), "test.ntfs.dd.E01")))
	img := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(img, m, 0o600); err != nil {
		t.Fatal(err)
	}
	x := m.open(t)
	t.Logf("%+v, version %v, flags %#x, log %q", x.Describe(), x.version, x.flags, x.log.reason)
	_, err := NewEditor(m.clone(), int64(len(m)))
	t.Logf("editor: %v", err)
	if !errors.Is(err, fsys.ErrUnsafe) || !strings.Contains(err.Error(), "fast startup") {
		t.Errorf("NewEditor: %v", err)
	}
	dir, _ := mount(t, img, "ro")
	compare(t, x, dir)
	want := hashes(t, dir)

	// As Windows would have left it after a full shutdown, it can be scrubbed.
	s, err := x.systemStream(recordLog, typeData, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.runs {
		copy(m[r.lcn*x.cluster:], bytes.Repeat([]byte{0xFF}, int(r.n*x.cluster)))
	}
	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := e.Scrub()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scrubbed %d of %d bytes, left %q", rep.Zeroed, len(m), rep.Left)
	img = filepath.Join(t.TempDir(), "clean")
	if err := os.WriteFile(img, m, 0o600); err != nil {
		t.Fatal(err)
	}
	judge(t, img)
	if err := fsntfs(t, img); err != nil {
		t.Error(err)
	}
	dir, umount := mount(t, img, "rw")
	same(t, want, hashes(t, dir))
	write(t, dir+"/new", secret(100000))
	umount()
	judge(t, img)
}
