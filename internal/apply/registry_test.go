package apply

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"assay/finding"
	"assay/internal/artefact/evtx"
	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam/samtest"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/plan"
)

const config = "/Windows/System32/config/"

// run applies edits to files and returns what became of each, the tree and the
// error.
func run(t *testing.T, files []memfs.File, edits ...finding.Edit) ([]Result, *fsys.Tree, error) {
	t.Helper()
	fs := &memfs.Editor{FS: memfs.New(files...), KeepNames: true, Spare: 4096}
	mount := fsys.Mount{Path: "/", Name: "p1", FS: fs, Root: fs.Root()}
	p := &plan.Plan{}
	for _, e := range edits {
		p.Steps = append(p.Steps, plan.Step{Edit: e})
	}
	out := make([]Result, len(edits))
	err := Run(context.Background(), p, Machine{Mounts: []fsys.Mount{mount}, Volumes: map[string]Volume{"p1": {Name: "p1", Editor: fs}},
		Random: bytes.NewReader(bytes.Repeat([]byte{3, 5, 8}, 100))}, func(i int, r Result) { out[i] = r })
	tree, terr := fsys.NewTree(mount)
	if terr != nil {
		t.Fatal(terr)
	}
	return out, tree, err
}

// software is a hive whose last write only its log has.
func software() (hive, log []byte) {
	before, after := &regftest.Key{}, &regftest.Key{}
	before.At(`A\B`).Set("Old", "before the log")
	after.At(`A\B`).Set("Secret", "correct horse").Set("Number", 7).Set("Kept", "kept")
	after.At(`A\C\D`).Set("More", "deep secret")
	o := regftest.Options{Pad: 4096}
	x, y := regftest.Build(before, o), regftest.Build(after, o)
	return regftest.Begin(x, 9), regftest.NewLog(9, x, y)
}

// All steps on a hive are one change, made to what its log completes; the log
// is emptied.
func TestRegistry(t *testing.T) {
	hive, log := software()
	name := config + "SOFTWARE"
	res, tree, err := run(t, []memfs.File{{Path: name, Data: string(hive)}, {Path: name + ".LOG1", Data: string(log)}, {Path: name + ".LOG2"}},
		finding.Edit{Op: finding.RegDeleteValue, Path: name, Key: `A\B`, Value: "Secret"},
		finding.Edit{Op: finding.RegDeleteValue, Path: name, Key: `A\B`, Value: "None"},
		finding.Edit{Op: finding.RegSetValue, Path: name, Key: `A\B`, Value: "Number", With: "00000000"},
		finding.Edit{Op: finding.RegDeleteKey, Path: name, Key: `A\C`})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range res {
		if !r.Done || (r.Note != finding.Text{}) != (i == 1) {
			t.Errorf("step %d: %+v", i, r)
		}
	}
	b, err := tree.ReadFile(name, 1<<20)
	if err != nil || len(b) != len(hive) {
		t.Fatal(len(b), err)
	}
	for _, gone := range []string{"correct horse", "deep secret", "before the log"} {
		if bytes.Contains(b, regf.UTF16(gone)) {
			t.Errorf("%q is still in the hive", gone)
		}
	}
	if l, err := tree.ReadFile(name+".LOG1", 1<<20); err != nil || len(l) != 0 {
		t.Errorf("the log has %d bytes, %v", len(l), err)
	}
	h, err := regf.Open(b)
	if err != nil || h.State() != regf.Clean || h.Key(`A\B`).Text("Kept") != "kept" || h.Key(`A\C`).Exists() {
		t.Errorf("the hive is not as it should be: %v", err)
	}
	if n, _ := h.Key(`A\B`).Uint("Number"); n != 0 {
		t.Errorf("the number is %d", n)
	}
}

// A hive that no log completes is left, with everything in it.
func TestDirtyHiveIsLeft(t *testing.T) {
	hive, _ := software()
	name := config + "SOFTWARE"
	res, tree, err := run(t, []memfs.File{{Path: name, Data: string(hive)}, {Path: "/x", Data: "x"}},
		finding.Edit{Op: finding.RegDeleteKey, Path: name, Key: "A"}, finding.Edit{Op: finding.Blank, Path: "/x"})
	if err != nil || !res[0].Left || res[0].Note.ZH == "" || !res[1].Done {
		t.Errorf("%+v, %v", res, err)
	}
	if b, _ := tree.ReadFile(name, 1<<20); !bytes.Equal(b, hive) {
		t.Error("the hive was changed")
	}
}

// What a plan expects and does not find stops it.
func TestRegistrySurprises(t *testing.T) {
	m := samtest.Machine{Accounts: []samtest.Account{{RID: 1000, Name: "ops", Password: "x"}}}
	files := []memfs.File{{Path: config + "SAM", Data: string(regftest.Build(m.SAM(), regftest.Options{}))}, {Path: config + "SYSTEM", Data: string(regftest.Build(m.SYSTEM(), regftest.Options{}))}}
	const key = `SAM\Domains\Account\Users\000003E8`
	for _, e := range []finding.Edit{
		{Op: finding.LockPassword, Path: config + "SAM", Key: key, User: "other"},
		{Op: finding.LockPassword, Path: config + "SAM", Key: `SAM\Domains\Account\Users\Names`, User: "ops"},
		{Op: finding.RegSetValue, Path: config + "SAM", Key: key, Value: "None", With: "00"},
		{Op: finding.RegSetValue, Path: config + "SAM", Key: key, Value: "F", With: hex.EncodeToString(make([]byte, 500))},
		{Op: finding.RegDeleteKey, Path: config + "SAM"},
	} {
		_, tree, err := run(t, files, e)
		var s *Surprise
		if !errors.As(err, &s) {
			t.Errorf("%+v: %v", e, err)
		}
		if b, _ := tree.ReadFile(config+"SAM", 1<<20); string(b) != files[0].Data {
			t.Errorf("%+v changed the hive", e)
		}
	}
	if _, _, err := run(t, files, finding.Edit{Op: finding.LockPassword, Path: config + "SAM", Key: key, User: "ops", With: "disable"}); err != nil {
		t.Error(err)
	}
}

func TestEmptyLog(t *testing.T) {
	long := strings.Repeat("event ", 50_000)
	_, tree, err := run(t, []memfs.File{{Path: "/long.evtx", Data: long}, {Path: "/short.evtx", Data: "event"}},
		finding.Edit{Op: finding.EmptyLog, Path: "/long.evtx"}, finding.Edit{Op: finding.EmptyLog, Path: "/short.evtx"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := tree.ReadFile("/long.evtx", 1<<20)
	if err != nil || len(b) != len(long) || slices.Contains(b[evtx.HeadLen:], 'e') {
		t.Fatal(len(b), err)
	}
	if i, err := evtx.Read(bytes.NewReader(b), int64(len(b))); err != nil || i.Records != 0 || i.Next != 1 {
		t.Errorf("%+v, %v", i, err)
	}
	if b, _ := tree.ReadFile("/short.evtx", 1<<20); len(b) != 0 {
		t.Errorf("%d bytes are left", len(b))
	}
}
