package lz4

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/need"
)

func text(n int) []byte {
	b := make([]byte, n)
	x := uint32(7)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = "abcdefgh =\npasswd"[x>>24%16]
		if i > 100 && x>>28 < 8 {
			b[i] = b[i-97]
		}
	}
	return b
}

func pack(t testing.TB, b []byte, args string) []byte {
	in := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(in, b, 0o644); err != nil {
		t.Fatal(err)
	}
	need.Tool(t, "lz4")
	need.Run(t, "sh", "-ec", "lz4 -q -c "+args+" < "+in+" > "+in+".out")
	out, err := os.ReadFile(in + ".out")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAgainstLZ4(t *testing.T) {
	random := make([]byte, 300_000)
	x := uint32(1)
	for i := range random {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 23)
	}
	for name, in := range map[string][]byte{"empty": {}, "one": {'x'}, "text": text(1_000_000), "zeros": make([]byte, 9_000_000), "random": random} {
		for _, args := range []string{"", "-9", "-B4 -BD", "-B5 -BX", "-B7 -BD --content-size", "--no-frame-crc", "-l"} {
			if name == "empty" && args == "-l" {
				continue
			}
			p := pack(t, in, args)
			r := bufio.NewReader(bytes.NewReader(append(append(p, p...), "tail"...)))
			out, err := io.ReadAll(NewReader(r))
			if err != nil || !bytes.Equal(out, append(in[:len(in):len(in)], in...)) {
				t.Errorf("%s %s: %d bytes of 2x %d, %v", name, args, len(out), len(in), err)
			}
			if rest, _ := io.ReadAll(r); string(rest) != "tail" {
				t.Errorf("%s %s: left %q", name, args, rest)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(pack(f, text(2000), "-B4 -BD -BX"))
	f.Add(pack(f, text(2000), "-l"))
	f.Fuzz(func(t *testing.T, b []byte) {
		z := NewReader(bufio.NewReader(bytes.NewReader(b)))
		_, _ = io.Copy(io.Discard, io.LimitReader(z, 32<<20))
		if cap(z.in)+cap(z.out) > Memory*3/2 {
			t.Errorf("%d bytes", cap(z.in)+cap(z.out))
		}
	})
}
