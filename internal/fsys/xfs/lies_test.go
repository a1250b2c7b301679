//go:build linux

package xfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// plain is a small image of version 5 without a mount: 200 files in the root.
func plain(t *testing.T) *sparseImage {
	t.Helper()
	src := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(src, noise(5000, 1), 0o600))
	proto := "dummy\n0 0\nd--755 0 0\n" + strings.Repeat("f", 10) + " ---640 0 0 " + src + "\n$\n"
	must(t, os.WriteFile(src+".proto", []byte(proto), 0o600))
	return load(t, mkfs(t, 310<<20, "-p", src+".proto"))
}

// alter changes an image at a byte and makes the checksums right.
func alter(s *sparseImage, off int64, b ...byte) *sparseImage {
	c := s.copy()
	c.write(off, b)
	reseal(c.pages[off/pageSize])
	return c
}

func word(v uint32) []byte { return be.AppendUint32(nil, v) }

func opened(t *testing.T, s *sparseImage) *FS {
	t.Helper()
	fs, err := Open(s, s.size)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// wantFormat requires a FormatError at one offset (-1: any) with a text.
func wantFormat(t *testing.T, err error, off int64, text string) {
	t.Helper()
	var fe *binread.FormatError
	if !errors.As(err, &fe) || off >= 0 && fe.Offset != off || !strings.Contains(fe.Msg, text) {
		t.Errorf("got %v, want a format error at %d with %q", err, off, text)
	}
}

func TestLies(t *testing.T) {
	s := plain(t)
	fs := opened(t, s)
	root, err := fs.inode(fs.root)
	must(t, err)
	top, err := listing(fs, fs.Root())
	must(t, err)
	file, err := fs.inode(uint64(top["ffffffffff"].Node))
	must(t, err)
	if _, err := fs.Free(); err != nil {
		t.Fatal(err)
	}
	agf, agi := fs.sectorSize, 2*fs.sectorSize
	agfBytes, _, err := fs.groupHeader(0, 1, agfMagic)
	must(t, err)
	bno := fs.agByte(0, be.Uint32(agfBytes[16:]))
	agiBytes, _, err := fs.groupHeader(0, 2, agiMagic)
	must(t, err)
	inobt := fs.agByte(0, be.Uint32(agiBytes[20:]))

	t.Run("inode checksum", func(t *testing.T) {
		c := s.copy()
		c.write(root.off+60, []byte{0x55})
		_, err := opened(t, c).Stat(fs.Root())
		wantFormat(t, err, root.off, "checksum")
	})
	t.Run("node out of any chunk", func(t *testing.T) {
		for _, n := range []fsys.Node{0, 1, 1 << 20, 1<<64 - 1, fs.Root() + 64*100} {
			_, err := fs.Stat(n)
			wantFormat(t, err, -1, "inode")
		}
	})
	t.Run("free inode", func(t *testing.T) {
		_, err := fs.Stat(fs.Root() + 60)
		wantFormat(t, err, root.off+60<<fs.inodeLog, "not in use")
	})
	t.Run("free space counter", func(t *testing.T) {
		_, err := opened(t, alter(s, agf+55, 1)).Free()
		wantFormat(t, err, agf+52, "free blocks")
	})
	t.Run("free space out of the group", func(t *testing.T) {
		_, err := opened(t, alter(s, bno+60, word(0x7fffffff)...)).Free()
		wantFormat(t, err, -1, "out of range")
	})
	t.Run("free list", func(t *testing.T) {
		_, err := opened(t, alter(s, agf+48, word(0x10000)...)).Free()
		wantFormat(t, err, agf+40, "free list")
	})
	t.Run("inode tree root is its own child", func(t *testing.T) {
		c := s.copy()
		self := word(be.Uint32(agiBytes[20:]))
		c.write(inobt+4, []byte{0, 1, 0, 1}) // a node with one entry
		c.write(inobt+56+4*((fs.blockSize-56)/8), self)
		c.write(agi+24, word(2))
		reseal(c.pages[inobt/pageSize])
		reseal(c.pages[0])
		_, err := opened(t, c).Stat(fs.Root())
		wantFormat(t, err, inobt, "twice")
	})
	t.Run("list of deleted inodes loops", func(t *testing.T) {
		c := alter(s, agi+40, word(uint32(fs.root))...)
		c = alter(c, root.off+nextUnlinked, word(uint32(fs.root))...)
		_, err := opened(t, c).Free()
		wantFormat(t, err, agi+40, "loops")
	})
	t.Run("extent outside", func(t *testing.T) {
		_, err := opened(t, alter(s, file.off+coreV3+8, 0xff, 0xff)).Open(top["ffffffffff"].Node)
		wantFormat(t, err, file.off+coreV3, "out of range")
	})
	t.Run("realtime file", func(t *testing.T) {
		var ue *binread.UnsupportedError
		x := opened(t, alter(s, file.off+91, flagRealtime))
		if _, err := x.Open(top["ffffffffff"].Node); !errors.As(err, &ue) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("features", func(t *testing.T) {
		for _, bit := range []uint32{incompatMetaDir, incompatZoned, 1 << 20} {
			var ue *binread.UnsupportedError
			c := alter(s, 216, word(bit|fs.incompat)...)
			if _, err := Open(c, c.size); !errors.As(err, &ue) {
				t.Errorf("bit %#x: %v", bit, err)
			}
		}
	})
	t.Run("super block checksum", func(t *testing.T) {
		c := s.copy()
		c.write(108, []byte("label"))
		_, err := Open(c, c.size)
		wantFormat(t, err, 0, "checksum")
	})
	t.Run("not XFS", func(t *testing.T) {
		c := s.copy()
		c.write(0, []byte("XFSC"))
		if _, err := Open(c, c.size); !errors.Is(err, binread.ErrNotMine) {
			t.Error(err)
		}
	})
}

// TestProblems checks what Describe says when something cannot be read.
func TestProblems(t *testing.T) {
	s := plain(t)
	fs := opened(t, s)
	log := fs.Log()
	for _, c := range []struct {
		name string
		kind finding.GapKind
		img  *sparseImage
		free bool
	}{
		{"external log", finding.GapJournal, alter(s, 48, make([]byte, 8)...), false},
		{"log out of range", finding.GapJournal, alter(s, 96, word(1<<30)...), false},
		{"broken log", finding.GapJournal, alter(s, log.Off+8, word(7)...), false},
		{"realtime device", finding.GapMissing, alter(s, 16, 0, 0, 0, 0, 0, 0, 1, 0), true},
		{"needs repair", finding.GapCorrupt, alter(s, 216, word(fs.incompat|incompatNeedsRepair)...), true},
	} {
		x := opened(t, c.img)
		p := x.Describe().Problems
		if len(p) != 1 || p[0].Kind != c.kind || p[0].Detail == "" {
			t.Errorf("%s: %+v", c.name, p)
		}
		if _, err := x.Free(); (err == nil) != c.free {
			t.Errorf("%s: Free: %v", c.name, err)
		}
		if top, err := listing(x, x.Root()); err != nil || len(top) != 1 {
			t.Errorf("%s: %v, %v", c.name, top, err)
		}
	}
	cut, err := Open(s, s.size-1<<20)
	must(t, err)
	if p := cut.Describe().Problems; len(p) != 1 || p[0].Kind != finding.GapCorrupt {
		t.Errorf("cut volume: %+v", p)
	}
}
