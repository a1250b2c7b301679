package regf_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
)

// TestPassages wants each text with the bytes that it has in the data.
func TestPassages(t *testing.T) {
	root := &regftest.Key{}
	wide := append([]byte{1, 2, 3}, regf.UTF16("wide amid bytes")...) // at an odd place
	narrow := append([]byte{0, 0xff}, "narrow amid bytes\x00short"...)
	root.At("k").Set("text", "密码 hunter2").Set("list", []string{"one=1", "two"}).Set("number", 5).Set("wide", wide).Set("narrow", narrow)
	h, err := regf.Open(regftest.Build(root, regftest.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range h.Key("k").Values() {
		for _, p := range v.Passages() {
			from := max(strings.Index(p.Text, "hunter2"), 0)
			off, n := p.Span(from, len(p.Text))
			raw := []byte(p.Text[from:])
			if p.Wide {
				raw = regf.UTF16(p.Text[from:])
			}
			if !bytes.Equal(v.Data()[off:off+n], raw) {
				t.Errorf("%s: %q is not at %d", v.Name(), p.Text, off)
			}
			got = append(got, fmt.Sprintf("%s %d %q", v.Name(), off, p.Text[from:]))
		}
	}
	want := []string{`text 6 "hunter2"`, `list 0 "one=1"`, `list 12 "two"`, `wide 3 "wide amid bytes"`, `narrow 2 "narrow amid bytes"`}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestOverwriteValue changes bytes within one cell, inline, and across the
// segments of big data; hivex sees exactly these changed.
func TestOverwriteValue(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	root := &regftest.Key{}
	root.At("k").Set("big", big).Set("text", "secret").Set("inline", 5)
	b := regftest.Build(root, regftest.Options{})
	e, err := regf.Edit(b)
	if err != nil {
		t.Fatal(err)
	}
	mark := bytes.Repeat([]byte("x"), 20000)
	const at = 16340 // the end of the first segment
	for _, c := range []struct {
		name string
		off  int
		data []byte
	}{{"big", at, mark}, {"text", 2, []byte("x")}, {"inline", 3, []byte{9}}} {
		if err := e.OverwriteValue("K", c.name, c.off, c.data); err != nil {
			t.Fatal(c.name, err)
		}
	}
	for _, off := range []int{-1, len(big) - 1} {
		if err := e.OverwriteValue("k", "big", off, []byte("yy")); err == nil {
			t.Errorf("2 bytes at %d of %d were written", off, len(big))
		}
	}
	want := slices.Clone(big)
	copy(want[at:], mark)
	k := e.Hive().Key("k")
	if !bytes.Equal(k.Value("big").Data(), want) || k.Text("text") != "sxcret" {
		t.Errorf("big is as wanted: %v; text is %q", bytes.Equal(k.Value("big").Data(), want), k.Text("text"))
	}
	if n, _ := k.Uint("inline"); n != 5|9<<24 {
		t.Errorf("inline is %#x", n)
	}
	now := dump(e.Hive())
	judges(t, finish(t, e, b), now)
}
