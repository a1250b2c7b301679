package text

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"assay/internal/report/reporttest"
)

type plain struct{}

func (plain) Bold(s string) string    { return s }
func (plain) Dim(s string) string     { return s }
func (plain) Red(s string) string     { return s }
func (plain) BoldRed(s string) string { return s }
func (plain) Yellow(s string) string  { return s }
func (plain) Green(s string) string   { return s }
func (plain) Cyan(s string) string    { return s }

// TestGolden compares with testdata; UPDATE_GOLDEN=1 rewrites it: read the
// change before you commit it.
func TestGolden(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		var b bytes.Buffer
		if err := reporttest.Feed(New(&b, Options{Lang: lang, Style: plain{}, Width: 80})); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("testdata", "all."+lang+".txt")
		if os.Getenv("UPDATE_GOLDEN") == "1" {
			if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s differs:\n%s", name, b.String())
		}
		for _, r := range b.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %U reaches the terminal", lang, r)
			}
		}
	}
}

func TestQuoteArg(t *testing.T) {
	for in, want := range map[string]string{"a.img": "a.img", "a b": "'a b'", "$(rm)": "'$(rm)'", "it's": `'it'\''s'`, "": "''"} {
		if got := quoteArg(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if strings.Contains(quoteArg("\x1b"), "\x1b") {
		t.Error("an escape character in a command to copy")
	}
}
