//go:build linux

package ntfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/fsys"
)

// TestScrubsLogAndShadows empties a log and removes shadow copies.
func TestScrubsLogAndShadows(t *testing.T) {
	const store = "System Volume Information/{11111111-2222-3333-4444-555555555555}" + shadowName
	m := tiny(t, "", func(dir string) {
		write(t, mkdir(t, dir+"/System Volume Information")+"/tracking.log", []byte("stays"))
		write(t, dir+"/"+store, secret(100000))
	})
	m.restartPages(t, 1, 1, 0, restartClean)
	copy(m[shadowHeader:], shadowID+"SECRETMARK")
	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(m, []byte("SECRETMARK")); i >= 0 {
		t.Errorf("a mark is left at %d", i)
	}
	x := m.open(t)
	if x.log.reason != "" || len(x.Describe().Problems) > 0 {
		t.Errorf("%v", x.Describe().Problems)
	}
	if b := content(t, x, store); len(b) != 0 {
		t.Errorf("the store has %d bytes", len(b))
	}
	if b := content(t, x, "System Volume Information/tracking.log"); string(b) != "stays" {
		t.Errorf("tracking.log is %q", b)
	}
	log, err := x.system(recordLog, typeData, "", 1<<30)
	if err != nil || len(bytes.Trim(log, "\xff")) > 0 {
		t.Errorf("the log is not empty: %v", err)
	}
}

// TestScrubsSystemRecords clears what is behind the attributes of $Volume, in
// the MFT and in its mirror.
func TestScrubsSystemRecords(t *testing.T) {
	m := tiny(t, "", func(string) {})
	m.changeRecord(t, recordVolume, func(r *record) { copy(r.b[r.used()+8:], "SECRETMARK") })
	if bytes.Count(m, []byte("SECRETMARK")) != 2 {
		t.Fatal("the marks are not there")
	}
	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(m, []byte("SECRETMARK")); n > 0 {
		t.Errorf("%d marks are left", n)
	}
	x := m.open(t)
	r, err := x.record(recordVolume)
	if err != nil {
		t.Fatal(err)
	}
	at := x.mirrorAt*x.cluster + recordVolume*x.recordSize
	if !bytes.Equal(m[r.at:r.at+x.recordSize], m[at:at+x.recordSize]) {
		t.Error("the mirror differs")
	}
}

// TestScrubsUnits clears what compressed units have behind their data: behind
// LZNT1 in its clusters, behind the end of a file stored plain, and packed with
// it.
func TestScrubsUnits(t *testing.T) {
	const size = 70000
	m := tiny(t, "", func(dir string) {
		c := compressed(t, dir+"/c")
		write(t, c+"/text", bytes.Repeat([]byte("text "), size/5))
		write(t, c+"/noise", noise(1, size+60000))
		write(t, c+"/packed", bytes.Repeat([]byte("text "), size/5))
	})
	x := m.open(t)
	unitOf := func(name string, no int64) (*stream, unit) {
		in, err := x.inode(find(t, x, "c/"+name))
		if err != nil {
			t.Fatal(err)
		}
		s, err := in.stream(in.first(typeData, ""))
		if err != nil {
			t.Fatal(err)
		}
		u, err := s.unitAt(no)
		if err != nil || u.stored == 0 {
			t.Fatalf("%s: %+v, %v", name, u, err)
		}
		return s, u
	}
	mark := func(u unit) {
		p := u.pieces[len(u.pieces)-1]
		copy(m[p.at+p.n-20:], "SECRETMARK")
	}
	s, u := unitOf("text", 0)
	if u.stored >= s.unit {
		t.Fatal("text is not packed")
	}
	mark(u)
	s, u = unitOf("noise", 1)
	if u.stored < s.unit {
		t.Fatal("noise is packed")
	}
	mark(u)
	s, u = unitOf("packed", 1)
	plain, err := s.plainUnit(1)
	if err != nil {
		t.Fatal(err)
	}
	copy(plain[size-s.unit+5:], "SECRETMARK")
	b, err := s.packUnit(1, u, plain)
	if err != nil {
		t.Fatal(err)
	}
	copy(m[u.pieces[0].at:], b[:u.pieces[0].n])
	if n := bytes.Count(m, []byte("SECRETMARK")); n != 2 { // the third is packed
		t.Fatalf("%d marks", n)
	}

	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(m, []byte("SECRETMARK")); n != 0 {
		t.Errorf("%d marks are left", n)
	}
	x = m.open(t)
	out := make([]byte, s.unit)
	if err := s.unpack(1, out); err != nil || !zeros(out[size-s.unit:]) {
		t.Errorf("past the end of what is packed: %v, %q", err, out[size-s.unit:size-s.unit+20])
	}
	for name, want := range map[string][]byte{"text": bytes.Repeat([]byte("text "), size/5), "noise": noise(1, size+60000), "packed": bytes.Repeat([]byte("text "), size/5)} {
		if !bytes.Equal(content(t, x, "c/"+name), want) {
			t.Errorf("%s changed", name)
		}
	}
}

// TestChangeJournal clears $UsnJrnl, which has the names of files long gone,
// and neither shows nor edits what lies in $Extend. ntfs-3g makes nothing
// there, so the journal lies in the root and is said to be below $Extend.
func TestChangeJournal(t *testing.T) {
	m := tiny(t, "", func(dir string) {
		write(t, dir+"/$UsnJrnl", nil)
		write(t, dir+"/$UsnJrnl:$J", bytes.Repeat(utf16le("SECRETMARK of a name"), 2000))
		write(t, dir+"/$UsnJrnl:$Max", make([]byte, 32))
		write(t, dir+"/file", []byte("stays"))
	})
	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lookup(e, "$Extend"); err == nil {
		t.Error("$Extend is shown")
	}
	journal := find(t, e, "$UsnJrnl")
	e.extend[number(uint64(journal))] = true
	for _, err := range []error{e.Blank(journal), e.BlankStream(journal, "$J"), e.Overwrite(recordUpcase, 0, []byte("x"))} {
		if !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("an edit of the file system's own: %v", err)
		}
	}
	reparse, err := e.lookup(recordExtend, "$reparse")
	if err != nil {
		t.Fatal(err)
	}
	err = e.Scan(func(n fsys.Node, _ fsys.Meta) error {
		if n == journal || n == reparse {
			t.Error("Scan yields $UsnJrnl")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(m, utf16le("SECRETMARK")) {
		t.Error("names are left in the journal")
	}
	f, err := m.open(t).OpenStream(journal, "$J")
	if err != nil || f.Size() != 80000 {
		t.Errorf("the journal: %v, %v", f, err)
	}
	img := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(img, m, 0o600); err != nil {
		t.Fatal(err)
	}
	judge(t, img)
}
