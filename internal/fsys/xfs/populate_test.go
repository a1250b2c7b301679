//go:build linux

package xfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/need"
)

func command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(need.Tool(t, name), args...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// populate makes one of everything below dir.
func populate(t testing.TB, dir string, big bool) {
	t.Helper()
	p := func(s string) string { return filepath.Join(dir, s) }
	sizes := []int{1, 5, 60, 3000}
	if big {
		sizes = append(sizes, 30000)
	}
	for _, n := range sizes {
		d := p(fmt.Sprintf("dir%d", n))
		must(t, os.Mkdir(d, 0o755))
		first := ""
		for i := range n {
			name := filepath.Join(d, fmt.Sprintf("entry number %d of %d", i, n))
			if i%4 == 0 && i < 3000 {
				must(t, os.WriteFile(name, noise(i%5000, uint64(i)), 0o600))
				first = name
			} else {
				if i%200 == 0 {
					must(t, os.WriteFile(name, nil, 0o644))
					first = name
				} else {
					must(t, os.Link(first, name))
				}
			}
		}
	}
	holes := p("dir3000") // a directory with unused entries and whole unused blocks
	for i := 0; i < 3000; i += 1 + i%3 {
		if i%4 != 0 || i > 2000 {
			os.Remove(filepath.Join(holes, fmt.Sprintf("entry number %d of %d", i, 3000)))
		}
	}
	must(t, os.MkdirAll(p("a/b/c/d/e"), 0o2750))
	must(t, os.WriteFile(p(strings.Repeat("n", 255)), []byte("long name"), 0o4711))
	must(t, os.WriteFile(p("not utf-8 \xff\xfe\x80\n"), []byte("x"), 0o644))
	must(t, os.Mkdir(p("long"), 0o755))
	for i := range 300 {
		must(t, os.WriteFile(p(fmt.Sprintf("long/%03d%s", i, strings.Repeat("y", 252))), nil, 0o644))
	}
	special(t, p)
	content(t, p)
	attributes(t, p)
}

func special(t testing.TB, p func(string) string) {
	t.Helper()
	for _, n := range []int{1, 20, 200, 335, 336, 337, 500, 1000, 1023} {
		must(t, os.Symlink(strings.Repeat("target/", 200)[:n], p(fmt.Sprintf("link%d", n))))
	}
	must(t, unix.Mknod(p("chr"), unix.S_IFCHR|0o620, int(unix.Mkdev(5, 70000))))
	must(t, unix.Mknod(p("blk"), unix.S_IFBLK|0o660, int(unix.Mkdev(259, 3))))
	must(t, unix.Mknod(p("whiteout"), unix.S_IFCHR, 0))
	must(t, unix.Mknod(p("pipe"), unix.S_IFIFO|0o644, 0))
	must(t, unix.Mknod(p("sock"), unix.S_IFSOCK|0o755, 0))
	must(t, os.Lchown(p("chr"), 1000, 70000))
	for i, at := range []int64{-2147483648, -86400, 0, 1, 2147483647, 4102444800, 10000000000} {
		name := p(fmt.Sprintf("time%d", i))
		must(t, os.WriteFile(name, nil, 0o644))
		must(t, os.Chtimes(name, time.Unix(at, 123456789), time.Unix(at, 987654321)))
	}
	must(t, os.WriteFile(p("appendonly"), []byte("log"), 0o644))
	must(t, os.WriteFile(p("immutable"), []byte("rock"), 0o644))
	need.Run(t, "xfs_io", "-r", "-c", "chattr +a", p("appendonly"))
	need.Run(t, "xfs_io", "-r", "-c", "chattr +i", p("immutable"))
}

// content makes files whose mapping is of every shape.
func content(t testing.TB, p func(string) string) {
	t.Helper()
	for _, n := range []int{0, 1, 511, 512, 4095, 4096, 4097, 65536, 1 << 20, 3<<20 + 17} {
		must(t, os.WriteFile(p(fmt.Sprintf("size%d", n)), noise(n, uint64(n)), 0o640))
	}
	f, err := os.Create(p("sparse"))
	must(t, err)
	for i := range int64(40) {
		_, err = f.WriteAt(noise(5000, uint64(i)), i*i*17777)
		must(t, err)
	}
	must(t, f.Truncate(1<<25+12345))
	must(t, f.Close())
	f, err = os.Create(p("punched")) // thousands of extents
	must(t, err)
	data := noise(1<<16, 5)
	for i := range int64(512) {
		_, err = f.WriteAt(data, i<<16)
		must(t, err)
	}
	must(t, f.Sync())
	for at := int64(4096); at < 512<<16; at += 8192 {
		must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, 4096))
	}
	must(t, f.Close())
	f, err = os.Create(p("unwritten")) // inside and past the end
	must(t, err)
	must(t, unix.Fallocate(int(f.Fd()), 0, 0, 1<<20))
	_, err = f.WriteAt(noise(10000, 9), 300000)
	must(t, err)
	must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 1<<20, 1<<20))
	must(t, f.Close())
	if command(t, "cp", "--reflink=always", p("size1048576"), p("reflinked")).Run() == nil {
		f, err = os.OpenFile(p("reflinked"), os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt(bytes.Repeat([]byte("changed "), 1000), 200000)
		must(t, err)
		must(t, f.Close())
	}
}

func attributes(t testing.TB, p func(string) string) {
	t.Helper()
	set := func(name, attr string, v []byte) {
		t.Helper()
		if err := unix.Lsetxattr(name, attr, v, 0); err != nil {
			t.Fatalf("%s: %s: %v", name, attr, err)
		}
	}
	file := func(name string) string {
		must(t, os.WriteFile(p(name), []byte(name), 0o644))
		return p(name)
	}
	small := file("attr-small")
	set(small, "user.a", []byte("1"))
	set(small, "user.empty", nil)
	set(small, "security.selinux", []byte("system_u:object_r:etc_t:s0\x00"))
	set(small, "trusted.overlay.opaque", []byte("y"))
	large := file("attr-large")
	for i, n := range []int{300, 2000, 5000, 30000, 65536} {
		set(large, fmt.Sprintf("user.large%d", i), noise(n, uint64(n)))
	}
	many := file("attr-many")
	for i := range 900 {
		set(many, fmt.Sprintf("user.attribute number %d", i), noise(i%90, uint64(i)))
	}
	frag := file("attr-removed")
	for i := range 100 {
		set(frag, fmt.Sprintf("user.x%d", i), noise(100, 1))
	}
	for i := range 95 {
		must(t, unix.Lremovexattr(frag, fmt.Sprintf("user.x%d", i)))
	}
	must(t, os.Mkdir(p("attr-dir"), 0o755))
	set(p("attr-dir"), "user.dir", []byte("d"))
	set(p("link200"), "trusted.on-link", []byte("l"))
	acl := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 5, 0, 0xe8, 3, 0, 0,
		4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255}
	set(p("attr-dir"), "system.posix_acl_access", acl)
	set(p("attr-dir"), "system.posix_acl_default", acl)
}
