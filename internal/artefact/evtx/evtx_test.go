package evtx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/artefact/evtx"
	"assay/internal/binread"
	"assay/internal/need"
)

var le = binary.LittleEndian

// log makes a log of chunks with n records each, of the smallest text there is:
// an element <E></E>.
func log(t testing.TB, chunks, n int) []byte {
	t.Helper()
	b, err := evtx.Empty(evtx.HeadLen)
	if err != nil {
		t.Fatal(err)
	}
	empty := b[4096:]
	b = b[:4096:4096]
	next := uint64(1)
	for range chunks {
		c := bytes.Clone(empty)
		le.PutUint64(c[8:], next)
		le.PutUint64(c[24:], next)
		at := 512
		for range n {
			text := []byte{0x0f, 1, 1, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}
			name := at + 24 + len(text)
			le.PutUint32(text[11:], uint32(name))
			text = append(text, 0, 0, 0, 0, 0, 0, 1, 0, 'E', 0, 0, 0, 2, 4, 0)
			le.PutUint32(text[7:], uint32(len(text)-11-1))
			r := append([]byte{'*', '*', 0, 0}, make([]byte, 20)...)
			le.PutUint32(r[4:], uint32(24+len(text)+4))
			le.PutUint64(r[8:], next)
			le.PutUint64(r[16:], 133000000000000000)
			r = append(append(r, text...), r[4:8]...)
			copy(c[at:], r)
			le.PutUint32(c[44:], uint32(at))
			at += len(r)
			next++
		}
		le.PutUint64(c[16:], next-1)
		le.PutUint64(c[32:], next-1)
		le.PutUint32(c[48:], uint32(at))
		le.PutUint32(c[52:], crc32.ChecksumIEEE(c[512:at]))
		le.PutUint32(c[124:], crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:512]))
		b = append(b, c...)
	}
	le.PutUint64(b[16:], uint64(chunks-1))
	le.PutUint64(b[24:], next)
	le.PutUint16(b[42:], uint16(chunks))
	le.PutUint32(b[124:], crc32.ChecksumIEEE(b[:120]))
	return b
}

func write(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.evtx")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCountsLikeEvtxinfo(t *testing.T) {
	b := log(t, 3, 7)
	i, err := evtx.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil || i != (evtx.Info{Chunks: 3, Records: 21, Next: 22}) {
		t.Errorf("%+v, %v", i, err)
	}
	if out := need.Run(t, "evtxinfo", write(t, b)); !strings.Contains(out, "Number of records\t\t: 21") {
		t.Errorf("evtxinfo says\n%s", out)
	}
}

// An emptied log is a sound one, of the same length, without records.
func TestEmpty(t *testing.T) {
	for _, chunks := range []int{1, 3} {
		b := log(t, chunks, 5)
		head, err := evtx.Empty(int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		clear(b[copy(b, head):])
		i, err := evtx.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil || i != (evtx.Info{Chunks: chunks, Next: 1}) {
			t.Errorf("%+v, %v", i, err)
		}
		file := write(t, b)
		out := need.Run(t, "evtxinfo", file)
		if !strings.Contains(out, "Number of records\t\t: 0") || strings.Contains(out, "orrupt") || !strings.Contains(out, "3.1") {
			t.Errorf("evtxinfo says\n%s", out)
		}
		if out := need.Run(t, "evtxexport", file); !strings.Contains(out, "No records to export") && strings.Contains(out, "Event number") {
			t.Errorf("evtxexport says\n%s", out)
		}
		if out := need.Run(t, "file", "-b", file); !strings.Contains(out, "MS Windows Vista") || !strings.Contains(out, "empty") {
			t.Errorf("file says %s", out)
		}
	}
	if _, err := evtx.Empty(evtx.HeadLen - 1); !errors.Is(err, evtx.ErrShort) {
		t.Error(err)
	}
}

func TestRefuses(t *testing.T) {
	b := log(t, 1, 1)
	read := func(b []byte) error { _, err := evtx.Read(bytes.NewReader(b), int64(len(b))); return err }
	if err := read([]byte("ElfFile")); !errors.Is(err, binread.ErrNotMine) {
		t.Error(err)
	}
	if err := read(make([]byte, 100000)); !errors.Is(err, binread.ErrNotMine) {
		t.Error(err)
	}
	other := bytes.Clone(b)
	other[38] = 9
	var u *binread.UnsupportedError
	if err := read(other); !errors.As(err, &u) {
		t.Error(err)
	}
	wild := bytes.Clone(b)
	wild[4096+16+4] = 1 // last record
	var f *binread.FormatError
	if err := read(wild); !errors.As(err, &f) || f.Offset != 4096+8 {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(log(f, 2, 3)[:4096+65536+512])
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := evtx.Read(bytes.NewReader(b), int64(len(b)))
		if err == nil && i.Records > uint64(len(b))/32 {
			t.Fatalf("%d records in %d bytes", i.Records, len(b))
		}
	})
}
