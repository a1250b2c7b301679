package unpack

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"assay/internal/need"
)

// quick walks and fails when that takes long or gives much.
func quick(t *testing.T, name string, b []byte, most int64) []Gap {
	t.Helper()
	start, total := need.CPU(), int64(0)
	gaps, err := Walk(context.Background(), name, bytes.NewReader(b), int64(len(b)), Limits{}, func(p Part) error {
		n, err := io.Copy(io.Discard, p.Reader)
		total += n
		return err
	})
	if d := need.CPU() - start; err != nil || d > 15*time.Second || total > most {
		t.Errorf("%s: %v, %d bytes in %v", name, err, total, d)
	}
	return gaps
}

func limited(gaps []Gap) bool {
	for _, g := range gaps {
		if g.Kind == Limit {
			return true
		}
	}
	return false
}

func zeroGzip(n int64) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, 9)
	_, _ = io.CopyN(z, zeroReader{}, n)
	_ = z.Close()
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func zipOf(names []string, body []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		w, _ := z.Create(n)
		_, _ = w.Write(body)
	}
	_ = z.Close()
	return b.Bytes()
}

func TestBombs(t *testing.T) {
	bomb := zeroGzip(120 << 20)
	if g := quick(t, "zeros.gz", bomb, 100<<20); !limited(g) {
		t.Errorf("zeros.gz: %v", g)
	}
	dir := t.TempDir()
	sh(t, dir, "head -c 100M /dev/zero | bzip2 >b; head -c 100M /dev/zero | xz -T1 -1 >x; head -c 100M /dev/zero | zstd -q -c >z; truncate -s 20G s; tar -S -cf t s; head -c 1000 /dev/urandom >e; tar --format=pax -S -cf p s e", "bzip2", "xz", "zstd", "tar")
	for _, n := range []string{"b", "x", "z", "t", "p"} {
		if g := quick(t, n, read(t, filepath.Join(dir, n)), 100<<20); !limited(g) {
			t.Errorf("%s: %v", n, g)
		}
	}
	// 42.zip: archives of archives, 16 each
	names := strings.Fields("a b c d e f g h i j k l m n o p")
	b := zipOf(names, bomb[:len(bomb):len(bomb)])
	for range 4 {
		b = zipOf(names, b)
		if len(b) > 4<<20 {
			break
		}
	}
	if g := quick(t, "42.zip", b, 17<<30); !limited(g) {
		t.Errorf("42.zip: %v", g)
	}
	deep := []byte("x")
	for range 50 {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write(deep)
		_ = w.Close()
		deep = z.Bytes()
	}
	if g := quick(t, "deep", deep, 1<<20); len(g) != 1 || !limited(g) {
		t.Errorf("deep: %v", g)
	}
}

// TestOverlap reads an archive whose 1,000 entries are the same bytes, as in
// "A better zip bomb" by David Fifield.
func TestOverlap(t *testing.T) {
	one := zipOf([]string{"a"}, make([]byte, 1<<20))
	dir := binary.LittleEndian.Uint32(one[len(one)-6:])
	rec := one[dir : len(one)-endLen]
	b := bytes.Clone(one[:dir])
	for range 1000 {
		b = append(b, rec...)
	}
	end := bytes.Clone(one[len(one)-endLen:])
	binary.LittleEndian.PutUint16(end[8:], 1000)
	binary.LittleEndian.PutUint16(end[10:], 1000)
	binary.LittleEndian.PutUint32(end[12:], uint32(1000*len(rec)))
	g := quick(t, "zbsm", append(b, end...), 1<<20)
	if len(g) != 1 || !strings.Contains(g[0].Detail, "999 entries refused") {
		t.Error(g)
	}
}

func TestZipLies(t *testing.T) {
	files := map[string][]byte{"a": noise(3000, 1), "b": noise(3000, 2), "c": noise(3000, 3)}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, n := range []string{"a", "b", "c"} {
		w, _ := z.Create(n)
		_, _ = w.Write(files[n])
	}
	_ = z.SetComment("comment-secret")
	_ = z.Close()
	whole := buf.Bytes()
	g := walk(t, "z", whole, Limits{})
	if string(g.data["raw z"])+string(g.data["file z"]) != "comment-secret" || len(g.parts) != 4 {
		t.Errorf("comment: %v", g.parts)
	}
	script := append([]byte("#!/bin/sh\nTOKEN=prefix-secret\n"), zipOf([]string{"a"}, files["a"])...)
	g = walk(t, "z", script, Limits{})
	if !bytes.Contains(g.data["raw z"], []byte("prefix-secret")) || g.parts["file z!/a"] != digest(files["a"]) || len(g.gaps) > 0 {
		t.Errorf("prefix: %v %v", g.parts, g.gaps)
	}
	// the directory forgets b
	at := bytes.Index(whole, []byte("PK\x01\x02"))
	recs := bytes.Split(whole[at:], []byte("PK\x01\x02"))[1:]
	hidden := append(bytes.Clone(whole[:at]), "PK\x01\x02"+string(recs[0])+"PK\x01\x02"+string(recs[2])...)
	end := hidden[bytes.LastIndex(hidden, []byte("PK\x05\x06")):]
	binary.LittleEndian.PutUint16(end[10:], 2)
	binary.LittleEndian.PutUint32(end[12:], binary.LittleEndian.Uint32(end[12:])-uint32(4+len(recs[1])))
	g = walk(t, "z", hidden, Limits{})
	for n, b := range files {
		if g.parts["file z!/"+n] != digest(b) {
			t.Errorf("hidden: no %s: %v %v", n, g.parts, g.gaps)
		}
	}
	g = walk(t, "z", whole[:at+50], Limits{}) // cut in the directory
	for n, b := range files {
		if g.parts["file z!/"+n] != digest(b) || len(g.gaps) != 1 {
			t.Errorf("cut: no %s: %v %v", n, g.parts, g.gaps)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), files["a"], 0o644); err != nil {
		t.Fatal(err)
	}
	sh(t, dir, "zip -q -P key e.zip a; echo plain >p; zip -q e.zip p", "zip")
	g = walk(t, "z", read(t, filepath.Join(dir, "e.zip")), Limits{})
	if len(g.gaps) != 1 || g.gaps[0].Kind != Encrypted || string(g.data["file z!/p"]) != "plain\n" {
		t.Errorf("encrypted: %v %v", g.parts, g.gaps)
	}
	// as a stream, too long to be held
	buf.Reset()
	z = zip.NewWriter(&buf)
	random := noise(12<<20, 9)
	w, _ := z.Create("big")
	_, _ = w.Write(random)
	w, _ = z.CreateHeader(&zip.FileHeader{Name: "last", Method: zip.Deflate})
	_, _ = w.Write(files["a"])
	_ = z.Close()
	var gz bytes.Buffer
	gw, _ := gzip.NewWriterLevel(&gz, 1)
	_, _ = gw.Write(buf.Bytes())
	_ = gw.Close()
	g = walk(t, "s", gz.Bytes(), Limits{Memory: 8 << 20})
	if g.parts["file s!/big"] != digest(random) || g.parts["file s!/last"] != digest(files["a"]) || len(g.gaps) > 0 {
		t.Errorf("stream: %v %v", g.parts, g.gaps)
	}
}

