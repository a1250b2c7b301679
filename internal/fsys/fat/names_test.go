package fat

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// TestNames checks the rules that mtools does not show.
func TestNames(t *testing.T) {
	for raw, want := range map[string]string{
		"README  TXT\x00": "README.TXT", "README  TXT\x08": "readme.TXT", "README  TXT\x10": "README.txt", "README  TXT\x18": "readme.txt",
		"\x05BC     D  \x00": "σBC.D", "\x80\x81      \x9a  \x00": "Çü.Ü", "NOEXT      \x00": "NOEXT", "A B     C D\x00": "A B.C D",
	} {
		if got := shortName([]byte(raw[:11] + " " + raw[11:])); got != want {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	}
	if n := len([]rune(cp437)); n != 128 {
		t.Errorf("the code page has %d characters", n)
	}
}

// TestLongNames damages the entries of a long name: then the short one counts.
func TestLongNames(t *testing.T) {
	image := mkfs(t, 16*mib, "-F", "16")
	p := filepath.Join(t.TempDir(), "a rather long name for a file.txt")
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mtool(t, image, "mcopy", p, "::")
	good, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	_, nodes := reopen(t, good)
	at, ok := nodes[filepath.Base(p)]
	if !ok {
		t.Fatal(nodes)
	}
	for name, c := range map[string]struct {
		damage func(img []byte)
		want   string
	}{
		"checksum":  {func(img []byte) { img[at-32+13] ^= 1 }, "ARATHE~1.TXT"},
		"order":     {func(img []byte) { img[at-64] = 3 }, "ARATHE~1.TXT"},
		"too many":  {func(img []byte) { img[at-96] = 0x7f }, "ARATHE~1.TXT"},
		"deleted":   {func(img []byte) { img[at-64] = 0xe5 }, "ARATHE~1.TXT"},
		"slash":     {func(img []byte) { img[at-32+1] = '/' }, "ARATHE~1.TXT"},
		"short":     {func(img []byte) { img[at] = 'B' }, "BRATHE~1.TXT"},
		"surrogate": {func(img []byte) { img[at-32+1], img[at-32+2] = 0, 0xd8 }, "\ufffd rather long name for a file.txt"},
	} {
		img := bytes.Clone(good)
		c.damage(img)
		if _, nodes := reopen(t, img); nodes[c.want] != at || len(nodes) != 1 {
			t.Errorf("%s: %v", name, nodes)
		}
	}
	img := bytes.Clone(good)
	img[at-32+13] ^= 1
	img[at+1] = '/'
	f, err := Open(bytes.NewReader(img), int64(len(img)))
	if err != nil {
		t.Fatal(err)
	}
	var fe *binread.FormatError
	if err := f.ReadDir(f.Root(), func(fsys.Entry) error { return nil }); !errors.As(err, &fe) || fe.Offset != int64(at) {
		t.Errorf("an impossible name gives %v", err)
	}
}

func TestStamp(t *testing.T) {
	for _, c := range []struct {
		date, clock uint16
		h           byte
		want        string
	}{
		{0, 0, 0, ""}, {1 << 5, 0, 0, ""}, {13<<5 | 1, 0, 0, ""},
		{0x21, 0, 0, "1980-01-01T00:00:00Z"}, {46<<9 | 11<<5 | 22, 17<<11 | 9<<5 | 3, 150, "2026-11-22T17:09:07.5Z"},
	} {
		got := stamp(c.date, c.clock, c.h)
		if s := got.Time().UTC().Format(time.RFC3339Nano); got != (fsys.Time{}) && s != c.want || got == (fsys.Time{}) && c.want != "" {
			t.Errorf("%#x %#x is %s, want %s", c.date, c.clock, s, c.want)
		}
	}
}
