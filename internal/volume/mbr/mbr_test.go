package mbr

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/need"
)

const mib = 1 << 20

// disk partitions a sparse file with sfdisk and returns its bytes and what
// sfdisk -J then says of it.
func disk(t *testing.T, size int64, script string) ([]byte, []sfPart) {
	t.Helper()
	p := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, size); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(need.Tool(t, "sfdisk"), "-q", p)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	out := need.Run(t, "sfdisk", "-J", p)
	var dump struct {
		Table struct {
			Partitions []sfPart `json:"partitions"`
		} `json:"partitiontable"`
	}
	if err := json.Unmarshal([]byte(out), &dump); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b, dump.Table.Partitions
}

type sfPart struct {
	Node  string `json:"node"`
	Start int64  `json:"start"`
	Size  int64  `json:"size"`
	Type  string `json:"type"`
}

func read(t *testing.T, b []byte) *Table {
	t.Helper()
	m, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const logicals = `label: dos
label-id: 0x1badcafe
2048,4096,83,*
8192,4096,82
16384,,5
,2048,83
,4096,8e
,2048,c
,1024,83
`

func TestAgainstSfdisk(t *testing.T) {
	for name, script := range map[string]string{
		"one":      "label: dos\n2048,,83,*\n",
		"four":     "label: dos\n2048,2048,83\n4096,2048,7\n6144,2048,ef\n8192,2048,fd\n",
		"logicals": logicals,
		"gap":      "label: dos\n3 : start=4096, size=4096, type=83\n",
	} {
		t.Run(name, func(t *testing.T) {
			b, want := disk(t, 32*mib, script)
			m := read(t, b)
			if len(m.Problems) > 0 {
				t.Error(m.Problems)
			}
			i := 0
			for _, w := range want {
				if w.Type == "5" || w.Type == "f" {
					continue
				}
				if i >= len(m.Partitions) {
					t.Fatalf("only %d partitions, sfdisk has %+v", i, w)
				}
				p := m.Partitions[i]
				if p.Start != w.Start*512 || p.Len != w.Size*512 || !strings.HasSuffix(w.Node, string(rune('0'+p.Number))) {
					t.Errorf("got %+v, sfdisk says %+v", p, w)
				}
				i++
			}
			if i != len(m.Partitions) {
				t.Errorf("%d partitions, sfdisk has %d", len(m.Partitions), i)
			}
		})
	}
}

func entryAt(b []byte, record int64, i int) []byte { return b[record+entriesAt+int64(16*i):] }

func TestExtendedLoop(t *testing.T) {
	b, _ := disk(t, 32*mib, logicals)
	var last int64
	for _, a := range read(t, b).Areas {
		last = a.Off
	}
	link := entryAt(b, last, 1)
	link[4] = 5
	binary.LittleEndian.PutUint32(link[8:], 0) // back to the first record
	binary.LittleEndian.PutUint32(link[12:], 100)
	m := read(t, b)
	if len(m.Problems) != 1 || !strings.Contains(m.Problems[0].Error(), "loop") || len(m.Partitions) != 6 {
		t.Errorf("%d partitions, problems %v", len(m.Partitions), m.Problems)
	}
	binary.LittleEndian.PutUint32(link[8:], 1<<30) // far beyond the end
	if m := read(t, b); len(m.Problems) != 1 || !strings.Contains(m.Problems[0].Error(), "beyond the end") {
		t.Errorf("problems %v", m.Problems)
	}
	b[last+signatureAt] = 0
	if m := read(t, b); len(m.Problems) != 1 || len(m.Partitions) != 5 {
		t.Errorf("%d partitions, problems %v", len(m.Partitions), m.Problems)
	}
}

func TestLogicalsAreBounded(t *testing.T) {
	b := make([]byte, 4*mib)
	for i := int64(0); i < 1000; i++ { // a chain of 1000 records
		r := i * 2 * 512
		b[r+signatureAt], b[r+signatureAt+1] = 0x55, 0xaa
		k := 1
		if i == 0 {
			k = 0
			binary.LittleEndian.PutUint32(entryAt(b, r, 0)[8:], 2)
		} else {
			e := entryAt(b, r, 0)
			e[4], e[8], e[12] = 0x83, 1, 1
			binary.LittleEndian.PutUint32(entryAt(b, r, 1)[8:], uint32(i*2))
		}
		e := entryAt(b, r, k)
		e[4], e[13] = 5, 1
	}
	m := read(t, b)
	if len(m.Partitions) > MaxPartitions || len(m.Problems) != 1 {
		t.Errorf("%d partitions, problems %v", len(m.Partitions), m.Problems)
	}
}

func TestProtective(t *testing.T) {
	b, _ := disk(t, 8*mib, "label: gpt\n2048,2048\n")
	m := read(t, b)
	if !m.GPT || m.LastLBA != 8*mib/512-1 || len(m.Partitions) != 0 {
		t.Errorf("got %+v", m)
	}
}

// TestBootBlocks: file systems on a whole disk carry the same mark.
func TestBootBlocks(t *testing.T) {
	for _, argv := range []string{"mkfs.fat -F 12", "mkfs.fat -F 16", "mkfs.fat -F 32", "mkntfs -Q -F -q"} {
		p := filepath.Join(t.TempDir(), "fs")
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(p, 64*mib); err != nil {
			t.Fatal(err)
		}
		a := append(strings.Fields(argv), p)
		need.Run(t, a[0], a[1:]...)
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Read(bytes.NewReader(b), int64(len(b))); !errors.Is(err, binread.ErrNotMine) {
			t.Errorf("%s: %+v, %v", argv, m, err)
		}
	}
	if _, err := Read(bytes.NewReader(make([]byte, 511)), 511); !errors.Is(err, binread.ErrNotMine) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	b := make([]byte, 4096)
	b[signatureAt], b[signatureAt+1] = 0x55, 0xaa
	e := entryAt(b, 0, 0)
	e[4], e[8], e[12] = 5, 1, 4
	b[512+signatureAt], b[512+signatureAt+1] = 0x55, 0xaa
	e = entryAt(b, 512, 0)
	e[4], e[8], e[12] = 0x83, 1, 1
	e = entryAt(b, 512, 1)
	e[4], e[8], e[12] = 5, 2, 1
	f.Add(b, int64(len(b)))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		m, err := Read(bytes.NewReader(b), min(size, int64(len(b))))
		if err != nil {
			return
		}
		if len(m.Partitions) > MaxPartitions+4 {
			t.Fatalf("%d partitions", len(m.Partitions))
		}
		for _, p := range m.Partitions {
			if p.Start < 0 || p.Len <= 0 || p.Start+p.Len < p.Start {
				t.Fatalf("%+v", p)
			}
		}
	})
}
