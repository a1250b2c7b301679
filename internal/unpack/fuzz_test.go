package unpack

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// seeds are small containers of every kind, made by the tools that are here.
func seeds(f testing.TB) (out [][]byte) {
	dir := f.TempDir()
	in := filepath.Join(dir, "d")
	if err := os.Mkdir(in, 0o755); err != nil {
		f.Fatal(err)
	}
	_ = os.WriteFile(filepath.Join(in, "a.txt"), []byte("password=hunter2\n"), 0o644)
	_ = os.WriteFile(filepath.Join(in, "b.txt"), noise(700, 1), 0o644)
	for _, script := range []string{
		"tar -cf x d", "tar --format=pax -cf x d", "zip -q -r x.zip d; mv x.zip x", "zip -q -0 -fz -r x.zip d; mv x.zip x", "zip -q -P k -r x.zip d; mv x.zip x",
		"find d | cpio --quiet -o -H newc >x", "find d | cpio --quiet -o -H bin >x", "find d | cpio --quiet -o -H odc | gzip >x",
		"ar rc x d/a.txt d/b.txt", "gzip -c d/b.txt >x", "bzip2 -c d/b.txt >x", "xz -T1 -c d/b.txt >x", "lzma -c d/b.txt >x", "zstd -q -c d/b.txt >x", "lz4 -q -c d/b.txt >x",
		"tar -cf y d; zip -q -0 z.zip y; gzip -c z.zip >x",
		"sqlite3 x 'pragma page_size=512; create table t(a,b); insert into t values(1,\"secret\"); create table u(c); insert into u values(hex(zeroblob(900))); drop table t'",
	} {
		_ = os.Remove(filepath.Join(dir, "x"))
		sh(f, dir, script, "sh")
		out = append(out, read(f, filepath.Join(dir, "x")))
	}
	return out
}

// check holds every walk to its promises.
func check(t testing.TB, b []byte, lim Limits) {
	start := time.Now()
	var total int64
	gaps, err := Walk(context.Background(), "f", bytes.NewReader(b), int64(len(b)), lim, func(p Part) error {
		n, err := io.Copy(io.Discard, p.Reader)
		if err != nil {
			t.Errorf("%s: %v", p.Path, err)
		}
		total += n
		if !strings.HasPrefix(p.Path, "f") || p.Base < 0 || p.Size < -1 {
			t.Errorf("%+v", p)
		}
		if p.At != nil && n != p.Size {
			t.Errorf("%s: %d bytes of %d", p.Path, n, p.Size)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if len(gaps) > maxGaps+1 {
		t.Errorf("%d gaps", len(gaps))
	}
	if total == 0 && len(gaps) == 0 && len(bytes.Trim(b, "\x00")) > 4096 {
		t.Errorf("silence over %d bytes", len(b))
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("%v", d)
	}
}

func FuzzWalk(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b, Limits{Floor: 1 << 20, Ratio: 100, Entries: 1000}) })
}

// TestDamage changes and cuts each seed at every place.
func TestDamage(t *testing.T) {
	for _, b := range seeds(t) {
		step := max(len(b)/300, 1)
		for i := 0; i < len(b); i += step {
			c := bytes.Clone(b)
			c[i] ^= 0xff
			check(t, c, Limits{Floor: 1 << 20})
			check(t, b[:i], Limits{Floor: 1 << 20})
		}
	}
}
