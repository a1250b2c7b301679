package xz

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/need"
)

func all(int64) bool { return true }

// text is data with matches near and far.
func text(n int) []byte {
	b := make([]byte, n)
	x := uint32(7)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = "abcdefgh =\npasswd"[x>>24%16]
		switch {
		case i > 100 && x>>28 < 8:
			b[i] = b[i-97]
		case i > 300_000 && i%100_000 < 5000:
			b[i] = b[i-300_000]
		}
	}
	return b
}

func pack(t testing.TB, b []byte, args string) []byte {
	dir := t.TempDir()
	in := filepath.Join(dir, "f")
	if err := os.WriteFile(in, b, 0o644); err != nil {
		t.Fatal(err)
	}
	need.Tool(t, "xz")
	need.Run(t, "sh", "-ec", "xz -T1 -c "+args+" < "+in+" > "+in+".out")
	out, err := os.ReadFile(in + ".out")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAgainstXZ(t *testing.T) {
	random := make([]byte, 70_000)
	x := uint32(1)
	for i := range random {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 23)
	}
	inputs := map[string][]byte{"empty": {}, "one": {'x'}, "text": text(700_000), "zeros": make([]byte, 400_000), "random": random,
		"mixed": append(append(text(90_000), random...), text(100_000)...)}
	for name, in := range inputs {
		for _, args := range []string{"-0", "-6e", "--check=crc32", "--check=none", "--check=sha256", "--block-size=100000",
			"--lzma2=dict=4KiB", "--lzma2=preset=6,lc=0,lp=4,pb=0", "--format=lzma", "--format=lzma --lzma1=lc=1,lp=2,pb=3"} {
			p := pack(t, in, args)
			var r io.Reader = NewReader(bufio.NewReader(bytes.NewReader(p)), all)
			if p[0] != 0xfd {
				a, err := NewLZMA(bufio.NewReader(bytes.NewReader(p)), all)
				if err != nil {
					t.Errorf("%s %s: %v", name, args, err)
					continue
				}
				r = a
			}
			out, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(out, in) {
				t.Errorf("%s %s: %d bytes of %d, %v", name, args, len(out), len(in), err)
			}
		}
	}
}

func TestStreams(t *testing.T) {
	in := text(100_000)
	p := pack(t, in, "")
	two := append(append(append([]byte{}, p...), make([]byte, 8)...), p...)
	two = append(two, "tail"...)
	r := bufio.NewReader(bytes.NewReader(two))
	out, err := io.ReadAll(NewReader(r, all))
	if err != nil || !bytes.Equal(out, append(in[:len(in):len(in)], in...)) {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "tail" {
		t.Errorf("left %q", rest)
	}
}

// TestWindow holds the memory to what is granted: a match that reaches back
// further is an error, and before that all bytes are right.
func TestWindow(t *testing.T) {
	in := text(1_200_000)
	p := pack(t, in, "--lzma2=preset=6,dict=1MiB")
	for limit := int64(1 << 16); limit <= 1<<20; limit *= 2 {
		used := int64(0)
		r := NewReader(bufio.NewReader(bytes.NewReader(p)), func(n int64) bool {
			if used+n > limit {
				return false
			}
			used += n
			return true
		})
		out, err := io.ReadAll(r)
		if !bytes.HasPrefix(in, out) || r.Held() != used {
			t.Fatalf("limit %d: wrong bytes, or %d held of %d", limit, r.Held(), used)
		}
		if limit == 1<<20 && (err != nil || len(out) != len(in)) || limit <= 1<<18 && !errors.Is(err, ErrMemory) {
			t.Errorf("limit %d: %d bytes, %v", limit, len(out), err)
		}
	}
}

// TestDamage reads a file cut or changed at many places: no panic, an error or
// the right bytes.
func TestDamage(t *testing.T) {
	in := text(3_000)
	for _, args := range []string{"", "--format=lzma"} {
		p := pack(t, in, args)
		for i := range p {
			for _, cut := range []bool{true, false} {
				q := bytes.Clone(p)
				if q[i] ^= 1 << (i % 8); cut {
					q = q[:i]
				}
				var r io.Reader = NewReader(bufio.NewReader(bytes.NewReader(q)), all)
				if args != "" {
					a, err := NewLZMA(bufio.NewReader(bytes.NewReader(q)), all)
					if err != nil {
						continue
					}
					r = a
				}
				out, err := io.ReadAll(io.LimitReader(r, 1<<20))
				if args == "" && err == nil && !bytes.Equal(out, in) {
					t.Fatalf("%s: byte %d (cut %v): wrong bytes in silence", args, i, cut)
				}
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(pack(f, text(2000), ""))
	f.Add(pack(f, text(3000), "--check=none --block-size=1000"))
	f.Add(append(pack(f, []byte("abc"), ""), pack(f, nil, "")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		used := int64(0)
		take := func(n int64) bool { used += n; return used <= 1<<20 }
		_, _ = io.Copy(io.Discard, io.LimitReader(NewReader(bufio.NewReader(bytes.NewReader(b)), take), 4<<20))
	})
}

func FuzzLZMA(f *testing.F) {
	f.Add(pack(f, text(2000), "--format=lzma"))
	f.Add(pack(f, []byte("abc"), "--format=lzma"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := NewLZMA(bufio.NewReader(bytes.NewReader(b)), all)
		if err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(a, 4<<20))
		}
	})
}

func BenchmarkReader(b *testing.B) {
	in := text(8 << 20)
	p := pack(b, in, "")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := io.Copy(io.Discard, NewReader(bufio.NewReader(bytes.NewReader(p)), all)); err != nil {
			b.Fatal(err)
		}
	}
}
