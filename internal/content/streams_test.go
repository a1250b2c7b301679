package content

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
	"assay/internal/secret"
)

// streamed is a memory file system whose nodes have named streams.
type streamed struct {
	*memfs.FS
	at map[fsys.Node]map[string]string
}

type memFile struct{ *bytes.Reader }

func (m memFile) Close() error { return nil }

func (s streamed) Streams(n fsys.Node) (out []fsys.Stream, err error) {
	for name, data := range s.at[n] {
		out = append(out, fsys.Stream{Name: name, Size: int64(len(data))})
	}
	return out, nil
}

func (s streamed) OpenStream(n fsys.Node, name string) (fsys.File, error) {
	data, ok := s.at[n][name]
	if !ok {
		return nil, fsys.ErrNotExist
	}
	return memFile{bytes.NewReader([]byte(data))}, nil
}

func (s streamed) StreamExtents(n fsys.Node, name string) ([]fsys.Extent, error) {
	return []fsys.Extent{{Len: int64(len(s.at[n][name]))}}, nil
}

// TestNamedStreamsAreRead plants in streams of a file with content, of one
// without, of a file that is left to other checks, and of a directory.
func TestNamedStreamsAreRead(t *testing.T) {
	m := memfs.New(
		memfs.File{Path: "/full.ini", Data: plant(1)},
		memfs.File{Path: "/empty.txt"},
		memfs.File{Path: "/left.txt", Data: plant(2)},
		memfs.File{Path: "/dir/x", Data: "x"},
	)
	s := streamed{m, map[fsys.Node]map[string]string{}}
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", FS: s, Root: s.Root()})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"/full.ini", "/empty.txt", "/left.txt", "/dir"} {
		p, _, err := tree.Lookup(name, false)
		if err != nil {
			t.Fatal(err)
		}
		s.at[p.Node] = map[string]string{"note.ini": plant(10 + i)}
	}
	long := strings.Repeat("nothing here\n", 1<<18) + plant(20) // more than two holes' worth
	p, _, err := tree.Lookup("/dir/x", false)
	if err != nil {
		t.Fatal(err)
	}
	s.at[p.Node] = map[string]string{"long.ini": long}
	r, err := Scan(context.Background(), guest.New(tree), engine(t), Options{Workers: 2, Key: []byte("k"), MinConfidence: secret.Worth,
		Leave: func(name string) bool { return name == "/left.txt" }})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range r.Hits {
		got = append(got, fmt.Sprintf("%s:%d", h.Path, h.Line))
		if (h.Stream != "") != strings.Contains(h.Path, ":") {
			t.Errorf("%s says stream %q", h.Path, h.Stream)
		}
	}
	want := "/dir/x:long.ini:262145 /dir:note.ini:1 /empty.txt:note.ini:1 /full.ini:1 /full.ini:note.ini:1 /left.txt:note.ini:1"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if len(r.Gaps) > 0 || r.Files != len(got)+1 {
		t.Errorf("%d files, gaps %v", r.Files, r.Gaps)
	}
}
