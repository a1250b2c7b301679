//go:build linux

package xfs

import (
	"bytes"
	"testing"

	"assay/internal/fsys"
)

// tiny is a version 4 geometry without checksums: 4 groups of 64 blocks of 1 KiB.
func tiny(v5 bool) *super {
	return &super{
		v5: v5, blockSize: 1024, sectorSize: 512, inodeSize: 512, dirBlock: 2048, blockLog: 10, inodeLog: 9, inopLog: 1, agLog: 6,
		blocks: 256, agBlocks: 64, agCount: 4, inodeAlign: 8, root: 64, fType: true, logVersion: 2,
	}
}

func tinyFS(v5 bool, image []byte) *FS {
	s := tiny(v5)
	disk := make([]byte, s.size())
	copy(disk, image)
	fs := &FS{super: s, dev: &overlay{base: bytes.NewReader(disk), size: s.size(), pages: map[int64][]byte{}}, groups: map[uint32]*group{}}
	fs.chunks.init(s)
	return fs
}

func FuzzSuper(f *testing.F) {
	b := make([]byte, superLen)
	be.PutUint32(b, superMagic)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := make([]byte, 4096)
		copy(whole, b)
		s, err := parseSuper(whole[:superLen])
		if err != nil {
			return
		}
		for _, block := range []uint64{0, 1, s.root, s.logStart, s.blocks, 1 << 40, 1<<64 - 1} {
			if at, ok := s.blockRange(block, 7); ok && (at < 0 || at+7<<s.blockLog > s.size()) {
				t.Fatalf("block %#x is at %d of %d", block, at, s.size())
			}
		}
		_, _ = Open(bytes.NewReader(whole), int64(len(whole)))
	})
}

// FuzzInode reads the first 512 bytes as an inode of every kind and the rest
// as the volume, without checksums in the way.
func FuzzInode(f *testing.F) {
	for _, format := range []byte{formatLocal, formatExtents, formatBtree} {
		b := make([]byte, 20<<10)
		be.PutUint16(b, inodeMagic)
		b[4], b[5], b[82], b[83] = 2, format, 20, format
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
		i := &inode{fs: fs, number: 64, off: 32 << 10, b: b[:512]}
		if i.check() != nil {
			return
		}
		_ = i.meta()
		exts, _ := i.dataFork().extentList()
		_, _ = readExtents(fs.dev, exts, make([]byte, 10000), 100)
		d := dirReader{fs: fs, ino: i, yield: func(e fsys.Entry) error { return nil }}
		_ = d.short()
		_ = d.blocks()
		a := attrReader{fs: fs, ino: i, seen: map[uint32]bool{}}
		if fork, ok := i.attrFork(); ok {
			a.short(fork)
			if a.exts, _ = fork.extentList(); a.exts != nil {
				a.tree(0, -1)
			}
		}
	})
}

// FuzzLog takes the input as a log and replays what it can.
func FuzzLog(f *testing.F) {
	log := make([]byte, 8*sector)
	be.PutUint32(log, recordMagic)
	for _, w := range [][2]uint32{{4, 1}, {8, 2}, {12, 512}, {40, 4}, {300, 1}, {320, 32768}, {44, 1}} {
		be.PutUint32(log[w[0]:], w[1])
	}
	be.PutUint32(log[sector:], 1)
	f.Add(false, log)
	f.Add(true, log)
	f.Fuzz(func(t *testing.T, v5 bool, b []byte) {
		n := min(len(b)/sector, 1<<12)
		if n < 2 {
			return
		}
		fs := tinyFS(v5, nil)
		l := &ring{dev: bytes.NewReader(b), n: int64(n)}
		ends, err := l.find()
		if err != nil {
			return
		}
		if ends.head < 0 || ends.head >= l.n || ends.tail < 0 || ends.tail >= l.n {
			t.Fatalf("head %d, tail %d of %d", ends.head, ends.tail, l.n)
		}
		_ = newReplayer(fs, l).run(ends)
	})
}

// FuzzReplay takes the input as the regions of one transaction, each with a
// length before it, on a volume with one inode cluster.
func FuzzReplay(f *testing.F) {
	region := func(out []byte, b []byte) []byte { return append(append(out, byte(len(b)), byte(len(b)>>8)), b...) }
	buf := make([]byte, 24)
	le.PutUint16(buf, itemBuffer)
	le.PutUint16(buf[2:], 2)
	le.PutUint16(buf[6:], 2)
	le.PutUint64(buf[8:], 64)
	le.PutUint32(buf[16:], 1)
	le.PutUint32(buf[20:], 1)
	f.Add(true, region(region(nil, buf), make([]byte, 128)))
	ino := make([]byte, 56)
	le.PutUint16(ino, itemInode)
	le.PutUint16(ino[2:], 3)
	le.PutUint32(ino[4:], 1|logDataExts)
	le.PutUint64(ino[40:], 64)
	le.PutUint32(ino[48:], 16)
	core := make([]byte, 176)
	le.PutUint16(core, inodeMagic)
	f.Add(true, region(region(region(nil, ino), core), make([]byte, 16)))
	f.Add(false, region(region(region(nil, ino), core[:96]), make([]byte, 16)))
	create := make([]byte, 28)
	le.PutUint16(create, itemICreate)
	le.PutUint16(create[2:], 1)
	be.PutUint32(create[8:], 32)
	be.PutUint32(create[12:], 64)
	be.PutUint32(create[16:], 512)
	be.PutUint32(create[20:], 32)
	f.Add(true, region(nil, create))
	f.Fuzz(func(t *testing.T, v5 bool, b []byte) {
		fs := tinyFS(v5, nil)
		for i := range uint64(64) {
			must(t, fs.dev.patch(32<<10+int64(i)<<9, fs.newInode(64+i, make([]byte, 4))))
		}
		tr := &transaction{lsn: 1 << 32, header: make([]byte, transHeader)}
		for len(b) >= 2 {
			n := min(int(le.Uint16(b)), len(b)-2)
			if !tr.add(b[2 : 2+n]) {
				return
			}
			b = b[2+n:]
		}
		r := newReplayer(fs, &ring{n: 1})
		if r.learn(tr) == nil {
			_ = r.apply(tr)
			r.report()
		}
	})
}
