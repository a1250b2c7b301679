//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"assay/internal/need"
)

// A format is a container for a disk and how qemu-img or another program makes
// it of a raw one.
type format struct {
	name string
	make func(t testing.TB, raw, out string)
}

func qemu(args ...string) func(testing.TB, string, string) {
	return func(t testing.TB, raw, out string) {
		t.Helper()
		need.Run(t, "qemu-img", append(append([]string{"convert", "-f", "raw"}, args...), raw, out)...)
	}
}

var formats = []format{
	{"zlib.qcow2", qemu("-O", "qcow2", "-c")},
	{"zstd.qcow2", qemu("-O", "qcow2", "-c", "-o", "compression_type=zstd")},
	{"dynamic.vhd", qemu("-O", "vpc", "-o", "subformat=dynamic")},
	{"fixed.vhd", qemu("-O", "vpc", "-o", "subformat=fixed,force_size=on")},
	{"dynamic.vhdx", qemu("-O", "vhdx")},
	{"stream.vmdk", qemu("-O", "vmdk", "-o", "subformat=streamOptimized")},
	{"sparse.vmdk", qemu("-O", "vmdk")},
	{"flat.vmdk", qemu("-O", "vmdk", "-o", "subformat=monolithicFlat")},
	{"dynamic.vdi", qemu("-O", "vdi")},
	{"raw.gz", packed("gzip", "-1nc")},
	{"raw.zst", packed("zstd", "-qc")},
}

// packed makes a compressed raw image.
func packed(name string, args ...string) func(testing.TB, string, string) {
	return func(t testing.TB, raw, out string) {
		t.Helper()
		need.Tool(t, name)
		need.Run(t, "sh", append([]string{"-c", `out=$1; shift; exec "$@" > "$out"`, "sh", out, name}, append(args, raw)...)...)
	}
}

// TestFormats stores one disk in every container.
func TestFormats(t *testing.T) {
	need.Tool(t, "mke2fs", "sfdisk", "dd", "qemu-img")
	need.Root(t) // for the owners of files
	g := system(t)
	g.put("etc/fstab", "UUID="+rootUUID+" / ext4 defaults 0 1\n", 0o644, 0)
	raw := disk(t, "gpt", part{"type=linux", ext4(t, size()/2, rootUUID, g.dir)})
	want := reference(t)
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			img := filepath.Join(t.TempDir(), f.name)
			f.make(t, raw, img)
			got := same(t, want, "", img)
			// A cut file may be anything, but never a clean machine.
			b, err := os.ReadFile(img)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%v, %d MiB", got.time, got.rss>>20)
			cutShort(t, b, f.name)
		})
	}
}

// cutShort inspects an image cut at twenty lengths.
func cutShort(t *testing.T, b []byte, name string) {
	t.Helper()
	cut := filepath.Join(t.TempDir(), name)
	for i := range 20 {
		n := int64(len(b)) * int64(i) / 20
		if i < 5 {
			n = []int64{0, 1, 511, 512, 4097}[i]
		}
		if err := os.WriteFile(cut, b[:min(n, int64(len(b)))], 0o644); err != nil {
			t.Fatal(err)
		}
		got := inspect(t, "--check", "linux/account", cut)
		if got.code == 0 || got.verdict.Clean || got.verdicts != 1 {
			t.Errorf("cut at %d of %d: exit code %d, %d verdicts", n, len(b), got.code, got.verdicts)
		}
	}
}
