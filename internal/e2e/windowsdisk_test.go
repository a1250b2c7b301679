package e2e

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/artefact/regf/regftest"
	"assay/internal/need"
)

var le = binary.LittleEndian

// A windowsDisk is what is to stand on the volume of Windows. Paths are those
// of the volume, with slashes; "file:stream" is a named stream.
type windowsDisk struct {
	mbr     bool // instead of GPT
	files   map[string][]byte
	deleted map[string][]byte
	secrets []string // none of them may survive
	cipher  []string // bytes of password hashes as they stand in SAM: nor may these
	fill    int64    // bytes of further files
}

// secret notes what must not survive.
func (w *windowsDisk) secret(s string) string {
	w.secrets = append(w.secrets, s)
	return s
}

func (w *windowsDisk) put(name, content string) { w.files[name] = []byte(content) }

// hive puts a registry hive from text (see regftest.Parse).
func (w *windowsDisk) hive(t testing.TB, name, text string) { w.files[name] = hiveOf(t, text) }

// dirty puts a hive whose last change is in its log only, as a running Windows
// leaves it.
func (w *windowsDisk) dirty(t testing.TB, name, before, text string) {
	old, now := hiveOf(t, before), hiveOf(t, before+text)
	w.files[name] = regftest.Begin(old, 9)
	w.files[name+".LOG1"] = regftest.NewLog(9, old, now)
	w.files[name+".LOG2"] = nil
}

func hiveOf(t testing.TB, text string) []byte {
	t.Helper()
	root := &regftest.Key{}
	if err := regftest.Parse(root, text); err != nil {
		t.Fatal(err)
	}
	return regftest.Build(root, regftest.Options{})
}

// make writes the disk: GPT with an ESP, the reserved partition and NTFS; or MBR
// with the partition "System Reserved" before it.
func (w *windowsDisk) make(t testing.TB, size int64) string {
	t.Helper()
	need.Root(t)
	need.Tool(t, "mkntfs", "ntfs-3g", "sfdisk", "mkfs.vfat", "mmd", "mcopy", "dd")
	volume := sparse(t, size)
	need.Run(t, "mkntfs", "-q", "-F", "-f", "-L", "Windows", "-p", "0", "-H", "255", "-S", "63", volume)
	dir, done := mountNTFS(t, volume, "rw")
	for name, b := range w.files {
		write(t, filepath.Join(dir, name), b)
	}
	for name, b := range w.deleted {
		write(t, filepath.Join(dir, name), b)
	}
	if err := fillWith(filepath.Join(dir, "Windows/WinSxS"), w.fill); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "sync", "-f", dir)
	for name := range w.deleted {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	done()
	if w.mbr {
		reserved := sparse(t, 16*mib)
		need.Run(t, "mkntfs", "-q", "-F", "-f", "-L", "System Reserved", reserved)
		return disk(t, "dos", part{"type=7, bootable", reserved}, part{"type=7", volume})
	}
	esp := sparse(t, 40*mib)
	need.Run(t, "mkfs.vfat", "-F", "32", esp)
	loader := filepath.Join(t.TempDir(), "bootmgfw.efi")
	write(t, loader, []byte("MZ boot manager"))
	need.Run(t, "mmd", "-i", esp, "::/EFI", "::/EFI/Microsoft", "::/EFI/Microsoft/Boot")
	need.Run(t, "mcopy", "-i", esp, loader, "::/EFI/Microsoft/Boot/bootmgfw.efi")
	return disk(t, "gpt",
		part{"type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B", esp},
		part{"type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE", sparse(t, 16*mib)},
		part{"type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", volume})
}

