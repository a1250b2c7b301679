//go:build linux

package ntfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// memory is a volume in memory that an Editor may change.
type memory []byte

func (m memory) ReadAt(b []byte, off int64) (int, error) {
	return bytes.NewReader(m).ReadAt(b, off)
}

func (m memory) WriteAt(b []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(b)) > int64(len(m)) {
		return 0, fmt.Errorf("a write of %d bytes at %d of %d", len(b), off, len(m))
	}
	return copy(m[off:], b), nil
}

func (m memory) Zero(off, n int64) error {
	if off < 0 || n < 0 || off+n > int64(len(m)) {
		return fmt.Errorf("zero %d bytes at %d of %d", n, off, len(m))
	}
	clear(m[off : off+n])
	return nil
}

var _ fsys.Patch = memory(nil)

// tiny is a small volume in memory with a bit of everything in it. fill works
// on its mounted root.
func tiny(t testing.TB, opts string, fill func(dir string), args ...string) memory {
	t.Helper()
	img := mkntfs(t, 4<<20, args...)
	dir, umount := mount(t, img, "rw,compression"+opts)
	fill(dir)
	umount()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (m memory) open(t testing.TB) *FS {
	t.Helper()
	x, err := Open(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (m memory) clone() memory { return bytes.Clone(m) }

// changeRecord edits a record and its mirror, with a valid update sequence.
func (m memory) changeRecord(t testing.TB, no uint64, change func(r *record)) {
	t.Helper()
	x := m.open(t)
	r, err := x.record(no)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	b := protect(r.b)
	copy(m[r.at:], b)
	if no < 4 {
		copy(m[x.mirrorAt*x.cluster+int64(no)*x.recordSize:], b)
	}
}

// changeAttr edits the value or header of an attribute.
func (m memory) changeAttr(t testing.TB, no uint64, typ uint32, name string, change func(a *attr)) {
	t.Helper()
	found := false
	m.changeRecord(t, no, func(r *record) {
		err := r.each(func(a *attr) error {
			if a.is(typ, name) {
				found = true
				change(a)
			}
			return nil
		})
		if err != nil || !found {
			t.Fatalf("attribute %#x of record %d: %v, %v", typ, no, found, err)
		}
	})
}

func hexValue(b []byte) string { return fmt.Sprintf("0x%x", b) }

// reparsePoint is the value of a reparse point.
func reparsePoint(tag uint32, data []byte) []byte {
	b := make([]byte, 8, 8+len(data))
	le.PutUint32(b, tag)
	le.PutUint16(b[4:], uint16(len(data)))
	return append(b, data...)
}

func linkData(target string, flags int) []byte {
	u := utf16le(target)
	b := make([]byte, 8)
	le.PutUint16(b[2:], uint16(len(u)))
	le.PutUint16(b[4:], uint16(len(u)))
	if flags >= 0 {
		b = append(b, byte(flags), 0, 0, 0)
	}
	return append(b, u...)
}

// TestReparsePoints sets reparse points through ntfs-3g and reads them.
func TestReparsePoints(t *testing.T) {
	links := map[string]struct {
		tag  uint32
		data []byte
		want string
	}{
		"Documents and Settings": {tagMountPoint, linkData(`\??\C:\Users`, -1), "/Users"},
		"c":                      {tagMountPoint, linkData(`\??\c:`, -1), "/"},
		"other drive":            {tagMountPoint, linkData(`\??\D:\data\x`, -1), "/D:/data/x"},
		"volume":                 {tagMountPoint, linkData(`\??\Volume{01234567}\`, -1), "/Volume{01234567}/"},
		"relative":               {tagSymlink, linkData(`..\dir\file`, 1), "../dir/file"},
		"absolute":               {tagSymlink, linkData(`\??\C:\dir`, 0), "/dir"},
		"rooted":                 {tagSymlink, linkData(`\dir`, 1), "/dir"},
		"wsl":                    {tagLXSymlink, append([]byte{2, 0, 0, 0}, "/mnt/c/dir"...), "/mnt/c/dir"},
	}
	special := map[string]uint32{"socket": unix.S_IFSOCK, "fifo": unix.S_IFIFO, "char": unix.S_IFCHR, "block": unix.S_IFBLK}
	kinds := map[string]fsys.Kind{"socket": fsys.Socket, "fifo": fsys.FIFO, "char": fsys.CharDevice, "block": fsys.BlockDevice}
	files := map[string]uint32{"wof": tagWOF, "dedup": tagDedup, "hsm": tagHSM2}
	m := tiny(t, ",special_files=wsl", func(dir string) {
		set := func(name string, tag uint32, data []byte) {
			need.Run(t, "setfattr", "-h", "-n", "system.ntfs_reparse_data", "-v", hexValue(reparsePoint(tag, data)), dir+"/"+name)
		}
		for name, l := range links {
			mkdir(t, dir+"/"+name)
			set(name, l.tag, l.data)
		}
		for name, tag := range files {
			write(t, dir+"/"+name, []byte("not the content"))
			set(name, tag, []byte{1, 2, 3, 4})
		}
		write(t, dir+"/hydrated", []byte("content"))
		set("hydrated", 0x9000001A, []byte{1, 2, 3, 4})
		for name, mode := range special {
			if err := unix.Mknod(dir+"/"+name, mode|0o644, 0x0803); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("plain/target", dir+"/made by ntfs-3g"); err != nil {
			t.Fatal(err)
		}
	})
	x := m.open(t)
	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range links {
		n := find(t, x, name)
		st, err := x.Stat(n)
		if err != nil || st.Kind != fsys.Symlink || st.Size != int64(len(l.want)) {
			t.Errorf("Stat(%s) = %+v, %v", name, st, err)
		}
		if got, err := x.Readlink(n); err != nil || got != l.want {
			t.Errorf("Readlink(%s) = %q, %v; want %q", name, got, err, l.want)
		}
		if err := x.ReadDir(n, func(fsys.Entry) error { return nil }); !errors.Is(err, fsys.ErrNotDir) {
			t.Errorf("ReadDir(%s): %v", name, err)
		}
	}
	for name := range files {
		n := find(t, x, name)
		var u *binread.UnsupportedError
		if _, err := x.Open(n); !errors.As(err, &u) {
			t.Errorf("Open(%s): %v", name, err)
		}
		if err := e.Blank(n); !errors.Is(err, fsys.ErrCannot) {
			t.Errorf("Blank(%s): %v", name, err)
		}
	}
	if got := content(t, x, "hydrated"); string(got) != "content" {
		t.Errorf("hydrated is %q", got)
	}
	for name, k := range kinds {
		if st, err := x.Stat(find(t, x, name)); err != nil || st.Kind != k {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
	}
	if got, err := x.Readlink(find(t, x, "made by ntfs-3g")); err != nil || got != "plain/target" {
		t.Errorf("a link of ntfs-3g: %q, %v", got, err)
	}
}

// TestEncryptedFile does not give the bytes of a file of EFS for its content.
func TestEncryptedFile(t *testing.T) {
	m := tiny(t, "", func(dir string) { write(t, dir+"/file", secret(5000)) })
	no := uint64(find(t, m.open(t), "file"))
	m.changeAttr(t, number(no), typeData, "", func(a *attr) { le.PutUint16(a.rec.b[a.off+12:], attrEncrypted) })
	x := m.open(t)
	var u *binread.UnsupportedError
	if _, err := x.Open(fsys.Node(no)); !errors.As(err, &u) || !u.Encrypted {
		t.Errorf("Open: %v", err)
	}
	if st, err := x.Stat(fsys.Node(no)); err != nil || st.Flags&fsys.Encrypted == 0 {
		t.Errorf("Stat: %+v, %v", st, err)
	}
	e, err := NewEditor(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Overwrite(fsys.Node(no), 0, []byte("x")); !errors.Is(err, fsys.ErrCannot) {
		t.Errorf("Overwrite: %v", err)
	}
	if err := e.Blank(fsys.Node(no)); err != nil {
		t.Errorf("Blank: %v", err)
	}
	if bytes.Contains(m, []byte("SECRETMARK")) {
		t.Error("the clusters of a blanked file keep their bytes")
	}
}

// restartPages puts a log into $LogFile as Windows leaves it.
func (m memory) restartPages(t testing.TB, major, minor, client, flags uint16) {
	t.Helper()
	x := m.open(t)
	s, err := x.systemStream(recordLog, typeData, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(2) {
		b := make([]byte, 4096)
		copy(b, "RSTR")
		le.PutUint16(b[4:], 0x1E)
		le.PutUint16(b[6:], 9)
		le.PutUint32(b[0x10:], 4096)
		le.PutUint32(b[0x14:], 4096)
		le.PutUint16(b[0x18:], 0x30)
		le.PutUint16(b[0x1A:], minor)
		le.PutUint16(b[0x1C:], major)
		le.PutUint64(b[0x30:], uint64(1000+i))
		le.PutUint16(b[0x3C:], client)
		le.PutUint16(b[0x3E:], flags)
		if i == 0 { // the older one says the opposite: it must not count
			le.PutUint16(b[0x3C:], ^client)
			le.PutUint16(b[0x3E:], ^flags)
		}
		copy(m[s.runs[0].lcn*x.cluster+i*4096:], protect(b))
	}
	copy(m[s.runs[0].lcn*x.cluster+8192:], append([]byte("RCRD"), secret(1000)...))
}

// TestPreflight refuses to write where part of the volume's state is elsewhere,
// and says what to do. Reading goes on.
func TestPreflight(t *testing.T) {
	base := tiny(t, "", func(dir string) { write(t, dir+"/file", secret(5000)) })
	hibernated := func(magic string) func(memory) {
		return func(m memory) {
			no := number(uint64(find(t, m.open(t), "hiberfil.sys")))
			m.changeAttr(t, no, typeData, "", func(a *attr) { copy(a.value(), magic) })
		}
	}
	volumeFlags := func(v uint16) func(memory) {
		return func(m memory) {
			m.changeAttr(t, recordVolume, typeVolInfo, "", func(a *attr) { le.PutUint16(a.value()[10:], v) })
		}
	}
	for name, c := range map[string]struct {
		spoil func(m memory)
		want  string // "" when it may be written
	}{
		"as it is":       {func(memory) {}, ""},
		"clean log":      {func(m memory) { m.restartPages(t, 1, 1, 0, restartClean) }, ""},
		"no client":      {func(m memory) { m.restartPages(t, 1, 1, noClient, 0) }, ""},
		"unclean log":    {func(m memory) { m.restartPages(t, 1, 1, 0, 0) }, "not finished"},
		"fast startup":   {func(m memory) { m.restartPages(t, 2, 0, noClient, restartClean) }, "fast startup"},
		"dirty":          {volumeFlags(1), "chkdsk"},
		"Windows 10":     {volumeFlags(0x80), ""},
		"upgrade":        {volumeFlags(0x84), "chkdsk"},
		"version":        {func(m memory) { m.changeAttr(t, recordVolume, typeVolInfo, "", func(a *attr) { a.value()[8] = 4 }) }, "version 4.1"},
		"awake":          {func(memory) {}, ""},
		"hibernated":     {hibernated("hibr"), "hibernated"},
		"hibernated 8.1": {hibernated("HIBR"), "hibernated"},
		"resumed":        {hibernated("wake"), "hibernated"},
		"mirror":         {func(m memory) { x := m.open(t); m[x.mirrorAt*x.cluster+0x100] ^= 1 }, "mirror"},
		"bitmap": {func(m memory) {
			x := m.open(t)
			s, _ := x.systemStream(recordBitmap, typeData, "")
			m[s.runs[0].lcn*x.cluster] = 0
		}, "$Bitmap"},
		"bitlocker": {func(m memory) { copy(m[3:], "-FVE-FS-") }, "BitLocker"},
	} {
		t.Run(name, func(t *testing.T) {
			m := base.clone()
			if strings.Contains(name, "hibern") || name == "resumed" || name == "awake" {
				m = tiny(t, "", func(dir string) { write(t, dir+"/hiberfil.sys", make([]byte, 500)) })
			}
			c.spoil(m)
			preflight(t, name, m, c.want)
		})
	}
	if _, err := NewEditor(base[:len(base)/2], int64(len(base)/2)); !errors.Is(err, fsys.ErrUnsafe) {
		t.Errorf("truncated volume: %v", err)
	}
	if _, err := Open(make(memory, 4096), 4096); !errors.Is(err, binread.ErrNotMine) {
		t.Errorf("zeros: %v", err)
	}
}

// TestTornRecord gives no half-written record for a file, and finds the others.
func TestTornRecord(t *testing.T) {
	m := tiny(t, "", func(dir string) {
		write(t, dir+"/torn", []byte("x"))
		write(t, dir+"/whole", []byte("y"))
	})
	n := find(t, m.open(t), "torn")
	r, err := m.open(t).record(number(uint64(n)))
	if err != nil {
		t.Fatal(err)
	}
	m[r.at+2*stride-2]++
	x := m.open(t)
	var fe *binread.FormatError
	if _, err := x.Stat(n); !errors.As(err, &fe) || fe.Offset != r.at+2*stride-2 {
		t.Errorf("Stat: %v", err)
	}
	met := 0
	err = x.Scan(func(fsys.Node, fsys.Meta) error { met++; return nil })
	if !errors.As(err, &fe) || met != 2 { // the root directory and the other file
		t.Errorf("Scan: %d files, %v", met, err)
	}
	if _, err := x.Free(); err == nil {
		t.Error("free space is trusted")
	}
	if _, err := NewEditor(m, int64(len(m))); !errors.Is(err, fsys.ErrUnsafe) {
		t.Errorf("NewEditor: %v", err)
	}
}

// preflight opens m for reading and for writing; want is in the error of the
// latter.
func preflight(t *testing.T, name string, m memory, want string) {
	t.Helper()
	before := m.clone()
	e, err := NewEditor(m, int64(len(m)))
	if !bytes.Equal(m, before) {
		t.Error("the preflight changed the volume")
	}
	if want == "" {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Scrub(); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !errors.Is(err, fsys.ErrUnsafe) || !strings.Contains(err.Error(), want) {
		t.Errorf("NewEditor: %v; want %q", err, want)
	}
	if name == "bitlocker" {
		return
	}
	x, err := Open(m, int64(len(m)))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.ReadDir(x.Root(), func(fsys.Entry) error { return nil }); err != nil {
		t.Error(err)
	}
	if unclean := name == "unclean log" || name == "fast startup"; unclean != (x.log.reason != "") {
		t.Errorf("log: %q, problems %v", x.log.reason, x.Describe().Problems)
	}
}

// TestLZNT1 packs and unpacks all kinds of bytes, and unpacks [MS-XCA]'s example.
func TestLZNT1(t *testing.T) {
	for seed := range uint64(60) {
		in := pattern(seed, 16*chunkPlain)
		switch seed % 4 {
		case 1:
			in = noise(seed, len(in))
		case 2:
			clear(in[len(in)/3:])
		case 3:
			copy(in[5000:], noise(seed, 3000))
		}
		packed := compress(in)
		out := make([]byte, len(in))
		n, err := decompress(out, append(packed, 0, 0, 9, 9))
		if err != nil || !bytes.Equal(out, in) || n < len(packed) || n > len(packed)+2 {
			t.Fatalf("seed %d: %d of %d bytes, %v", seed, n, len(packed), err)
		}
	}
	if n := len(compress(make([]byte, 16*chunkPlain))); n > 200 {
		t.Errorf("zeros need %d bytes", n)
	}
	want := "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\x00"
	packed := "\x38\xb0\x88\x46\x23\x20\x00\x20\x47\x20\x41\x00\x10\xa2\x47\x01\xa0\x45\x20\x44\x00\x08\x45\x01\x50\x79\x00\xc0\x45\x20\x05\x24\x13\x88\x05\xb4\x02\x4a\x44\xef\x03\x58\x02\x8c\x09\x16\x01\x48\x45\x00\xbe\x00\x9e\x00\x04\x01\x18\x90\x00"
	out := make([]byte, chunkPlain)
	if _, err := decompress(out, []byte(packed)); err != nil || !bytes.HasPrefix(out, []byte(want)) {
		t.Errorf("the example of [MS-XCA] 3.3: %v\n%q", err, out[:len(want)])
	}
	for _, bad := range []string{"\x00\xb0", "\xff\xbf\x01", "\x02\xb0\x01\x00\x00", "\x03\x80\x00\x00\x00\x00"} {
		if _, err := decompress(out, []byte(bad)); err == nil {
			t.Errorf("%q is unpacked", bad)
		}
	}
}

// TestNames keeps names apart that UTF-16 cannot pair, and folds by $UpCase.
func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"a\x00\xe4\x00\x1e\x67":         "aä朞",
		"\x3d\xd8\x00\xde":              "😀",
		"\x3d\xd8a\x00":                 "\xed\xa0\xbda",
		"\x00\xde\x3d\xd8":              "\xed\xb8\x80\xed\xa0\xbd",
		"\x00\xd8\x00\xd8\x00\xdc\x41x": "\xed\xa0\x80\U00010000硁",
	} {
		if got := decodeName([]byte(in)); got != want {
			t.Errorf("decodeName(%q) = %q, want %q", in, got, want)
		}
	}
	m := tiny(t, "", func(string) {})
	x := m.open(t)
	for in, want := range map[string]string{"": "", "ABC.1": "ABC.1", "Windows": "WINDOWS", "straße": "STRAßE", "Ünï": "ÜNÏ", "目x😀": "目X😀", "\xed\xa0\xbdq": "\xed\xa0\xbdQ"} {
		if got := x.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	x.upcase = nil
	if got := x.Fold("Ünï.x"); got != "ÜNï.X" {
		t.Errorf("without $UpCase: %q", got)
	}
	if _, err := x.OpenStream(x.Root(), "none"); !errors.Is(err, fsys.ErrNotExist) {
		t.Errorf("OpenStream: %v", err)
	}
}

// TestReadPastEnd follows io.ReaderAt.
func TestReadPastEnd(t *testing.T) {
	m := tiny(t, "", func(dir string) {
		write(t, dir+"/resident", []byte("0123456789"))
		write(t, dir+"/plain", pattern(1, 10000))
		write(t, compressed(t, dir+"/c")+"/packed", pattern(1, 10000))
	})
	x := m.open(t)
	for _, p := range []string{"resident", "plain", "c/packed"} {
		f, err := x.Open(find(t, x, p))
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 20)
		if n, err := f.ReadAt(b, f.Size()-5); n != 5 || err != io.EOF {
			t.Errorf("%s: %d, %v", p, n, err)
		}
		if n, err := f.ReadAt(b, f.Size()); n != 0 || err != io.EOF {
			t.Errorf("%s: %d, %v", p, n, err)
		}
		if _, err := f.ReadAt(b, -1); err == nil {
			t.Errorf("%s: a negative offset", p)
		}
	}
}
