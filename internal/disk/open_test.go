//go:build linux

package disk_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/internal/binread"
	"assay/internal/disk"
	"assay/internal/disk/disktest"
	"assay/internal/need"
)

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantErr(t *testing.T, path string, opts disk.Options, want string) error {
	t.Helper()
	f, err := disk.Open(path, opts)
	if err == nil {
		f.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want %q", filepath.Base(path), err, want)
	}
	return err
}

func TestOpenRefusesKinds(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	wantErr(t, dir, disk.Options{}, "is a directory")
	wantErr(t, fifo, disk.Options{}, "is a FIFO")
	wantErr(t, "/dev/null", disk.Options{}, "is a character device")
	wantErr(t, write(t, "empty", nil), disk.Options{}, "the file is empty")
	if err := wantErr(t, filepath.Join(dir, "absent"), disk.Options{}, "no such file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := disk.OpenReader(f, dir, disk.Options{}); err == nil {
		t.Error("OpenReader takes a directory")
	}
}

func TestOpenRecognisesForeign(t *testing.T) {
	pad := strings.Repeat("\x00", 2048)
	tar := make([]byte, 1024)
	copy(tar[257:], "ustar\x0000")
	for want, content := range map[string]string{
		"qed: ": "QED\x00", "xz: ": "\xfd7zXZ\x00", "bzip2: ": "BZh91AY", "zip: ": "PK\x03\x04", "ewf: ": "EVF\x09\x0d\x0a\xff\x00",
		"tar: an archive": string(tar), "qcow: version 1": "QFI\xfb\x00\x00\x00\x01", "parallels: ": "WithoutFreeSpace",
		"dmg: ": strings.Repeat("\x00", 2048-512) + "koly" + strings.Repeat("\x00", 508),
	} {
		if len(content) < 512 {
			content += pad
		}
		var u *binread.UnsupportedError
		if err := wantErr(t, write(t, "image", []byte(content)), disk.Options{}, want); !errors.As(err, &u) {
			t.Errorf("%s: %v is no UnsupportedError", want, err)
		}
	}
	if f := open(t, write(t, "short", []byte("x")), disk.Options{}); f.Info().Format != "raw" || len(f.Info().Notes) == 0 {
		t.Errorf("one byte: %+v", f.Info())
	}
}

// TestFormatIsTaken opens a raw disk, into which its machine wrote a qcow2
// header, as what it is.
func TestFormatIsTaken(t *testing.T) {
	b := make([]byte, 4096)
	copy(b, "QFI\xfb\x00\x00\x00\x03")
	path := write(t, "disk", b)
	wantErr(t, path, disk.Options{}, "qcow2: ")
	if f := open(t, path, disk.Options{Format: "raw"}); f.Info().Format != "raw" || f.Size() != 4096 {
		t.Errorf("got %+v", f.Info())
	}
	wantErr(t, path, disk.Options{Format: "vhdx"}, "vhdx: not this format")
	wantErr(t, path, disk.Options{Format: "floppy"}, `the format "floppy"`)
}

