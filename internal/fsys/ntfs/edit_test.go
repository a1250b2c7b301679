//go:build linux

package ntfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// filePatch writes through to an image.
type filePatch struct {
	*os.File
	zeroed int64
}

func (p *filePatch) Zero(off, n int64) error {
	p.zeroed += n
	return unix.Fallocate(int(p.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
}

// edit opens an editor on an image, which the caller closes with done.
func edit(t testing.TB, img string) (e *Editor, done func()) {
	t.Helper()
	e, done, err := tryEdit(t, img)
	if err != nil {
		t.Fatal(err)
	}
	return e, done
}

func tryEdit(t testing.TB, img string) (*Editor, func(), error) {
	t.Helper()
	f, err := os.OpenFile(img, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEditor(&filePatch{File: f}, st.Size())
	return e, func() { f.Close() }, err
}

// judge lets every tool at hand look at the volume.
func judge(t testing.TB, img string) {
	t.Helper()
	need.Run(t, "ntfsfix", "-n", img)
	out := need.Run(t, "ntfsresize", "-i", "-f", img)
	if strings.Contains(out, "ERROR") || !strings.Contains(out, "You might resize") {
		t.Errorf("ntfsresize says\n%s", out)
	}
}

// fsntfs walks the whole volume with libfsntfs. It does not read every
// geometry, so it is a judge only where it was content before the edit.
func fsntfs(t testing.TB, img string) error {
	t.Helper()
	out, err := exec.Command(need.Tool(t, "fsntfsinfo"), "-H", img).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("Unable to")) {
		return fmt.Errorf("fsntfsinfo: %v\n%s", err, tail(out))
	}
	return nil
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// hashes reads all of a mounted tree, with the named streams given.
func hashes(t testing.TB, dir string, streams ...string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		out[rel] = [32]byte{}
		if d.Type().IsRegular() {
			b, err := os.ReadFile(name)
			out[rel] = sha256.Sum256(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		b, err := os.ReadFile(dir + "/" + s)
		if err != nil {
			t.Fatal(err)
		}
		out[s] = sha256.Sum256(b)
	}
	return out
}

// marks counts a text in the raw image, in ASCII and UTF-16.
func marks(t testing.TB, img, mark string) int {
	t.Helper()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(b, []byte(mark)) + bytes.Count(b, utf16le(mark))
}

func utf16le(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// secret is content full of a mark; what compresses does so well.
func secret(n int) []byte { return bytes.Repeat([]byte("SECRETMARK.pa55word! "), n/21+1)[:n] }

// plantSecrets makes the files that the editor changes, and deletes others.
func plantSecrets(t testing.TB, dir string, cluster int64) {
	t.Helper()
	d := mkdir(t, dir+"/secret")
	write(t, d+"/resident", secret(300))
	write(t, d+"/plain", secret(100000))
	write(t, d+"/replace", secret(50001))
	write(t, d+"/replace-resident", secret(200))
	write(t, d+"/clear", secret(70000))
	write(t, d+"/overwrite", secret(30000))
	write(t, d+"/overwrite-resident", secret(250))
	write(t, d+"/linked", secret(9000))
	if err := os.Link(d+"/linked", dir+"/Names/other name"); err != nil {
		t.Fatal(err)
	}
	write(t, d+"/host", []byte("the host stays"))
	write(t, d+"/host:resident", secret(100))
	write(t, d+"/host:plain", secret(40000))
	write(t, d+":stream", secret(80))
	for _, n := range []string{"pagefile.sys", "swapfile.sys", "hiberfil.sys"} {
		write(t, dir+"/"+n, append(make([]byte, 8192), secret(200000)...))
	}
	if cluster <= 4096 {
		c := compressed(t, dir+"/secret/packed")
		for _, n := range []string{"blank", "overwrite", "clear"} {
			write(t, c+"/"+n, append(pattern(3, 300000), secret(100000)...))
		}
		// Units with holes behind them, as many as need several records.
		big := append(pattern(4, 8<<20), secret(1<<20)...)
		write(t, c+"/many records", big)
		write(t, c+":many records", big[len(big)-(9<<20)/2:])
	}
	fragmentWith(t, d+"/fragments", 1500*4096/cluster, cluster, secret(int(cluster)))
	// What is deleted leaves its traces everywhere.
	gone := mkdir(t, dir+"/gone")
	for i := range 200 {
		write(t, fmt.Sprintf("%s/DELETEDMARK secret name %03d", gone, i), secret(100+i*40))
	}
	for i := range 60 { // the index keeps its blocks
		write(t, fmt.Sprintf("%s/DELETEDM stays %03d", gone, i*i), nil)
	}
	for i := range 200 {
		if err := os.Remove(fmt.Sprintf("%s/DELETEDMARK secret name %03d", gone, i)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, d+"/shrunk", secret(60000))
	if err := os.Truncate(d+"/shrunk", 5); err != nil {
		t.Fatal(err)
	}
	write(t, d+"/shrunk-resident", secret(400))
	if err := os.Truncate(d+"/shrunk-resident", 5); err != nil {
		t.Fatal(err)
	}
}

// TestEditor changes files in every way, scrubs, and lets ntfs-3g and others
// judge: what was not touched is the same, what was is gone from every byte,
// and the volume can be used.
func TestEditor(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			img := mkntfs(t, 96<<20, v.args...)
			dir, umount := mount(t, img, "rw,compression")
			populate(t, dir, 300, v.cluster)
			fragment(t, dir+"/fragmented.bin", min(3000, 40<<20/v.cluster), v.cluster)
			plantSecrets(t, dir, v.cluster)
			streams := []string{"streams.txt:Zone.Identifier", "streams.txt:big", "Names:on a directory"}
			want := hashes(t, dir, streams...)
			umount()
			if n := marks(t, img, "SECRETMARK"); n < 1000 || marks(t, img, "DELETEDMARK") < 200 {
				t.Fatalf("%d marks; this tests nothing", n)
			}

			before := fsntfs(t, img)
			e, done := edit(t, img)
			x := editAll(t, e, v.cluster)
			rep, err := e.Scrub()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("scrubbed %d bytes, left %q", rep.Zeroed, rep.Left)
			done()
			for _, m := range []string{"SECRETMARK", "DELETEDMARK"} {
				if n := marks(t, img, m); n > 0 {
					t.Errorf("%d times %s is left at %v", n, m, where(t, img, m))
				}
			}
			judge(t, img)
			if err := fsntfs(t, img); err != nil && before == nil {
				t.Error(err)
			}
			t.Logf("fsntfsinfo judges: %v", before == nil)
			for name, b := range x {
				want[name] = sum(b)
			}
			dir, umount = mount(t, img, "ro")
			same(t, want, hashes(t, dir, append(streams, "secret/host:resident", "secret/host:plain", "secret:stream")...))
			clean := openImage(t, img)
			compare(t, clean, dir)
			checkAccounts(t, clean, img)
			umount()
			use(t, img, want)
		})
	}
}

// editAll does every edit and returns what the files then are.
func editAll(t *testing.T, e *Editor, cluster int64) map[string][]byte {
	t.Helper()
	want := map[string][]byte{"secret/host:resident": {}, "secret/host:plain": {}, "secret:stream": {}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	blank := []string{"secret/resident", "secret/plain", "secret/fragments", "secret/linked"}
	if cluster <= 4096 {
		blank = append(blank, "secret/packed/blank", "secret/packed/many records")
		n := find(t, e, "secret/packed/many records")
		if in, err := e.inode(n); err != nil || len(in.pieces(in.first(typeData, ""))) < 2 {
			t.Logf("many records: %v; this tests less than it could", err)
		}
		must(e.BlankStream(find(t, e, "secret/packed"), "many records"))
	}
	for _, p := range blank {
		n := find(t, e, p)
		must(e.Blank(n))
		must(e.Blank(n))
		want[p] = nil
	}
	want["Names/other name"] = nil
	must(e.BlankStream(find(t, e, "secret/host"), "RESIDENT"))
	must(e.BlankStream(find(t, e, "secret/host"), "plain"))
	must(e.BlankStream(find(t, e, "secret"), "stream"))
	replaceAll(t, e, want)

	for p, off := range map[string]int64{"secret/overwrite": 12, "secret/overwrite-resident": 5} {
		n := find(t, e, p)
		b := content(t, e, p)
		for i := range b[off:] {
			b[off+int64(i)] = 'x'
		}
		copy(b, "a new start 0123456789"[:off])
		must(e.Overwrite(n, 0, b[:off]))
		must(e.Overwrite(n, off, b[off:]))
		want[p] = b
		if err := e.Overwrite(n, int64(len(b))-1, []byte("12")); !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("Overwrite past the end: %v", err)
		}
	}
	n := find(t, e, "secret/clear")
	must(e.Clear(n, 0, 70000))
	want["secret/clear"] = make([]byte, 70000)
	if cluster <= 4096 {
		b := content(t, e, "secret/packed/overwrite")
		copy(b[300000:], bytes.Repeat([]byte("#"), 100000))
		must(e.Overwrite(find(t, e, "secret/packed/overwrite"), 300000, b[300000:]))
		want["secret/packed/overwrite"] = b
		b = content(t, e, "secret/packed/clear")
		clear(b[299990:])
		must(e.Clear(find(t, e, "secret/packed/clear"), 299990, 100010))
		want["secret/packed/clear"] = b
	}
	for p, b := range want {
		if !strings.Contains(p, ":") && !bytes.Equal(content(t, e, p), b) {
			t.Errorf("%s is not what was written", p)
		}
	}
	entrySizes(t, e, want)
	if err := e.Remove(find(t, e, "secret"), "plain"); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("Remove: %v", err)
	}
	if err := e.Blank(find(t, e, "secret")); !errors.Is(err, fsys.ErrNotFile) {
		t.Errorf("Blank of a directory: %v", err)
	}
	_, err := e.Commit()
	must(err)
	for _, p := range []string{"pagefile.sys", "swapfile.sys", "hiberfil.sys"} {
		want[p] = make([]byte, 208192)
	}
	return want
}

// entrySizes compares the sizes in directory entries with those of the files.
func entrySizes(t *testing.T, e *Editor, want map[string][]byte) {
	t.Helper()
	for p, b := range want {
		if strings.Contains(p, ":") {
			continue
		}
		dir := e.Root()
		if i := strings.LastIndex(p, "/"); i >= 0 {
			dir = find(t, e, p[:i])
		}
		in, err := e.inode(dir)
		if err != nil {
			t.Fatal(err)
		}
		x, err := in.indexOf("$I30")
		if err != nil {
			t.Fatal(err)
		}
		err = x.each(func(v *entry) error {
			out, ok, _ := nameOf(v)
			if size := int64(le.Uint64(v.key()[0x30:])); ok && out.Name == filepath.Base(p) && size != int64(len(b)) {
				t.Errorf("the entry of %s says %d bytes, the file has %d", p, size, len(b))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func replaceAll(t *testing.T, e *Editor, want map[string][]byte) {
	t.Helper()
	for p, size := range map[string]int{"secret/replace": 50001, "secret/replace-resident": 200} {
		n := find(t, e, p)
		room, err := e.Room(n)
		if err != nil || room < int64(size) {
			t.Fatalf("Room(%s) = %d, %v", p, room, err)
		}
		if err := e.Replace(n, noise(1, int(room)+1)); !errors.Is(err, fsys.ErrNoRoom) {
			t.Errorf("Replace with too much: %v", err)
		}
		for _, k := range []int{int(room), size / 2} {
			b := bytes.Repeat([]byte("new "), k/4+1)[:k]
			if err := e.Replace(n, b); err != nil {
				t.Fatal(err)
			}
			if m, err := e.Stat(n); err != nil || m.Size != int64(k) || !bytes.Equal(content(t, e, p), b) {
				t.Errorf("%s: %+v, %v", p, m, err)
			}
			want[p] = b
		}
	}
	for _, p := range []string{"fragmented.bin", "packed/text-300000.txt"} {
		if _, err := e.Room(find(t, e, p)); p == "fragmented.bin" && !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("Room(%s): %v", p, err)
		}
	}
}

func sum(b []byte) [32]byte { return sha256.Sum256(b) }

func same(t *testing.T, want, got map[string][32]byte) {
	t.Helper()
	for name, sum := range want {
		if g, ok := got[name]; !ok || g != sum {
			t.Errorf("%s: there %v, other content %v", name, ok, g != sum)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func where(t testing.TB, img, mark string) (out []int) {
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; len(out) < 5; {
		i := bytes.Index(b[at:], []byte(mark))
		if j := bytes.Index(b[at:], utf16le(mark)); i < 0 || j >= 0 && j < i {
			i = j
		}
		if i < 0 {
			break
		}
		out = append(out, at+i)
		at += i + 1
	}
	return out
}

// use works with the cleaned volume as a guest would.
func use(t *testing.T, img string, want map[string][32]byte) {
	t.Helper()
	dir, umount := mount(t, img, "rw,compression")
	for _, p := range []string{"secret/resident", "secret/plain", "secret/fragments", "secret/packed/blank", "secret/packed/many records", "secret/packed/clear", "secret/replace"} {
		f, err := os.OpenFile(dir+"/"+p, os.O_WRONLY|os.O_APPEND, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(pattern(77, 30000)); err != nil {
			t.Fatalf("append to %s: %v", p, err)
		}
		f.Close()
		b, err := os.ReadFile(dir + "/" + p)
		if err != nil || !bytes.HasSuffix(b, pattern(77, 30000)) {
			t.Errorf("%s after an append: %d bytes, %v", p, len(b), err)
		}
	}
	for i := range 300 {
		write(t, fmt.Sprintf("%s/gone/new %d", dir, i), noise(uint64(i), i*37))
		write(t, fmt.Sprintf("%s/many/new entry %d", dir, i), nil)
	}
	if err := os.RemoveAll(dir + "/secret"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir + "/many"); err != nil {
		t.Fatal(err)
	}
	umount()
	judge(t, img)
	dir, _ = mount(t, img, "ro")
	for name, sum := range hashes(t, dir) {
		if w, ok := want[name]; ok && w != sum && name != "Names/other name" {
			t.Errorf("%s changed", name)
		}
	}
	compare(t, openImage(t, img), dir)
}
