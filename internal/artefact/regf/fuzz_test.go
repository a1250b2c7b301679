package regf_test

import (
	"slices"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
)

// seeds are small: a mutation should hit a structure, not data.
func seed(n int) []byte {
	root := &regftest.Key{}
	root.At(`A\B`).Set("Text", "words").Set("n", n).Class = "ab"
	root.At(`A\C`).Guard = 1
	return regftest.Build(root, regftest.Options{Leaf: 1 + n})
}

// FuzzOpen: whatever the bytes, reading ends, and what can be edited can be
// finished: the result has the same length, is clean and has no residue.
func FuzzOpen(f *testing.F) {
	a, b := seed(0), seed(1)
	f.Add(a, []byte(nil))
	f.Add(regftest.Begin(a, 5), regftest.NewLog(5, a, b))
	f.Add(regftest.Begin(a, 5), regftest.OldLog(a, b))
	f.Fuzz(func(t *testing.T, hive, log []byte) {
		hive = slices.Clone(hive)
		if len(hive) >= 512 && len(log) == 0 {
			regftest.Seal(hive)
		}
		h, err := regf.Open(slices.Clone(hive), log)
		if err != nil {
			return
		}
		_ = h.Root().Walk(func(_ string, k regf.Key) error {
			_, _ = k.Class(), k.Written()
			for _, v := range k.Values() {
				_, _, _ = v.Name(), v.Texts(), v.Size()
				for _, p := range v.Passages() {
					if off, n := p.Span(0, len(p.Text)); off < 0 || off+n > len(v.Data()) {
						t.Fatalf("text at %d, %d bytes, in a value of %d", off, n, len(v.Data()))
					}
				}
			}
			return nil
		})
		e, err := regf.Edit(hive, log)
		if err != nil {
			return
		}
		if keys := e.Hive().Root().Keys(); len(keys) > 0 {
			k := keys[0]
			if values := k.Values(); len(values) > 0 {
				_ = e.OverwriteValue(k.Name(), values[0].Name(), int(values[0].Size())-1, []byte{'x'})
				_ = e.SetValue(k.Name(), values[0].Name(), nil)
				_ = e.DeleteValue(k.Name(), values[0].Name())
			}
			_ = e.DeleteKey(k.Name())
		}
		out, _, err := e.Finish()
		if err != nil {
			t.Fatalf("edits broke the hive: %v", err)
		}
		if len(out) != len(hive) {
			t.Fatalf("%d bytes became %d", len(hive), len(out))
		}
		again, err := regf.Edit(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, r, err := again.Finish(); err != nil || r != (regf.Residue{}) {
			t.Fatalf("residue %+v, %v", r, err)
		}
	})
}