func TestBackingIsBounded(t *testing.T) {
	need.Tool(t, "qemu-img")
	dir := t.TempDir()
	make := func(name, backing, format string) string {
		path := filepath.Join(dir, name)
		need.Run(t, "qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", format, path, "1M")
		return path
	}
	allow := disk.Options{AllowBacking: true}
	wantErr(t, make("self", "self", "qcow2"), allow, "comes back")
	make("a", "b", "qcow2")
	wantErr(t, make("b", "a", "qcow2"), allow, "comes back")
	wantErr(t, make("fifo", "/dev/zero", "raw"), allow, "is a character device")
	wantErr(t, make("net", "nbd://localhost/secret", "raw"), allow, `protocol "nbd"`)
	wantErr(t, make("json", `json:{"driver":"qcow2","file":{"filename":"self"}}`, "qcow2"), allow, `protocol "json"`)
	wantErr(t, make("odd", "self", "vvfat"), allow, `format "vvfat"`)
	wantErr(t, make("gone", "nowhere", "raw"), allow, "no such file")
	last := make("c0", "nothing.raw", "raw")
	if err := os.WriteFile(filepath.Join(dir, "nothing.raw"), []byte(strings.Repeat("x", 512)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 40; i++ {
		last = make(fmt.Sprintf("c%d", i), fmt.Sprintf("c%d", i-1), "qcow2")
	}
	open(t, filepath.Join(dir, "c20"), allow)
	wantErr(t, last, allow, "a chain of more than")
	// A raw backing file stays raw, whatever its first bytes pretend.
	f := open(t, make("raw", "a", "raw"), allow)
	b := [4]byte{}
	if _, err := f.ReadAt(b[:], 0); err != nil || string(b[:]) != "QFI\xfb" {
		t.Errorf("a raw backing file reads %q, %v", b, err)
	}
	// A child has no path to open: without an opener it refuses.
	c, err := os.Open(filepath.Join(dir, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := disk.OpenReader(c, "/somewhere/raw", allow); err == nil {
		t.Error("OpenReader opened a backing file by itself")
	}
	asked := ""
	allow.OpenSibling = func(path string) (*os.File, error) {
		asked = path
		return os.Open(filepath.Join(dir, "a"))
	}
	g, err := disk.OpenReader(c, "/somewhere/raw", allow)
	if err != nil || asked != "/somewhere/a" {
		t.Fatalf("asked for %q: %v", asked, err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestExtentsAreNoLinks refuses an extent that leads out of its folder.
func TestExtentsAreNoLinks(t *testing.T) {
	secret := write(t, "secret", []byte(strings.Repeat("s", 512)))
	path := write(t, "disk.vmdk", []byte("# Disk DescriptorFile\nRW 1 FLAT \"disk-flat.vmdk\" 0\n"))
	flat := filepath.Join(filepath.Dir(path), "disk-flat.vmdk")
	if err := os.Symlink(secret, flat); err != nil {
		t.Fatal(err)
	}
	wantErr(t, path, disk.Options{}, "disk-flat.vmdk")
	if err := os.Remove(flat); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(secret, flat); err != nil {
		t.Fatal(err)
	}
	open(t, path, disk.Options{})
}

func compress(t testing.TB, tool, path string) string {
	t.Helper()
	switch tool {
	case "gzip":
		need.Run(t, "gzip", "-k", "-1", path)
		return path + ".gz"
	case "zstd":
		need.Run(t, "zstd", "-q", "-k", path)
		return path + ".zst"
	}
	return path
}

func TestCompressed(t *testing.T) {
	need.Tool(t, "qemu-img")
	raw := disktest.Pattern(t, 12<<20+512, 4)
	for _, format := range []string{"raw", "qcow2", "vmdk"} {
		for _, tool := range []string{"gzip", "zstd"} {
			t.Run(format+"."+tool, func(t *testing.T) {
				need.Tool(t, tool)
				path := filepath.Join(t.TempDir(), "disk")
				need.Run(t, "qemu-img", "convert", "-O", format, raw, path)
				spill := t.TempDir()
				packed := compress(t, tool, path)
				wantErr(t, packed, disk.Options{}, "without a folder")
				f := open(t, packed, disk.Options{SpillDir: spill})
				if f.Info().Format != format || !strings.Contains(strings.Join(f.Info().Notes, ""), "decompressed from "+tool) {
					t.Fatalf("got %+v", f.Info())
				}
				disktest.Same(t, f, raw)
				if left, err := os.ReadDir(spill); err != nil || len(left) != 0 {
					t.Fatalf("the spill folder holds %v, %v", left, err)
				}
				if format == "raw" {
					data, err := f.Data()
					if err != nil || data.Total() > 11<<20 {
						t.Fatalf("zeros were kept: %d bytes, %v", data.Total(), err)
					}
				}
				if err := wantErr(t, packed, disk.Options{SpillDir: spill, SpillLimit: 1 << 20}, "over the limit of 1048576 bytes"); !errors.Is(err, disk.ErrSpillLimit) {
					t.Errorf("got %v", err)
				}
				b, err := os.ReadFile(packed)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{len(b) - 1, len(b) - 9, len(b) / 2, 11} {
					wantErr(t, write(t, "cut", b[:n]), disk.Options{SpillDir: spill}, tool+": ")
				}
				b[len(b)/2] ^= 0xff
				wantErr(t, write(t, "flipped", b), disk.Options{SpillDir: spill}, tool+": ")
			})
		}
	}
}

// TestZerosAreBounded stops at a stream of zeros that would go on.
func TestZerosAreBounded(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range 64 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	path := write(t, "zeros.gz", b.Bytes())
	wantErr(t, path, disk.Options{SpillDir: t.TempDir(), SpillLimit: 1 << 20}, "even 32 times that")
	f := open(t, path, disk.Options{SpillDir: t.TempDir(), SpillLimit: 4 << 20})
	if s, err := f.Data(); f.Size() != 64<<20 || err != nil || s.Total() != 0 {
		t.Fatalf("size %d, data %v, %v", f.Size(), s, err)
	}
}

// TestFarAway writes at the far ends of large disks, where table indices,
// chunks and extents are no longer those of the first, and compares what is
// there.
func TestFarAway(t *testing.T) {
	need.Tool(t, "qemu-img", "qemu-io")
	const gib = 1 << 30
	for _, v := range []struct {
		qemu, opts string
		size       int64
	}{
		{"raw", "", 6 * gib}, {"qcow2", "cluster_size=64k", 8192 * gib}, {"qcow2", "cluster_size=4k", 100 * gib}, {"qcow2", "extended_l2=on", 2048 * gib},
		{"vpc", "subformat=dynamic,force_size=on", 1000 * gib}, {"vhdx", "block_size=1M", 20 * gib}, {"vhdx", "block_size=32M", 20000 * gib},
		{"vmdk", "subformat=monolithicSparse", 500 * gib}, {"vmdk", "subformat=twoGbMaxExtentSparse", 5 * gib}, {"vmdk", "subformat=twoGbMaxExtentFlat", 5 * gib},
		{"vdi", "", 1000 * gib},
	} {
		t.Run(v.qemu+","+v.opts, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "disk")
			args := []string{"create", "-q", "-f", v.qemu}
			if v.opts != "" {
				args = append(args, "-o", v.opts)
			}
			need.Run(t, "qemu-img", append(args, path, fmt.Sprint(v.size))...)
			var cmds []string
			var offs []int64
			for _, off := range []int64{0, 2*gib - 65536, 4*gib - 65536, 4*gib + 1<<20, v.size / 2, v.size - 1<<20 - 65536, v.size - 131072} {
				off = min(off, v.size-131072)
				cmds = append(cmds, fmt.Sprintf("write -P %d %d 131072", len(cmds)+1, off))
				offs = append(offs, off)
			}
			disktest.QemuIO(t, path, v.qemu, cmds...)
			f := open(t, path, disk.Options{})
			if f.Size() != v.size {
				t.Fatalf("the size is %d, want %d", f.Size(), v.size)
			}
			var b, last [131072]byte
			for i, off := range offs {
				if _, err := f.ReadAt(b[:], off); err != nil && err != io.EOF {
					t.Fatal(err)
				}
				last = [131072]byte(bytes.Repeat([]byte{byte(i + 1)}, 131072))
				// The last two writes overlap by half a write.
				if i != len(offs)-2 && !bytes.Equal(b[:], last[:]) {
					t.Errorf("at %d: got %x…, want %x…", off, b[:4], last[:4])
				}
			}
			disktest.Covers(t, f, 7*256<<20)
			if s, err := f.Data(); err != nil || len(s) < 4 {
				t.Errorf("Data: %v, %v", s, err)
			}
		})
	}
}

// TestTruncated cuts an image of every format: what is missing is an error,
// never zeros.
func TestTruncated(t *testing.T) {
	need.Tool(t, "qemu-img")
	for _, v := range []variant{
		{"qcow2", "qcow2", "cluster_size=4k", false}, {"qcow2", "qcow2", "compression_type=zstd", true}, {"vpc", "vhd", "subformat=dynamic", false}, {"vpc", "vhd", "subformat=fixed", false},
		{"vhdx", "vhdx", "", false}, {"vmdk", "vmdk", "subformat=monolithicSparse", false}, {"vmdk", "vmdk", "subformat=streamOptimized", false}, {"vdi", "vdi", "", false},
	} {
		t.Run(v.String(), func(t *testing.T) {
			raw := filepath.Join(t.TempDir(), "full")
			b := make([]byte, 5<<20)
			for i := range b {
				b[i] = byte(i*i>>7) | 1
			}
			if err := os.WriteFile(raw, b, 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "disk")
			args := []string{"convert", "-O", v.qemu}
			if v.opts != "" {
				args = append(args, "-o", v.opts)
			}
			if v.compress {
				args = append(args, "-c")
			}
			need.Run(t, "qemu-img", append(args, raw, path)...)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []int{5, 20, 40, 60} {
				cut := write(t, "cut", whole[:len(whole)/100*part])
				f, err := disk.Open(cut, disk.Options{Format: v.format})
				if err != nil {
					continue
				}
				_, err = f.ReadAt(make([]byte, f.Size()), 0)
				f.Close()
				if err == nil || err == io.EOF {
					t.Errorf("%d %% of the file read like the whole", part)
				}
			}
		})
	}
}
