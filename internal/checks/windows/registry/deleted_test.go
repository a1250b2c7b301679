package registry

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

// TestSecretInADeletedValue frees the cell of a value, as Windows does when it
// deletes one, and wants the secret in it to be told, as deleted.
func TestSecretInADeletedValue(t *testing.T) {
	const token = "ghp_RsZy4W7ZTKb7F3rTdkhzG9rALgNraYpCtm93"
	root := &regftest.Key{}
	root.At("Shop").Set("Token", token)
	b := regftest.Build(root, regftest.Options{})
	at := bytes.Index(b, regf.UTF16(token)) - 4
	binary.LittleEndian.PutUint32(b[at:], -binary.LittleEndian.Uint32(b[at:])) // positive: not allocated
	fs := memfs.New(memfs.File{Path: "/Windows/System32/config/SOFTWARE", Data: string(b)})
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "mem", FS: fs, Root: fs.Root()})
	if err != nil {
		t.Fatal(err)
	}
	var found []finding.Finding
	err = check.Run(context.Background(), guest.New(tree), []*Check{secrets}, check.Options{Report: func(f finding.Finding) { found = append(found, f) }})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d findings, %v", len(found), err)
	}
	f := found[0]
	if !f.Where.Deleted || f.Where.Offset != int64(at)+4 || f.Where.Path != "/Windows/System32/config/SOFTWARE" {
		t.Errorf("found at %+v, want byte %d", f.Where, at+4)
	}
	if !strings.Contains(f.Title.EN, "deleted keys") || f.Fix == nil || !f.Fix.Safe || len(f.Fix.Edits) != 1 || f.Fix.Edits[0].Op != finding.RegScrub {
		t.Errorf("%+v with the fix %+v", f.Title, f.Fix)
	}
}
