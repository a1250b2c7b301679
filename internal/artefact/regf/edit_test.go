package regf_test

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/need"
)

// finish ends the edits and checks what every edited hive must be.
func finish(t *testing.T, e *regf.Editor, before []byte) []byte {
	t.Helper()
	b, _, err := e.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != len(before) {
		t.Fatalf("%d bytes became %d", len(before), len(b))
	}
	h, err := regf.Open(slices.Clone(b))
	if err != nil || h.State() != regf.Clean {
		t.Fatal(err, h.State())
	}
	again, err := regf.Edit(b)
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := again.Finish()
	if err != nil || r != (regf.Residue{}) {
		t.Errorf("a finished hive has residue %+v, %v", r, err)
	}
	return b
}

// judges lets other tools read an edited hive, which must hold want.
func judges(t *testing.T, b []byte, want []string) {
	t.Helper()
	hivex(t)
	file := write(t, b)
	got, err := dumpHivex(file)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("hivex: %v\n%s", err, diff(got, want))
	}
	need.Run(t, "regfinfo", file)
	need.Run(t, "reglookup", file)
	if out, err := reged(t, file); err != nil && strings.Contains(out, "ERROR") {
		t.Errorf("reged: %v\n%s", err, out)
	}
}

// without drops the lines of a dump that begin so.
func without(d []string, prefixes ...string) []string {
	return slices.DeleteFunc(slices.Clone(d), func(l string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return l == strings.TrimSuffix(p, "\t") || strings.HasPrefix(l, p) })
	})
}

