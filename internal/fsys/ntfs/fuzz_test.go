//go:build linux

package ntfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// fuzzBase is a volume with everything small in it, and the ranges of it that
// are structures: what a fuzzer changes elsewhere says nothing.
func fuzzBase(f *testing.F) (memory, []int64) {
	m := tiny(f, "", func(dir string) {
		for _, n := range []int{0, 10, 600, 5000} {
			write(f, fmt.Sprintf("%s/plain-%d", dir, n), secret(n))
		}
		write(f, compressed(f, dir+"/packed")+"/text", pattern(1, 150000))
		write(f, dir+"/packed/mixed", append(noise(1, 70000), make([]byte, 90000)...))
		many := mkdir(f, dir+"/many")
		for i := range 40 {
			write(f, fmt.Sprintf("%s/a name that fills the index %d", many, i), nil)
		}
		write(f, dir+"/streams", []byte("main"))
		write(f, dir+"/streams:one", secret(100))
		write(f, dir+"/streams:two", secret(9000))
		fragment(f, dir+"/fragments", 600, 512)
		write(f, dir+"/hiberfil.sys", make([]byte, 5000))
		write(f, mkdir(f, dir+"/System Volume Information")+"/{1}"+shadowName, secret(3000))
	}, "-c", "512")
	x := m.open(f)
	var hot []int64
	add := func(at, n int64) {
		for i := range n {
			hot = append(hot, at+i)
		}
	}
	add(0, 0x60)
	err := x.pass(func(r *record, _ bool, err error) error {
		if err == nil && (r.inUse() || r.no < 30) {
			add(r.at, min(int64(r.used())+8, x.recordSize))
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	_ = x.Scan(func(n fsys.Node, _ fsys.Meta) error {
		in, err := x.inode(n)
		if err != nil {
			f.Fatal(err)
		}
		for _, a := range in.attrs {
			if a.resident || a.typ == typeData && a.unit == 0 || a.lowest != 0 {
				continue
			}
			s, err := in.stream(a)
			if err != nil {
				f.Fatal(err)
			}
			for _, r := range s.runs {
				if r.lcn != hole {
					add(r.lcn*x.cluster, min(r.n*x.cluster, 2048))
				}
			}
		}
		return nil
	})
	return m, hot
}

// spoil changes one byte of the structures for each 4 bytes of data: where, and
// what it becomes.
func spoil(base memory, hot []int64, data []byte) memory {
	m := base.clone()
	for ; len(data) >= 4; data = data[4:] {
		v := binary.LittleEndian.Uint32(data)
		m[hot[int(v&0xFFFFFF)%len(hot)]] = byte(v >> 24)
	}
	return m
}

// read asks everything of a file system and checks what its contract says.
func read(t *testing.T, x fsys.FS) {
	nodes := map[fsys.Node]bool{}
	queue := []fsys.Node{x.Root()}
	for i := 0; i < len(queue) && i < 500; i++ {
		_ = x.ReadDir(queue[i], func(e fsys.Entry) error {
			if !validName(e.Name) {
				t.Fatalf("name %q", e.Name)
			}
			if !nodes[e.Node] {
				nodes[e.Node] = true
				queue = append(queue, e.Node)
			}
			return nil
		})
	}
	_ = x.(fsys.InodeScanner).Scan(func(n fsys.Node, _ fsys.Meta) error { nodes[n] = true; return nil })
	buf := make([]byte, 100000)
	for n := range nodes {
		m, err := x.Stat(n)
		if err == nil && m.Size < 0 {
			t.Fatalf("size %d", m.Size)
		}
		_, _ = x.Readlink(n)
		_, _ = x.(fsys.Extenter).Extents(n)
		if f, err := x.Open(n); err == nil {
			for _, off := range []int64{0, f.Size() / 2, max(0, f.Size()-100)} {
				if k, err := f.ReadAt(buf, off); k < len(buf) && err == nil {
					t.Fatalf("a short read without an error")
				}
			}
		}
		ss, _ := x.(fsys.Streamer).Streams(n)
		for _, s := range ss {
			if f, err := x.(fsys.Streamer).OpenStream(n, s.Name); err == nil {
				_, _ = f.ReadAt(buf, 0)
			}
		}
	}
	_, _ = x.(fsys.FreeSpace).Free()
}

func FuzzVolume(f *testing.F) {
	base, hot := fuzzBase(f)
	f.Add([]byte{})
	f.Add([]byte{1, 2, 3, 4, 0x40, 0, 0, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := spoil(base, hot, data)
		x, err := Open(m, int64(len(m)))
		if err != nil {
			return
		}
		read(t, x)
	})
}

// FuzzEditor edits volumes whose lies the preflight does not see. Whatever they
// are, it writes only within the volume, and what it leaves passes the same
// preflight again.
func FuzzEditor(f *testing.F) {
	base, hot := fuzzBase(f)
	f.Add([]byte{}, uint16(0))
	f.Add([]byte{0x40, 0, 5, 1}, uint16(3))
	f.Fuzz(func(t *testing.T, data []byte, k uint16) {
		m := spoil(base, hot, data)
		e, err := NewEditor(m, int64(len(m)))
		if err != nil {
			return
		}
		var nodes []fsys.Node
		_ = e.Scan(func(n fsys.Node, _ fsys.Meta) error { nodes = append(nodes, n); return nil })
		for i, n := range nodes {
			size := int64(0)
			if f, err := e.Open(n); err == nil {
				size = f.Size()
			}
			off := size / 3
			switch (i + int(k)) % 6 {
			case 0:
				err = e.Blank(n)
			case 1:
				err = e.Overwrite(n, off, bytes.Repeat([]byte("x"), int(min(size-off, 3000))))
			case 2:
				err = e.Clear(n, off, size-off)
			case 3:
				room, _ := e.Room(n)
				err = e.Replace(n, bytes.Repeat([]byte("y"), int(min(room, 5000))))
			case 4:
				ss, _ := e.Streams(n)
				for _, s := range ss {
					err = e.BlankStream(n, s.Name)
				}
			case 5:
				err = e.Blank(n)
				if err == nil {
					if st, err := e.Stat(n); err != nil || st.Size != 0 {
						t.Fatalf("a blanked file: %+v, %v", st, err)
					}
				}
			}
			known(t, err)
		}
		if _, err := e.Scrub(); err != nil {
			known(t, err)
			return
		}
		if _, err := NewEditor(m, int64(len(m))); err != nil {
			t.Fatalf("after the edits: %v", err)
		}
	})
}

// known fails on an error that is none of a file system's.
func known(t *testing.T, err error) {
	t.Helper()
	var fe *binread.FormatError
	var ue *binread.UnsupportedError
	for _, e := range []error{fsys.ErrCannot, fsys.ErrNotFile, fsys.ErrNotExist, fsys.ErrNoRoom, io.EOF} {
		if errors.Is(err, e) {
			return
		}
	}
	if err != nil && !errors.As(err, &fe) && !errors.As(err, &ue) {
		t.Fatalf("%v", err)
	}
}

func FuzzLZNT1(f *testing.F) {
	f.Add(compress(pattern(1, 2*chunkPlain)))
	f.Add([]byte("\x38\xb0\x88\x46\x23\x20"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out := make([]byte, 4*chunkPlain)
		if n, _ := decompress(out, b); n > len(b) {
			t.Fatalf("%d of %d bytes used", n, len(b))
		}
		plain := append(b, make([]byte, chunkPlain-len(b)%chunkPlain)...)
		again := make([]byte, len(plain))
		if _, err := decompress(again, compress(plain)); err != nil || !bytes.Equal(again, plain) {
			t.Fatalf("packed and unpacked: %v", err)
		}
	})
}
