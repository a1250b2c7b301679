package vhdx

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/disk/disktest"
	"assay/internal/disk/image"
	"assay/internal/need"
)

var le = binary.LittleEndian

// seal puts the CRC-32C of b at its offset 4.
func seal(b []byte) {
	le.PutUint32(b[4:], 0)
	le.PutUint32(b[4:], crc32.Checksum(b, castagnoli))
}

func id(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Where tiny has its regions.
const (
	logAt  = 1 << 20
	batAt  = 2 << 20
	metaAt = 3 << 20
	dataAt = 4 << 20
)

var logID = guid{1, 2, 3}

// parts are the places of an image where its structures lie; all else is data
// or zero. They are what is fuzzed.
type parts struct {
	header  []byte // 4096
	regions []byte // first bytes of 64 KiB
	meta    []byte // first bytes of the metadata table
	items   []byte // 64 KiB behind it
	bat     []byte
	log     []byte
}

// tinyParts describe a disk of blocks 1 MiB blocks.
func tinyParts(blocks, sectorSize int) *parts {
	p := &parts{make([]byte, 4096), make([]byte, 96), make([]byte, 32*6), make([]byte, 64), nil, nil}
	copy(p.header, "head")
	le.PutUint64(p.header[8:], 7)
	le.PutUint16(p.header[66:], 1)
	le.PutUint32(p.header[68:], 1<<20)
	le.PutUint64(p.header[72:], logAt)
	copy(p.regions, "regi")
	le.PutUint32(p.regions[8:], 2)
	for i, r := range []struct {
		id      string
		at, len uint64
	}{{regionBAT, batAt, 1 << 20}, {regionMetadata, metaAt, 1 << 20}} {
		e := p.regions[16+32*i:]
		copy(e, id(r.id))
		le.PutUint64(e[16:], r.at)
		le.PutUint32(e[24:], uint32(r.len))
		le.PutUint32(e[28:], 1)
	}
	copy(p.meta, "metadata")
	le.PutUint16(p.meta[10:], 3)
	for i, m := range []struct {
		id    string
		size  int
		value uint64
	}{{itemParameters, 8, 1 << 20}, {itemSize, 8, uint64(blocks) << 20}, {itemSector, 4, uint64(sectorSize)}} {
		e := p.meta[32+32*i:]
		copy(e, id(m.id))
		le.PutUint32(e[16:], uint32(64<<10+8*i))
		le.PutUint32(e[20:], uint32(m.size))
		le.PutUint32(e[24:], 4)
		le.PutUint64(p.items[8*i:], m.value)
	}
	return p
}

// image lays the parts out and computes checksums.
func (p *parts) image() *sparseFile {
	f := &sparseFile{size: dataAt + 2<<20, at: map[int64][]byte{}}
	f.at[0] = []byte("vhdxfile")
	h := bytes.Clone(p.header)
	seal(h)
	f.at[64<<10] = h
	r := make([]byte, 64<<10)
	copy(r, p.regions)
	seal(r)
	f.at[192<<10] = r
	f.at[metaAt], f.at[metaAt+64<<10], f.at[batAt], f.at[logAt] = p.meta, p.items, p.bat, p.log
	f.at[dataAt] = bytes.Repeat([]byte{'d'}, page)
	return f
}

// sparseFile is a file that is zero but for some ranges.
type sparseFile struct {
	size int64
	at   map[int64][]byte
}

func (f *sparseFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= f.size {
		return 0, io.EOF
	}
	clear(p)
	for at, b := range f.at {
		if lo, hi := max(at, off), min(at+int64(len(b)), off+int64(len(p))); lo < hi {
			copy(p[lo-off:hi-off], b[lo-at:])
		}
	}
	if off+int64(len(p)) > f.size {
		return int(f.size - off), io.EOF
	}
	return len(p), nil
}

// TestChunks puts the last block behind a sector bitmap entry of the table:
// with sectors of 512 bytes after 4096 blocks, of 4096 bytes after 32768.
func TestChunks(t *testing.T) {
	for sectorSize, chunk := range map[int]int{512: 4096, 4096: 32768} {
		p := tinyParts(chunk+1, sectorSize)
		p.bat = make([]byte, 8*(chunk+2))
		le.PutUint64(p.bat[8*(chunk+1):], dataAt|blockFullyPresent)
		f := p.image()
		d, err := Open(f, f.size)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 2)
		if _, err := d.ReadAt(b, int64(chunk)<<20-1); err != nil || string(b) != "\x00d" {
			t.Errorf("sectors of %d: got %q, %v", sectorSize, b, err)
		}
		disktest.Covers(t, d, 1<<20)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(p *parts)
	}{
		{"differencing", "a differencing disk", func(p *parts) { p.items[4] = 2 }},
		{"version", "version 2", func(p *parts) { p.header[66] = 2 }},
		{"no header", "neither header is whole", func(p *parts) { p.header[0] = 'x' }},
		{"no regions", "neither region table is whole", func(p *parts) { p.regions[0] = 'x' }},
		{"many regions", "regions", func(p *parts) { le.PutUint32(p.regions[8:], 1<<31) }},
		{"required region", "the required region", func(p *parts) { p.regions[16] ^= 1 }},
		{"region at 0", "a region at byte 0", func(p *parts) { clear(p.regions[32:40]) }},
		{"no metadata", "no metadata table", func(p *parts) { p.meta[0] = 'x' }},
		{"required item", "the required metadata item", func(p *parts) { p.meta[32] ^= 1 }},
		{"item outside", "outside the region", func(p *parts) { le.PutUint32(p.meta[32+16:], 1<<31) }},
		{"short item", "too short", func(p *parts) { p.meta[32+20] = 2 }},
		{"block size", "a block size", func(p *parts) { le.PutUint32(p.items, 3<<20) }},
		{"sector size", "a logical sector size", func(p *parts) { le.PutUint32(p.items[16:], 520) }},
		{"size", "a virtual size", func(p *parts) { le.PutUint64(p.items[8:], 1<<62) }},
		{"table too small", "is too small for", func(p *parts) { le.PutUint64(p.items[8:], 1<<40) }},
		{"partly present", "partly in a parent", func(p *parts) { p.bat[0] = blockPartiallyPresent }},
		{"state", "the unknown state 5", func(p *parts) { p.bat[0] = 5 }},
		{"block past the end", "ends after 0", func(p *parts) { le.PutUint64(p.bat, 1<<40|blockFullyPresent) }},
		{"block at 2^63", "block 0 at", func(p *parts) { le.PutUint64(p.bat, 1<<63|blockFullyPresent) }},
		{"log version", "log version 3", func(p *parts) { p.header[64], p.header[48] = 3, 1 }},
		{"log not aligned", "not aligned to 1 MiB", func(p *parts) { p.header[48], p.header[72] = 1, 1 }},
		{"log too long", "over the bound", func(p *parts) { p.header[48] = 1; le.PutUint32(p.header[68:], 1<<31) }},
	} {
		p := tinyParts(2, 512)
		p.bat = make([]byte, 16)
		c.change(p)
		f := p.image()
		d, err := Open(f, f.size)
		if err == nil {
			_, err = d.ReadAt(make([]byte, 100), 0)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Open(strings.NewReader("vhdxfilf"), 8); err != binread.ErrNotMine {
		t.Errorf("no VHDX: %v", err)
	}
}

// logWrite is a descriptor of a log entry: page, or n zeros when page is nil.
type logWrite struct {
	off, n int64
	page   []byte
}

// entryBytes makes a log entry.
func entryBytes(id guid, seq uint64, tail, fileSize int64, writes []logWrite) []byte {
	head := make([]byte, (64+32*len(writes)+page-1)/page*page)
	var pages []byte
	for i, w := range writes {
		d := head[64+32*i:]
		le.PutUint64(d[16:], uint64(w.off))
		le.PutUint64(d[24:], seq)
		if w.page == nil {
			copy(d, "zero")
			le.PutUint64(d[8:], uint64(w.n))
			continue
		}
		copy(d, "desc")
		copy(d[4:8], w.page[page-4:])
		copy(d[8:16], w.page[:8])
		p := bytes.Clone(w.page)
		copy(p, "data")
		le.PutUint32(p[4:], uint32(seq>>32))
		le.PutUint32(p[page-4:], uint32(seq))
		pages = append(pages, p...)
	}
	b := append(head, pages...)
	copy(b, "loge")
	le.PutUint32(b[8:], uint32(len(b)))
	le.PutUint32(b[12:], uint32(tail))
	le.PutUint64(b[16:], seq)
	le.PutUint32(b[24:], uint32(len(writes)))
	copy(b[32:], id[:])
	le.PutUint64(b[48:], uint64(fileSize))
	le.PutUint64(b[56:], uint64(fileSize))
	seal(b)
	return b
}

// dirty puts a log of three entries, which wraps around the log's end, into a
// VHDX that qemu-img made, and names it in both headers. It changes blocks,
// twice in one place, and zeroes what an earlier entry wrote.
func dirty(t *testing.T, b []byte) {
	h, err := readHeader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	bat, _, err := readRegions(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	block := int64(le.Uint64(b[bat.off:])) &^ (mebi - 1)
	fill := func(c byte) []byte { return append(bytes.Repeat([]byte{c}, page-1), c+1) }
	tail := h.logLen - 3*page
	at := tail
	for i, writes := range [][]logWrite{
		{{off: block, page: fill('a')}, {off: block + page, page: fill('b')}}, // three pages: up to the log's end
		{{off: block + page, page: fill('c')}, {off: block + 5*page, n: 3 * page}, {off: block + 6*page, page: fill('d')}},
		{{off: block, n: page}, {off: block + 20*page, page: fill('e')}},
	} {
		e := entryBytes(logID, uint64(100+i), tail, int64(len(b)), writes)
		for k := range e {
			b[h.logOff+(at+int64(k))%h.logLen] = e[k]
		}
		at = (at + int64(len(e))) % h.logLen
	}
	for _, off := range []int{64 << 10, 128 << 10} {
		copy(b[off+48:], logID[:])
		seal(b[off : off+4096])
	}
}

// TestLogAgainstQemu lets QEMU play a log and compares.
func TestLogAgainstQemu(t *testing.T) {
	raw := disktest.Pattern(t, 4<<20, 8)
	path := filepath.Join(t.TempDir(), "disk.vhdx")
	need.Run(t, "qemu-img", "convert", "-O", "vhdx", "-o", "block_size=1M,subformat=fixed", raw, path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clean, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	before := disktest.Sum(t, clean, clean.Size())
	dirty(t, b)
	d, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Join(d.Info().Notes, ""); !strings.Contains(n, "3 log entries were played") {
		t.Fatalf("notes: %q", n)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "qemu-img", "check", "-r", "all", path)
	disktest.Same(t, d, disktest.Raw(t, path, "-f", "vhdx"))
	if disktest.Sum(t, d, d.Size()) == before {
		t.Fatal("the log changed nothing")
	}
	if _, err := Open(bytes.NewReader(b[:len(b)-1]), int64(len(b)-1)); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Fatalf("a file cut short: %v", err)
	}
}

// openParts opens the image whose structures are cut from r.
func openParts(r io.ReaderAt, size int64) (image.Image, error) {
	b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	p := &parts{}
	for _, x := range []struct {
		to *[]byte
		n  int
	}{{&p.header, 4096}, {&p.regions, 96}, {&p.meta, 192}, {&p.items, 64}, {&p.bat, 64}} {
		*x.to = make([]byte, x.n)
		b = b[copy(*x.to, b[:min(len(b), x.n)]):]
	}
	p.log = b[:min(len(b), 1<<20)]
	if len(p.log) >= 12 { // else no entry would ever be valid
		if n := le.Uint32(p.log[8:]); n >= page && int64(n) <= int64(len(p.log)) {
			seal(p.log[:n])
		}
	}
	f := p.image()
	return Open(f, f.size)
}

// seed is the input of openParts that makes a good image with a log.
func seed() []byte {
	p := tinyParts(4, 512)
	copy(p.header[48:], logID[:])
	p.bat = make([]byte, 64)
	le.PutUint64(p.bat[8:], dataAt|blockFullyPresent)
	e := entryBytes(logID, 9, 0, dataAt, []logWrite{{off: dataAt, page: bytes.Repeat([]byte{'x'}, page)}, {off: dataAt + page, n: page}})
	return bytes.Join([][]byte{p.header, p.regions, p.meta, p.items, p.bat, e}, nil)
}

func TestHostile(t *testing.T) {
	if !disktest.Poke(t, openParts, seed()) {
		t.Fatal("the seed does not open")
	}
	disktest.Torment(t, openParts, seed(), [][2]int{{0, 80}, {4096, 4096 + 96}, {4192, 4192 + 128}, {4384, 4384 + 24}, {4448, 4448 + 32}, {4512, 4512 + 128}}, 1500)
}

// TestTangledLog claims in every page that an entry as long as the log starts
// there.
func TestTangledLog(t *testing.T) {
	p := tinyParts(4, 512)
	copy(p.header[48:], logID[:])
	le.PutUint32(p.header[68:], 64<<20)
	p.log = make([]byte, 64<<20)
	for at := 0; at < len(p.log); at += page {
		copy(p.log[at:], "loge")
		le.PutUint32(p.log[at+8:], 64<<20)
		p.log[at+16] = 1
		copy(p.log[at+32:], logID[:])
	}
	f := p.image()
	f.size = 80 << 20
	_, err := Open(f, f.size)
	if err == nil || !strings.Contains(err.Error(), "overlap too much") {
		t.Fatalf("got %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(seed())
	f.Fuzz(func(t *testing.T, b []byte) { disktest.Poke(t, openParts, b) })
}