func TestNames(t *testing.T) {
	name := "../..//etc/\x00\x1b[31m" + strings.Repeat("n", 5000)
	g := walk(t, "z", zipOf([]string{name}, []byte("x")), Limits{})
	if g.parts["file z!/"+name[:maxName]+"…"] == "" {
		t.Errorf("%v", g.parts)
	}
}

func TestEnds(t *testing.T) {
	b := zipOf([]string{"a", "b", "c"}, []byte("body"))
	stop, n := errors.New("stop"), 0
	_, err := Walk(context.Background(), "z", bytes.NewReader(b), int64(len(b)), Limits{}, func(Part) error { n++; return stop })
	if err != stop || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	big := zeroGzip(50 << 20)
	_, err = Walk(ctx, "z", bytes.NewReader(big), int64(len(big)), Limits{}, func(p Part) error {
		cancel()
		_, err := io.Copy(io.Discard, p.Reader)
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	g, err := Walk(context.Background(), "z", bytes.NewReader(b), int64(len(b)), Limits{Entries: 2}, func(Part) error { return nil })
	if err != nil || !limited(g) {
		t.Errorf("%v %v", g, err)
	}
	for magic, kind := range map[string]GapKind{"7z\xbc\xaf\x27\x1c": Unsupported, "hsqs": Unsupported, "Rar!\x1a\x07\x01\x00": Unsupported} {
		g := walk(t, "u", []byte(magic+strings.Repeat("x", 600)), Limits{})
		if len(g.gaps) != 1 || g.gaps[0].Kind != kind || len(g.parts) != 1 {
			t.Errorf("%q: %v", magic, g)
		}
	}
}

// TestMemory walks what asks for large windows, and watches the heap.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), noise(44<<20, 5), 0o644); err != nil {
		t.Fatal(err)
	}
	sh(t, dir, "zstd -q -1 --long=27 -c f >z; xz -T1 -0 --lzma2=preset=0,dict=64MiB -c f >x; gzip -1 -c x >y", "zstd", "xz")
	for _, n := range []string{"x", "y", "z"} {
		b := read(t, filepath.Join(dir, n))
		runtime.GC()
		var base, now runtime.MemStats
		runtime.ReadMemStats(&base)
		most := uint64(0)
		gaps, err := Walk(context.Background(), n, bytes.NewReader(b), int64(len(b)), Limits{}, func(p Part) error {
			buf, total := make([]byte, 1<<20), int64(0)
			for {
				k, err := p.Reader.Read(buf)
				if total += int64(k); total>>22 != (total-int64(k))>>22 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					most = max(most, now.HeapAlloc-min(base.HeapAlloc, now.HeapAlloc))
				}
				if err != nil {
					return nil
				}
			}
		})
		t.Logf("%s: %.1f MiB at most; %v %v", n, float64(most)/(1<<20), gaps, err)
		if most > 40<<20 || err != nil {
			t.Errorf("%s: %d bytes of heap, %v", n, most, err)
		}
	}
}

func BenchmarkSniff(b *testing.B) {
	for name, head := range map[string][]byte{"text": noise(512, 1), "elf": append([]byte("\x7fELF"), noise(508, 1)...), "octal": bytes.Repeat([]byte("0707"), 128)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Sniff(head)
			}
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	in := noise(16<<20, 1)
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), in, 0o644); err != nil {
		b.Fatal(err)
	}
	for _, c := range []string{"cat f", "gzip -c f", "zstd -q -c f", "xz -T1 -1 -c f", "bzip2 -c f", "lz4 -q -c f", "tar -cf - f"} {
		sh(b, dir, c+" >out")
		p := read(b, filepath.Join(dir, "out"))
		b.Run(strings.Fields(c)[0], func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				_, err := Walk(context.Background(), "f", bytes.NewReader(p), int64(len(p)), Limits{}, func(p Part) error {
					_, err := io.Copy(io.Discard, p.Reader)
					return err
				})
				if err != nil {
					b.Fatal(fmt.Errorf("%s: %w", c, err))
				}
			}
		})
	}
}
