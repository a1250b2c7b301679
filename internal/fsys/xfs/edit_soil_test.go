package xfs

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"assay/internal/fsys"
	"assay/internal/need"
)

// soil fills, in an image of 4 KiB blocks, every part of metadata that nobody
// reads with marks, as kernels leave them there now and then. It knows blocks
// only by their magic numbers. It returns how many it filled by kind.
func soil(s *sparseImage) map[string]int {
	super, _ := readSuper(s)
	done := map[string]int{}
	fill := func(b []byte) { copy(b, secret(len(b))) }
	for num, page := range s.pages {
		b := bytes.Clone(page)
		what := ""
		switch {
		case be.Uint16(b) == inodeMagic:
			for o := 0; o < len(b); o += int(super.inodeSize) {
				i := b[o : o+int(super.inodeSize)]
				fork, size := i[coreV3:], int(be.Uint64(i[56:]))
				switch {
				case be.Uint16(i) != inodeMagic:
					continue
				case be.Uint16(i[2:]) == 0:
					what = "free inode"
					fill(fork)
				case i[82] == 0 && i[5] == formatLocal:
					what = "inode"
					fill(fork[size:])
				case i[82] == 0 && i[5] == formatExtents:
					what = "inode"
					fill(fork[16*be.Uint32(i[76:]):])
				}
				setSum(i, 100)
			}
		default:
			what = soilBlock(b, fill)
			if k, ok := kindOf(b); ok && what != "" {
				setSum(b, k.sum)
			}
		}
		if what != "" {
			s.pages[num] = b
			done[what]++
		}
	}
	return done
}

func soilBlock(b []byte, fill func([]byte)) string {
	n := int(be.Uint16(b[6:]))
	switch string(b[:4]) {
	case "XARM":
		fill(b[56+be.Uint32(b[8:]):])
		return "attribute value"
	case "XSLM":
		fill(b[56+be.Uint32(b[8:]):])
		return "link"
	case "AB3B", "AB3C":
		if be.Uint16(b[4:]) == 0 {
			fill(b[56+8*n:])
			return "free space tree"
		}
	case "IAB3", "FIB3":
		if be.Uint16(b[4:]) == 0 {
			fill(b[56+16*n:])
			return "inode tree"
		}
	case "BMA3":
		if be.Uint16(b[4:]) == 0 {
			fill(b[72+16*n:])
			return "extent tree"
		}
	case "XDF3":
		fill(b[64+2*be.Uint32(b[52:]):])
		return "free index"
	case "XDD3":
		for pos := 64; pos < len(b); {
			if be.Uint16(b[pos:]) == dirFreeTag {
				k := int(be.Uint16(b[pos+2:]))
				fill(b[pos+4 : pos+k-2])
				pos += k
				continue
			}
			used := 10 + int(b[pos+8])
			k := (used + 2 + 7) &^ 7
			copy(b[pos+used:pos+k-2], "XQZ7mk")
			pos += k
		}
		return "names"
	}
	switch count := int(be.Uint16(b[56:])); be.Uint16(b[8:]) {
	case 0x3dff, 0x3ebe:
		fill(b[64+8*count:])
		return "hashes"
	case 0x3bee: // between the entries and the first name
		fill(b[80+8*count : be.Uint16(b[60:])])
		return "attributes"
	}
	return ""
}

