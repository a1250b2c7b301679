package disk_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/disk"
	"assay/internal/disk/disktest"
	"assay/internal/need"
)

// open opens path and closes it when the test ends.
func open(t testing.TB, path string, opts disk.Options) *disk.File {
	t.Helper()
	f, err := disk.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// variant is a way to make an image with qemu-img: the format's name there and
// here, options, and whether clusters are compressed.
type variant struct {
	qemu, format string
	opts         string
	compress     bool
}

func (v variant) String() string {
	s := v.qemu + "," + v.opts
	if v.compress {
		s += ",compressed"
	}
	return s
}

func variants() []variant {
	v := []variant{{"raw", "raw", "", false}}
	for _, cs := range []string{"512", "1k", "4k", "64k", "256k", "2M"} {
		v = append(v,
			variant{"qcow2", "qcow2", "compat=1.1,cluster_size=" + cs, false},
			variant{"qcow2", "qcow2", "compat=0.10,cluster_size=" + cs, cs == "4k" || cs == "64k"},
			variant{"qcow2", "qcow2", "compression_type=zlib,cluster_size=" + cs, true},
			variant{"qcow2", "qcow2", "compression_type=zstd,cluster_size=" + cs, true})
	}
	for _, cs := range []string{"16k", "64k", "2M"} {
		v = append(v, variant{"qcow2", "qcow2", "extended_l2=on,cluster_size=" + cs, false},
			variant{"qcow2", "qcow2", "extended_l2=on,compression_type=zstd,cluster_size=" + cs, true})
	}
	for _, o := range []string{
		"preallocation=metadata", "preallocation=falloc", "preallocation=full", "lazy_refcounts=on",
		"refcount_bits=1", "refcount_bits=64", "preallocation=metadata,extended_l2=on",
	} {
		v = append(v, variant{"qcow2", "qcow2", o, false})
	}
	for _, o := range []string{"subformat=dynamic", "subformat=fixed", "subformat=dynamic,force_size=on", "subformat=fixed,force_size=on"} {
		v = append(v, variant{"vpc", "vhd", o, false})
	}
	for _, o := range []string{
		"subformat=dynamic", "subformat=fixed", "subformat=dynamic,block_size=1M", "subformat=dynamic,block_size=256M", "log_size=2M",
		"subformat=dynamic,block_state_zero=off",
	} {
		v = append(v, variant{"vhdx", "vhdx", o, false})
	}
	for _, o := range []string{"monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"} {
		v = append(v, variant{"vmdk", "vmdk", "subformat=" + o, false})
	}
	v = append(v, variant{"vmdk", "vmdk", "subformat=monolithicSparse,zeroed_grain=on", false})
	return append(v, variant{"vdi", "vdi", "static=off", false}, variant{"vdi", "vdi", "static=on", false})
}

// TestFormatsAgainstQemu converts one disk into every variant and compares
// what is read with qemu-img's own reading of the same file.
func TestFormatsAgainstQemu(t *testing.T) {
	need.Tool(t, "qemu-img")
	sizes := map[string]int64{}
	for _, v := range variants() {
		t.Run(v.String(), func(t *testing.T) {
			size := int64(9<<20 + 5*512) // no multiple of any cluster size
			if v.opts == "cluster_size=512" || strings.HasSuffix(v.opts, "=1k") {
				size = 3<<20 + 512
			}
			if sizes[v.format]++; sizes[v.format]%2 == 0 {
				size = 8 << 20
			}
			raw := disktest.Pattern(t, size, uint64(len(v.opts)))
			path := filepath.Join(t.TempDir(), "disk."+v.format)
			args := []string{"convert", "-O", v.qemu}
			if v.opts != "" {
				args = append(args, "-o", v.opts)
			}
			if v.compress {
				args = append(args, "-c")
			}
			need.Run(t, "qemu-img", append(args, raw, path)...)
			f := open(t, path, disk.Options{})
			if got := f.Info().Format; got != v.format {
				t.Fatalf("the format is %q, want %q", got, v.format)
			}
			disktest.Same(t, f, disktest.Raw(t, path, "-f", v.qemu))
			if v.format != "qcow2" && v.format != "vpc" {
				return
			}
			if _, _, err := f.Unreferenced(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// edits are qemu-io commands that leave clusters in every state: written in
// part and at odd places, zeroed, discarded, zeroed but kept.
func edits(size int64) (cmds []string) {
	for i := int64(0); i < 40; i++ {
		off := i * 7919 * 512 % (size - 1<<18)
		cmds = append(cmds, fmt.Sprintf("write -P %d %d %d", i+1, off, 512*(1+i*13%300)))
	}
	for i := int64(0); i < 12; i++ {
		off := i * 104729 * 512 % (size - 1<<19)
		cmds = append(cmds, fmt.Sprintf("write -z %d %d", off&^4095, 4096*(1+i*11%64)),
			fmt.Sprintf("write -z -u %d %d", (off+size/2)%(size-1<<19)&^65535, 65536*(1+i%5)),
			fmt.Sprintf("discard %d %d", (off+size/3)%(size-1<<19)&^65535, 65536*(1+i%5)))
	}
	return cmds
}

// TestEditedAgainstQemu writes with qemu-io, as a running machine does.
func TestEditedAgainstQemu(t *testing.T) {
	need.Tool(t, "qemu-img", "qemu-io")
	const size = 24 << 20
	for _, v := range []variant{
		{qemu: "qcow2", opts: "cluster_size=4k"}, {qemu: "qcow2", opts: "cluster_size=512"},
		{qemu: "qcow2", opts: "cluster_size=64k"}, {qemu: "qcow2", opts: "compat=0.10"},
		{qemu: "qcow2", opts: "extended_l2=on,cluster_size=64k"}, {qemu: "qcow2", opts: "extended_l2=on,cluster_size=16k"},
		{qemu: "vpc", opts: "subformat=dynamic"}, {qemu: "vhdx", opts: "block_size=1M"}, {qemu: "vmdk", opts: "subformat=monolithicSparse,zeroed_grain=on"},
		{qemu: "vdi", opts: "static=off"},
	} {
		t.Run(v.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "disk")
			need.Run(t, "qemu-img", "create", "-f", v.qemu, "-o", v.opts, path, fmt.Sprint(size))
			disktest.QemuIO(t, path, v.qemu, edits(size)...)
			f := open(t, path, disk.Options{})
			disktest.Same(t, f, disktest.Raw(t, path, "-f", v.qemu))
		})
	}
}

// TestBacking reads chains, where each layer has written, zeroed and longer or
// shorter disks than the one below.
func TestBacking(t *testing.T) {
	need.Tool(t, "qemu-img", "qemu-io")
	for _, o := range []string{"cluster_size=4k", "extended_l2=on", "cluster_size=64k", "compat=0.10"} {
		t.Run(o, func(t *testing.T) {
			dir := t.TempDir()
			base := disktest.Pattern(t, 6<<20+512, 3)
			mid, top := filepath.Join(dir, "mid.qcow2"), filepath.Join(dir, "top.qcow2")
			need.Run(t, "qemu-img", "create", "-f", "qcow2", "-o", o, "-b", base, "-F", "raw", mid, "5M")
			disktest.QemuIO(t, mid, "qcow2", edits(5<<20)...)
			need.Run(t, "qemu-img", "create", "-f", "qcow2", "-o", o, "-b", "mid.qcow2", "-F", "qcow2", top, "8M")
			disktest.QemuIO(t, top, "qcow2", edits(8 << 20)[20:]...)
			if _, err := disk.Open(top, disk.Options{}); err == nil || !strings.Contains(err.Error(), "not allowed") {
				t.Fatalf("a backing file that was not allowed: %v", err)
			}
			f := open(t, top, disk.Options{AllowBacking: true})
			disktest.Same(t, f, disktest.Raw(t, top, "-f", "qcow2"))
			if f.Info().Backing != "mid.qcow2" {
				t.Fatalf("backing %q", f.Info().Backing)
			}
		})
	}
}

// TestSnapshots finds old content in what nothing refers to.
func TestSnapshots(t *testing.T) {
	need.Tool(t, "qemu-img", "qemu-io")
	path := filepath.Join(t.TempDir(), "disk.qcow2")
	need.Run(t, "qemu-img", "create", "-f", "qcow2", path, "16M")
	disktest.QemuIO(t, path, "qcow2", "write -P 0x41 1M 1M", "write -P 0x42 4M 64k")
	need.Run(t, "qemu-img", "snapshot", "-c", "before the clean-up", path)
	disktest.QemuIO(t, path, "qcow2", "write -P 0x43 1M 1M", "discard 4M 64k", "write -P 0x44 8M 64k")
	need.Run(t, "qemu-img", "snapshot", "-c", "after", path)
	f := open(t, path, disk.Options{})
	disktest.Same(t, f, disktest.Raw(t, path, "-f", "qcow2"))
	if got := f.Info().Snapshots; !slices.Equal(got, []string{"before the clean-up", "after"}) {
		t.Fatalf("snapshots %q", got)
	}
	host, old, err := f.Unreferenced()
	if err != nil {
		t.Fatal(err)
	}
	count := map[byte]int{}
	for _, s := range old {
		b := make([]byte, s.Len)
		if _, err := host.ReadAt(b, s.Off); err != nil {
			t.Fatal(err)
		}
		for _, c := range b {
			count[c]++
		}
	}
	// The old clusters are there whole, the new ones not at all. A few bytes
	// more may lie in tables.
	if count[0x41] < 1<<20 || count[0x42] < 64<<10 || count[0x43] > 4096 || count[0x44] > 4096 {
		t.Fatalf("old bytes A %d, B %d; new bytes C %d, D %d", count[0x41], count[0x42], count[0x43], count[0x44])
	}
}

// TestSamples reads images that other programs than qemu-img made.
func TestSamples(t *testing.T) {
	dir := need.Corpus(t, "fs/containers")
	for _, s := range []struct{ name, format, err string }{
		{"ext2.qcow2", "qcow2", ""}, {"ext2.vhd", "vpc", ""}, {"ext2.vmdk", "vmdk", ""}, {"tsk-image.dd", "raw", ""},
		{"tsk-image.vhd", "vpc", ""}, {"tsk-image.vmdk", "vmdk", ""},
		{"fat-differential.vhd", "", "differencing disk is not supported"}, {"tsk-image.qcow", "", "qcow: version 1 is not supported"},
	} {
		t.Run(s.name, func(t *testing.T) {
			path := filepath.Join(dir, s.name)
			if s.err != "" {
				if _, err := disk.Open(path, disk.Options{}); err == nil || !strings.Contains(err.Error(), s.err) {
					t.Fatalf("got %v, want %q", err, s.err)
				}
				return
			}
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			disktest.Same(t, open(t, path, disk.Options{}), disktest.Raw(t, path, "-f", s.format))
			if after, err := os.Stat(path); err != nil || after.ModTime() != before.ModTime() {
				t.Fatalf("the input changed: %v", err)
			}
		})
	}
}
