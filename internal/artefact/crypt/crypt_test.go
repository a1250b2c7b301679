package crypt

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/need"
)

var background = context.Background()

func mustParse(t *testing.T, s string) Hash {
	t.Helper()
	h, ok := Parse(s)
	if !ok {
		t.Fatalf("%q is not recognised", s)
	}
	return h
}

// TestSpecifications holds the vectors printed in the specifications.
func TestSpecifications(t *testing.T) {
	for _, c := range []struct{ password, text string }{
		// Drepper, SHA-crypt.txt
		{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
	} {
		if ok, err := mustParse(t, c.text).Verify(background, []byte(c.password)); !ok || err != nil {
			t.Errorf("%s: %v, %v", c.text, ok, err)
		}
	}
}

func TestSM3Digest(t *testing.T) {
	for in, want := range map[string]string{ // GB/T 32905-2016, appendix A
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		h := newSM3()
		h.Write([]byte(in))
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			t.Errorf("SM3(%q) = %s", in, got)
		}
	}
}

func TestSM3AgainstOpenSSL(t *testing.T) {
	need.Tool(t, "openssl")
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 119, 128, 1000} {
		in := bytes.Repeat([]byte("x7"), n)[:n]
		c := exec.Command("openssl", "dgst", "-sm3", "-r")
		c.Stdin = bytes.NewReader(in)
		out, err := c.Output()
		need.That(t, err == nil, "this openssl has no SM3")
		h := newSM3()
		h.Write(in[:n/3])
		h.Write(in[n/3:])
		if got := hex.EncodeToString(h.Sum(nil)); !strings.HasPrefix(string(out), got) {
			t.Errorf("%d bytes: %s, openssl says %s", n, got, out)
		}
	}
}

// TestAgainstLibxcrypt asks the system's crypt(3), through perl, for what our
// own computation must reproduce.
func TestAgainstLibxcrypt(t *testing.T) {
	need.Tool(t, "perl")
	passwords := []string{"", "a", "password", "P@ssw0rd", "密码", strings.Repeat("long", 20), strings.Repeat("x", 64)}
	settings := []string{"ab", "./", "zZ", "$1$saltsalt$", "$1$x$", "$5$saltstring$", "$5$rounds=1000$0123456789abcdef$",
		"$6$saltstring$", "$6$rounds=1001$s$", "$2b$04$UBVLHeMpJ/QQCv3XqJx8zO", "$2a$04$UBVLHeMpJ/QQCv3XqJx8zO", "$2y$04$UBVLHeMpJ/QQCv3XqJx8zO",
		"$y$j75$UBVLHeMpJ/QQCv3X$", "$y$j9T$UBVLHeMpJ/QQCv3XqJx8z0$", "$7$8A..../....UBVLHeMp$"}
	for _, s := range settings {
		for i, p := range passwords {
			if strings.HasPrefix(s, "$y$j9T") && i > 2 {
				continue // 16 MiB each: slow
			}
			out, err := exec.Command("perl", "-e", `print crypt($ARGV[0], $ARGV[1])`, "--", p, s).Output()
			if err != nil || strings.HasPrefix(string(out), "*") {
				t.Fatalf("crypt(%q, %q) = %q, %v", p, s, out, err)
			}
			h, ok := Parse(string(out))
			if !ok {
				t.Errorf("%q is not recognised", out)
				continue
			}
			if ok, err := h.Verify(background, []byte(p)); !ok || err != nil {
				t.Errorf("%q is not the password of %s: %v", p, out, err)
			}
			if ok, _ := h.Verify(background, []byte("-"+p)); ok {
				t.Errorf("%q fits %s", "-"+p, out)
			}
			found := 0
			Find([]byte(`x="`+string(out)+`",`), func(off int, f Hash) bool {
				found++
				if off != 3 || f != h {
					t.Errorf("Find gives %q at %d for %q", f.Text(), off, out)
				}
				return true
			})
			if want := 1; found != want && h.Scheme != DES {
				t.Errorf("Find sees %d in %q", found, out)
			}
		}
	}
}

// TestRecognisesWhatItCannotCompute uses the system's crypt(3) for the schemes
// that Verify refuses.
func TestRecognisesWhatItCannotCompute(t *testing.T) {
	need.Tool(t, "perl")
	for s, want := range map[string]Scheme{"$gy$j75$UBVLHeMpJ/QQCv3X$": GostYescrypt, "$sha1$10$ggu.H673kaZ5$": SHA1,
		"$md5,rounds=1000$BPm.fm03$": SunMD5, "$md5$BPm.fm03$x": SunMD5, "$3$": NT, "_J9..rasm": BSDi} {
		out, err := exec.Command("perl", "-e", `print crypt("pass", $ARGV[0])`, s).Output()
		need.That(t, err == nil && !strings.HasPrefix(string(out), "*"), "this libcrypt has no %s", want)
		h := mustParse(t, string(out))
		if h.Scheme != want || h.Computable() {
			t.Errorf("%s: %v, computable %v", out, h.Scheme, h.Computable())
		}
		var unsupported *binread.UnsupportedError
		if _, err := h.Verify(background, nil); !errors.As(err, &unsupported) {
			t.Errorf("%s: %v", out, err)
		}
	}
}