func TestDelete(t *testing.T) {
	for name, b := range variants() {
		t.Run(name, func(t *testing.T) {
			h, _ := regf.Open(slices.Clone(b))
			want := without(dump(h), `\Alpha\Beta\Gamma`+"\t", `\Alpha\Beta`+"\tText", `\Alpha\Beta`+"\tBlob", `\Alpha\Classy`+"\t", `\Ключ\ëigen`+"\tИмя", `\Many\k0`)
			e, err := regf.Edit(b)
			if err != nil {
				t.Fatal(err)
			}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(e.DeleteKey(`alpha\beta\GAMMA`))
			must(e.DeleteValue(`Alpha\Beta`, "text"))
			must(e.DeleteValue(`Alpha\Beta`, "Blob"))
			must(e.DeleteKey(`Alpha\Classy`))
			must(e.DeleteValue(`ключ\Ëigen`, "имя"))
			for _, k := range e.Hive().Key("Many").Keys() {
				if strings.HasPrefix(k.Name(), "k0") {
					must(e.DeleteKey(`Many\` + k.Name()))
				}
			}
			if err := e.DeleteKey(`Alpha\Classy`); !errors.Is(err, regf.ErrNotFound) {
				t.Error(err)
			}
			if err := e.DeleteKey(``); !errors.Is(err, regf.ErrCannot) {
				t.Error(err)
			}
			out := finish(t, e, b)
			if h, _ := regf.Open(slices.Clone(out)); !slices.Equal(dump(h), want) {
				t.Errorf("we see\n%s", diff(dump(h), want))
			}
			judges(t, out, want)
			for _, gone := range []string{"correct horse", "Gamma", "words", "0123456789abcdef", "deadbeef", "k042", "значение"} {
				if bytes.Contains(out, []byte(gone)) || bytes.Contains(out, regftest.UTF16(gone)) {
					t.Errorf("%q is still in the hive", gone)
				}
			}
		})
	}
}

// A key whose last subkey and last value go has no list any more.
func TestDeleteAll(t *testing.T) {
	b := regftest.Build(sample(), regftest.Options{Leaf: 7})
	e, err := regf.Edit(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range e.Hive().Root().Keys() {
		if err := e.DeleteKey(k.Name()); err != nil {
			t.Fatal(err)
		}
	}
	judges(t, finish(t, e, b), []string{""})
}

func TestSetValue(t *testing.T) {
	for _, c := range []struct {
		value string
		data  []byte
		err   error
	}{
		{"Text", regftest.UTF16("verb\x00"), nil},
		{"Text", regftest.UTF16("words\x00"), nil},
		{"Text", []byte{0, 0}, nil},
		{"Text", nil, nil},
		{"Text", regftest.UTF16("words!\x00"), regf.ErrCannot},
		{"Number", []byte{1, 0, 0, 0}, nil},
		{"Number", []byte{1, 0, 0, 0, 0}, regf.ErrCannot},
		{"", regftest.UTF16("x\x00"), nil},
		{"Blob", []byte("short"), nil},
		{"Blob", bytes.Repeat([]byte("x"), 16344), nil},
		{"Blob", bytes.Repeat([]byte("x"), 16345), nil},
		{"Blob", bytes.Repeat([]byte("x"), 32689), nil},
		{"Blob", bytes.Repeat([]byte("x"), 40000), nil},
		{"Blob", []byte{7}, nil},
		{"None", nil, regf.ErrNotFound},
	} {
		for _, minor := range []int{3, 5} {
			b := regftest.Build(sample(), regftest.Options{Minor: minor})
			e, err := regf.Edit(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.SetValue(`Alpha\Beta`, c.value, c.data); !errors.Is(err, c.err) {
				t.Errorf("%s to %d bytes: %v, want %v", c.value, len(c.data), err, c.err)
			}
			want := dump(e.Hive())
			if v := e.Hive().Key(`Alpha\Beta`).Value(c.value); c.err == nil && !bytes.Equal(v.Data(), c.data) {
				t.Errorf("%s to %d bytes became %d", c.value, len(c.data), len(v.Data()))
			}
			out := finish(t, e, b)
			if c.value == "Text" && c.err == nil && string(c.data) != string(regftest.UTF16("words\x00")) && bytes.Contains(out, regftest.UTF16("words")) {
				t.Error("the old text is still there")
			}
			judges(t, out, want)
		}
	}
}

func TestZeroValue(t *testing.T) {
	b := regftest.Build(sample(), regftest.Options{})
	e, err := regf.Edit(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"Blob", "Text", "Number"} {
		if err := e.ZeroValue(`Alpha\Beta`, v); err != nil {
			t.Fatal(err)
		}
		d := e.Hive().Key(`Alpha\Beta`).Value(v).Data()
		if len(d) == 0 || len(bytes.Trim(d, "\x00")) > 0 {
			t.Errorf("%s: %.40x", v, d)
		}
	}
	want := dump(e.Hive())
	judges(t, finish(t, e, b), want)
}

// What was deleted before, slack, orphans and the padding go too.
func TestResidue(t *testing.T) {
	b := regftest.Build(sample(), regftest.Options{Pad: 4096})
	copy(b[len(b)-100:], "padding")
	i := bytes.Index(b, regftest.UTF16("default\x00"))
	copy(b[i+16:], "slac") // 16 bytes of text in a cell with room for 20
	e, err := regf.Edit(b)
	if err != nil {
		t.Fatal(err)
	}
	if n := e.Hive().Deleted(); n != 0 {
		t.Errorf("%d bytes of deleted keys in a hive that never had any", n)
	}
	if err := e.DeleteKey(`Alpha\Classy`); err != nil {
		t.Fatal(err)
	}
	out, r, err := e.Finish()
	if err != nil || r.Slack == 0 || r.Free == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if bytes.Contains(out, []byte("padding")) || bytes.Contains(out, []byte("slac")) {
		t.Error("residue is left")
	}
}

// A hive that is not fully sound is not edited.
func TestEditRefuses(t *testing.T) {
	good := regftest.Build(sample(), regftest.Options{})
	for name, change := range map[string]func([]byte){
		"dirty":        func(b []byte) { b[4]++; regftest.Seal(b) },
		"checksum":     func(b []byte) { b[508]++ },
		"broken bin":   func(b []byte) { b[8192] = 'x' },
		"wrong parent": func(b []byte) { i := bytes.Index(b, []byte("Gamma")); b[i-76+16] += 8 },
		"wrong count":  func(b []byte) { i := bytes.Index(b, []byte("Beta")); b[i-76+36]++ },
	} {
		b := slices.Clone(good)
		change(b)
		if _, err := regf.Edit(b); !errors.Is(err, regf.ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Real hives: every sound one can lose half of its keys and stay sound.
func TestEditCorpus(t *testing.T) {
	dir := need.Corpus(t, "windows")
	hivex(t)
	edited, refused := 0, 0
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b := read(t, name)
		if !bytes.HasPrefix(b, []byte("regf")) || strings.Contains(strings.ToUpper(d.Name()), ".LOG") {
			return nil
		}
		var logs [][]byte
		for _, l := range []string{".LOG", ".LOG1", ".LOG2", ".log1", ".log2"} {
			if m, _ := filepath.Glob(name + l); len(m) == 1 {
				logs = append(logs, read(t, m[0]))
			}
		}
		e, err := regf.Edit(b, logs...)
		if err != nil {
			t.Logf("%s: %v", d.Name(), err)
			refused++
			return nil
		}
		edited++
		n := 0
		for _, k := range e.Hive().Root().Keys() {
			for i, s := range k.Keys() {
				if i%2 == 0 && s.Exists() {
					if err := e.DeleteKey(k.Name() + `\` + s.Name()); err == nil {
						n++
					}
				}
			}
		}
		want := dump(e.Hive())
		out, r, err := e.Finish()
		if err != nil {
			t.Errorf("%s: %v", d.Name(), err)
			return nil
		}
		t.Logf("%s: %d keys deleted, residue %+v", d.Name(), n, r)
		got, err := dumpHivex(write(t, out))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: hivex %v\n%s", d.Name(), err, diff(got, want))
		}
		return nil
	})
	t.Logf("%d edited, %d refused", edited, refused)
	if edited < 20 {
		t.Errorf("only %d hives could be edited", edited)
	}
}