// fillWith writes n bytes of files below dir, as a system has them: most are
// small, most bytes are in large ones; two of three are noise, one is text.
func fillWith(dir string, n int64) error {
	r := rand.New(rand.NewPCG(7, 7))
	noise, text := make([]byte, 8<<20), []byte{}
	for i := 0; i < len(noise); i += 8 {
		le.PutUint64(noise[i:], r.Uint64())
	}
	for i := 0; len(text) < len(noise); i++ {
		text = fmt.Appendf(text, "line %d of a file that Windows brought: %x\r\n", i, r.Uint32())
	}
	for i := 0; n > 0; i++ {
		sub := filepath.Join(dir, fmt.Sprintf("amd64_component_%d", i/20))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return err
		}
		size := min(int(math.Exp(10.3+1.6*r.NormFloat64())), len(noise))
		b := noise
		if i%3 == 0 {
			b = text
		}
		at := r.IntN(len(noise) - size + 1)
		if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("f%d.dll", i)), b[at:at+size], 0o644); err != nil {
			return err
		}
		n -= int64(size)
	}
	return nil
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	file, _, _ := strings.Cut(filepath.Base(name), ":")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if file != filepath.Base(name) { // a stream's file is there first
		f, err := os.OpenFile(filepath.Join(filepath.Dir(name), file), os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// mountNTFS mounts a volume with ntfs-3g.
func mountNTFS(t testing.TB, img, options string) (dir string, done func()) {
	t.Helper()
	dir = t.TempDir()
	need.Run(t, "ntfs-3g", "-o", "streams_interface=windows,"+options, img, dir)
	mounted := true
	done = func() {
		if mounted {
			mounted = false
			need.Unmount(t, dir)
			need.Unlocked(t, img)
		}
	}
	t.Cleanup(done)
	return dir, done
}

// ntfsOf cuts the volume of Windows out of a raw disk.
func ntfsOf(t testing.TB, raw string) string {
	t.Helper()
	all := partitions(t.(*testing.T), raw)
	if len(all) != 3 {
		t.Fatalf("%d partitions", len(all))
	}
	return cutOut(t.(*testing.T), raw, all[2])
}

// eventLog makes an event log of one record, an element whose name is text.
func eventLog(text string) []byte {
	chunk := make([]byte, 64<<10)
	copy(chunk, "ElfChnk\x00")
	for off, v := range map[int]uint64{8: 1, 16: 1, 24: 1, 32: 1} {
		le.PutUint64(chunk[off:], v)
	}
	le.PutUint32(chunk[40:], 128)
	r := []byte{'*', '*', 0, 0}
	r = append(r, make([]byte, 20)...)
	le.PutUint64(r[8:], 1)
	le.PutUint64(r[16:], 133000000000000000)
	body := []byte{0x0f, 1, 1, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}
	le.PutUint32(body[11:], uint32(512+24+len(body)))
	wide := regftest.UTF16(text)
	body = append(body, 0, 0, 0, 0, 0, 0)
	body = le.AppendUint16(body, uint16(len(wide)/2))
	body = append(append(body, wide...), 0, 0, 2, 4, 0)
	le.PutUint32(body[7:], uint32(len(body)-12))
	r = append(r, body...)
	le.PutUint32(r[4:], uint32(len(r)+4))
	r = le.AppendUint32(r, uint32(len(r)+4))
	end := 512 + copy(chunk[512:], r)
	le.PutUint32(chunk[44:], 512)
	le.PutUint32(chunk[48:], uint32(end))
	le.PutUint32(chunk[52:], crc32.ChecksumIEEE(chunk[512:end]))
	le.PutUint32(chunk[124:], crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:512]))
	head := make([]byte, 4096)
	copy(head, "ElfFile\x00")
	le.PutUint64(head[24:], 2)
	for off, v := range map[int]uint16{32: 128, 36: 1, 38: 3, 40: 4096, 42: 1} {
		le.PutUint16(head[off:], v)
	}
	le.PutUint32(head[124:], crc32.ChecksumIEEE(head[:120]))
	return append(head, chunk...)
}

// filler is content that nothing is found in and that no compression shrinks.
func filler(seed, n int) []byte {
	b := make([]byte, 0, n+8)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for len(b) < n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = le.AppendUint64(b, x)
	}
	return b[:n]
}