func TestSM3Crypt(t *testing.T) {
	// libxcrypt's sm3crypt is sha256crypt over SM3, lib/crypt-sm3.c; the
	// system's library is too old to ask, so only the way back is tested.
	text := "$sm3$rounds=1000$saltsalt$" + strings.Repeat(".", 43)
	sum, err := shaCrypt(background, newSM3, []byte("secret"), []byte("saltsalt"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	h := mustParse(t, strings.Replace(text, strings.Repeat(".", 43), encode32(sum), 1))
	if ok, err := h.Verify(background, []byte("secret")); !ok || err != nil || h.Scheme != SM3 {
		t.Fatal(ok, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "*", "!", "!!", "x", "*LK*", "NP", "$6$", "$6$salt", "$6$salt$short", "$1$toolongsalt$aaaaaaaaaaaaaaaaaaaaaa",
		"$2b$99$UBVLHeMpJ/QQCv3XqJx8zO", "$y$j9T$abc$def", "uninitialized", "$9$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		if h, ok := Parse(s); ok && s != "uninitialized" { // thirteen letters are a valid DES string
			t.Errorf("%q parses as %v", s, h)
		}
	}
}

func TestDearHashIsPricedNotComputed(t *testing.T) {
	for _, s := range []string{"$6$rounds=999999999$s$" + strings.Repeat("a", 86), "$2b$31$" + strings.Repeat("a", 53),
		"$y$jET$s$" + strings.Repeat("a", 43), "$7$zzzzzzzzzzzs$" + strings.Repeat("a", 43), "$y$jzz$s$" + strings.Repeat("a", 43)} {
		if h := mustParse(t, s); h.Cost() < time.Minute && h.Computable() {
			t.Errorf("%s costs %v", s, h.Cost())
		}
	}
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := mustParse(t, "$6$rounds=999999999$s$"+strings.Repeat("a", 86)).Verify(ctx, []byte("x"))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Fatalf("%v after %v", err, time.Since(start))
	}
}

// TestCostIsHonest: the estimate must not be far below what is really spent.
func TestCostIsHonest(t *testing.T) {
	for _, s := range []string{strings.Repeat("a", 13), "$1$s$" + strings.Repeat("a", 22), "$5$s$" + strings.Repeat("a", 43),
		"$6$s$" + strings.Repeat("a", 86), "$sm3$s$" + strings.Repeat("a", 43), "$2b$08$" + strings.Repeat("a", 53), "$y$j9T$salt$" + strings.Repeat("a", 43)} {
		h := mustParse(t, s)
		start := need.CPU()
		if _, err := h.Verify(background, []byte("P@ssw0rd123")); err != nil {
			t.Fatal(err)
		}
		if took := need.CPU() - start; took > 10*h.Cost() {
			t.Errorf("%v took %v, priced %v", h, took, h.Cost())
		} else {
			t.Logf("%v took %v, priced %v", h, took, h.Cost())
		}
	}
}

func TestHashDoesNotPrintItself(t *testing.T) {
	s := "$1$s$" + strings.Repeat("a", 22)
	if got := fmt.Sprintf("%v %s", mustParse(t, s), mustParse(t, s)); strings.Contains(got, "aaa") {
		t.Fatal(got)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("root:$6$rounds=1000$salt$" + strings.Repeat("a", 86) + ":1::"))
	f.Add([]byte("$2b$10$" + strings.Repeat("a", 53) + "$y$j9T$s$" + strings.Repeat(".", 43)))
	f.Add([]byte("$7$CU..../....s$" + strings.Repeat("a", 43)))
	f.Fuzz(func(t *testing.T, b []byte) {
		last := 0
		Find(b, func(off int, h Hash) bool {
			if off < last || !bytes.HasPrefix(b[off:], []byte(h.Text())) {
				t.Fatalf("hit at %d after %d", off, last)
			}
			last = off + len(h.Text())
			again, ok := Parse(h.Text())
			if !ok || again != h || h.Cost() <= 0 {
				t.Fatalf("%q: %v, cost %v", h.Text(), again, h.Cost())
			}
			return true
		})
	})
}

func FuzzVerify(f *testing.F) {
	for _, s := range []string{"abxxB7HlIeckU", "$1$s$" + strings.Repeat("a", 22), "$5$rounds=1000$s$" + strings.Repeat("a", 43),
		"$y$j75$s$" + strings.Repeat("a", 43), "$2b$04$" + strings.Repeat("a", 53), "$7$8A..../....s$" + strings.Repeat("a", 43)} {
		f.Add(s, []byte("password"))
	}
	f.Fuzz(func(t *testing.T, s string, password []byte) {
		h, ok := Parse(s)
		if !ok || !h.Computable() || h.Cost() > 20*time.Millisecond {
			return
		}
		if _, err := h.Verify(background, password); err != nil {
			var unsupported *binread.UnsupportedError
			if errors.As(err, &unsupported) {
				t.Fatal(err)
			}
		}
	})
}