// TestEditorSoil: what nobody reads is zeroed, whatever is in it.
func TestEditorSoil(t *testing.T) {
	img := mkfs(t, 512<<20)
	dir, umount := mount(t, img, "rw")
	populate(t, dir, false)
	plant(t, dir)
	umount()
	s := load(t, img)
	e := newEditor(t, s)
	_, err := e.Scrub()
	must(t, err)
	clean := s.copy()
	t.Logf("soiled: %v", soil(s))
	if n := len(s.marks("XQZ7m")); n < 10000 {
		t.Fatalf("%d marks", n)
	}
	repairAgrees(t, s.save(t))
	e = newEditor(t, s)
	for name, x := range func() map[string]fsys.Entry { l, _ := listing(e.FS, find(t, e, "secrets")); return l }() {
		if err := e.Blank(x.Node); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	rep, err := e.Scrub()
	must(t, err)
	if at := s.marks("XQZ7m"); len(at) > 0 || len(rep.Left) > 0 {
		t.Errorf("left %q, marks at %v", rep.Left, at[:min(20, len(at))])
	}
	out := s.save(t)
	repairAgrees(t, out)
	// Scrubbing twice changes nothing but the log and the emptied files.
	if n := len(clean.pages); len(s.pages) > n {
		t.Errorf("%d pages after the second Scrub, %d after the first", len(s.pages), n)
	}
}

// TestEditorCrash edits what a crash in the middle of work left, and accepts a
// refusal only for unfinished work that only the kernel can finish.
func TestEditorCrash(t *testing.T) {
	rounds := 2
	if os.Getenv("ASSAY_SOAK") != "" {
		rounds = 40
	}
	for round := range rounds {
		args := [][]string{{"-l", "su=32k"}, {"-m", "rmapbt=1"}, {"-b", "size=1k"}, {"-m", "reflink=0"}}[round%4]
		t.Run(fmt.Sprint(round), func(t *testing.T) { editCrashed(t, args, uint64(round)) })
	}
}

func editCrashed(t *testing.T, args []string, seed uint64) {
	img := mkfs(t, 512<<20, args...)
	dir, umount := mount(t, img, "rw,noatime")
	var workers sync.WaitGroup
	for w := range 3 {
		sub := fmt.Sprintf("%s/w%d", dir, w)
		must(t, os.Mkdir(sub, 0o755))
		workers.Go(func() { _ = churn(sub, 1<<20, seed*10+uint64(w)) }) // ends with an I/O error
	}
	time.Sleep(time.Duration(200+seed*37%900) * time.Millisecond)
	need.Run(t, "xfs_io", "-x", "-c", "shutdown", dir)
	workers.Wait()
	umount()
	copied := copyImage(t, img)
	dir, umount = mountDirty(t, img, copied)
	before := manifest(t, dir)
	umount()
	s := load(t, img)
	raw := s.copy()
	e, err := NewEditor(s, s.size)
	if errors.Is(err, fsys.ErrUnsafe) {
		fs, _ := Open(raw, raw.size)
		t.Logf("%v (unfinished %v)", err, fs.LogState().Unfinished)
		if len(fs.LogState().Unfinished) == 0 {
			t.Error("refused without a reason")
		}
		return
	}
	must(t, err)
	r := rand.New(rand.NewPCG(seed, 5))
	want := map[string][]byte{}
	for w := range 3 {
		list, err := listing(e.FS, find(t, e, fmt.Sprintf("w%d", w)))
		must(t, err)
		for name, x := range list {
			m, err := e.Stat(x.Node)
			must(t, err)
			if m.Kind == fsys.Regular && m.Nlink == 1 && r.IntN(3) == 0 {
				want[fmt.Sprintf("/w%d/%s", w, name)] = edit(t, e, x.Node, false, r)
			}
		}
	}
	_, err = e.Scrub()
	must(t, err)
	out := s.save(t)
	repairAgrees(t, out)
	checkEdited(t, out, before, want)
	dir, umount = mount(t, out, "rw,nouuid")
	must(t, os.Mkdir(dir+"/use", 0o755))
	must(t, churn(dir+"/use", 500, 99))
	umount()
	repairAgrees(t, out)
}

// FuzzEditor opens mutated images for changes, as FuzzOpen does, and does
// everything to them.
func FuzzEditor(f *testing.F) {
	need.Tool(f, "mkfs.xfs")
	images := makeBases(f)
	for i := range byte(4) {
		f.Add([]byte{i})
		f.Add([]byte{i, 0, 0, 0, 1, 0, 0, 0x20, 8, 0, 0, 0, 1})
		f.Add([]byte{i, 0, 0, 0, 9, 0, 0, 0x10, 4, 0xff, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		s := images[int(b[0])%len(images)]
		b = b[1:]
		c := mutate(s, func() (uint32, bool) {
			if len(b) < 4 {
				return 0, false
			}
			v := be.Uint32(b)
			b = b[4:]
			return v, true
		})
		editAll(t, c)
	})
}

// editAll opens an image for changes and changes every file of it.
func editAll(t *testing.T, c *sparseImage) {
	e, err := NewEditor(c, c.size)
	if err != nil {
		return
	}
	k := 0
	_ = e.Scan(func(n fsys.Node, m fsys.Meta) error {
		k++
		switch k % 4 {
		case 0:
			_ = e.Blank(n)
		case 1:
			if room, err := e.Room(n); err == nil {
				_ = e.Replace(n, make([]byte, min(room, 1<<20)/2))
			}
		case 2:
			_ = e.Overwrite(n, m.Size/2, []byte("over"))
		case 3:
			_ = e.Clear(n, 0, m.Size)
		}
		return nil
	})
	if _, err := e.Commit(); err != nil {
		return
	}
	_, _ = e.Scrub()
}

// TestEditorHostile does what FuzzEditor does with random mutations.
func TestEditorHostile(t *testing.T) {
	for i, s := range makeBases(t) {
		r := rand.New(rand.NewPCG(uint64(i), 17))
		start := time.Now()
		rounds, opened := 0, 0
		for ; rounds < 1500 && time.Since(start) < 1200*time.Millisecond; rounds++ {
			left := 3 * (1 + r.IntN(3))
			c := mutate(s, func() (uint32, bool) {
				left--
				return r.Uint32(), left >= 0
			})
			one := need.CPU()
			if _, err := NewEditor(c.copy(), c.size); err == nil {
				opened++
			}
			editAll(t, c)
			if d := need.CPU() - one; d > 5*time.Second {
				t.Errorf("round %d took %v", rounds, d)
			}
		}
		t.Logf("base %d: %d mutants, %d opened", i, rounds, opened)
	}
}

// FuzzScrub takes the first 512 bytes as an inode of version 4 and the rest as
// the volume, without checksums in the way, and scrubs all that the inode has.
func FuzzScrub(f *testing.F) {
	for _, format := range []byte{formatLocal, formatExtents, formatBtree} {
		b := make([]byte, 20<<10)
		be.PutUint16(b, inodeMagic)
		b[2], b[4], b[5], b[82], b[83] = 0x40, 2, format, 20, format
		be.PutUint64(b[56:], 100)
		be.PutUint32(b[76:], 2)
		be.PutUint16(b[80:], 1)
		for i, at := range []int{100, 116, 260} { // extents of both forks
			be.PutUint64(b[at:], uint64(i)<<9)
			be.PutUint64(b[at+8:], uint64(8+4*i)<<21|4)
		}
		copy(b[512+8<<10:], "XD2D")
		copy(b[512+10<<10:], "XD2B")
		be.PutUint16(b[512+16<<10+8:], attrLeafV2)
		be.PutUint16(b[512+16<<10+12:], 3)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 512 {
			return
		}
		fs := tinyFS(false, b[512:])
		disk := &sparseImage{size: fs.size(), pages: map[int64][]byte{}}
		disk.write(0, b[512:])
		fs.dev.base = disk
		e := &Editor{FS: fs, p: disk}
		i := &inode{fs: fs, number: 64, off: 32 << 10, b: bytes.Clone(b[:512])}
		if i.check() != nil {
			return
		}
		if mapped, err := hasExtents(i); err == nil && mapped {
			_ = e.scrubMapped(i)
		}
		_ = e.scrubAttrs(i)
		if e.scrubBody(i) == nil {
			if _, err := i.dataFork().extentList(); err != nil { // as broken as before
				return
			}
			_ = e.scrubBody(i)
		}
	})
}
