package checktest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam/samtest"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
)

const config = "/Windows/System32/config/"

// registry makes the hives that an archive describes: the sections "reg/PATH"
// (see regftest.Parse), and "machine", a samtest.Machine in JSON, for the hives
// SAM, SYSTEM and SECURITY.
func registry(t *testing.T, ar map[string]string) map[string]string {
	t.Helper()
	roots := map[string]*regftest.Key{}
	if j, ok := ar["machine"]; ok {
		var m samtest.Machine
		if err := json.Unmarshal([]byte(j), &m); err != nil {
			t.Fatalf("machine: %v", err)
		}
		roots[config+"SAM"], roots[config+"SYSTEM"], roots[config+"SECURITY"] = m.SAM(), m.SYSTEM(), m.SECURITY()
	}
	for name, text := range ar {
		p, ok := strings.CutPrefix(name, "reg/")
		if !ok {
			continue
		}
		p = "/" + unquote(p)
		if roots[p] == nil {
			roots[p] = &regftest.Key{}
		}
		if err := regftest.Parse(roots[p], text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	out := map[string]string{}
	for p, root := range roots {
		out[p] = string(regftest.Build(root, regftest.Options{}))
	}
	return out
}

// likeWindows reports whether files look like Windows, whose file system finds
// names in spite of case.
func likeWindows(files []memfs.File) bool {
	return slices.ContainsFunc(files, func(f memfs.File) bool { return strings.HasPrefix(f.Path, config) })
}

// editor is fs, folding where files look like Windows.
func editor(fs *memfs.Editor, files []memfs.File) fsys.FS {
	if likeWindows(files) {
		return foldingEditor{fs}
	}
	return fs
}

type foldingEditor struct{ *memfs.Editor }

// Fold implements fsys.Folder.
func (foldingEditor) Fold(name string) string { return strings.ToUpper(name) }

// tree mounts files as a machine's root: one that looks like Windows finds
// names in spite of case, as NTFS does.
func tree(t *testing.T, files []memfs.File) *fsys.Tree {
	t.Helper()
	if likeWindows(files) {
		m := memfs.New(files...)
		tr, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "mem", FS: folding{m}, Root: m.Root()})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	return memfs.Tree(files...)
}

type folding struct{ *memfs.FS }

// Fold implements fsys.Folder.
func (folding) Fold(name string) string { return strings.ToUpper(name) }
