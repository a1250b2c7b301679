package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"assay/internal/binread"
	"assay/internal/disk/qcow2"
	"assay/internal/disk/raw"
	"assay/internal/disk/vdi"
	"assay/internal/disk/vhd"
	"assay/internal/disk/vhdx"
	"assay/internal/disk/vmdk"
)

// maxChain bounds a chain of backing files, each of which keeps caches.
const maxChain = 32

// opener opens one image and everything it needs.
type opener struct {
	opts                    Options
	openExtent, openBacking func(path string) (*os.File, error) // nil refuses
	file                    *File
}

func newOpener(opts Options) *opener {
	return &opener{opts: opts, openExtent: opts.OpenSibling, openBacking: opts.OpenSibling, file: &File{}}
}

func (o *opener) open(f *os.File, name string) (*File, error) {
	img, err := o.openFile(f, name, o.opts.Format, nil)
	if err != nil {
		o.file.Close()
		return nil, err
	}
	o.file.Image = img
	return o.file, nil
}

// openFile opens the image in f. chain is what has f as its backing file, the
// top first.
func (o *opener) openFile(f *os.File, name, format string, chain []os.FileInfo) (Image, error) {
	src, err := newSource(f, name)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	for _, up := range chain {
		if os.SameFile(up, fi) {
			return nil, binread.Errorf("qcow2", 8, "the chain of backing files comes back to %q", name)
		}
	}
	if len(chain) == maxChain {
		return nil, binread.Unsupported("qcow2", "a chain of more than %d backing files", maxChain)
	}
	if format == "" {
		if src, err = o.decompressed(src); err != nil {
			return nil, err
		}
	}
	if len(chain) == 0 {
		o.file.host = src
	}
	return o.probe(src, format, append(chain[:len(chain):len(chain)], fi))
}

// probe asks each format in turn. Those with a magic number at a fixed place
// come first, VHD, which is recognised by its end, after them, and raw, which
// takes everything, last.
func (o *opener) probe(src source, format string, chain []os.FileInfo) (Image, error) {
	for _, p := range []struct {
		name string
		open func() (Image, error)
	}{
		{"qcow2", func() (Image, error) { return o.qcow2(src, chain) }},
		{"vhdx", func() (Image, error) { return vhdx.Open(src, src.size) }},
		{"vmdk", func() (Image, error) { return vmdk.Open(src, src.size, vmdk.Options{Extent: o.extent(src)}) }},
		{"vdi", func() (Image, error) { return vdi.Open(src, src.size) }},
		{"vhd", func() (Image, error) { return vhd.Open(src, src.size) }},
		{"", func() (Image, error) { return nil, foreign(src) }},
		{"raw", func() (Image, error) { return raw.Open(src, src.size) }},
	} {
		if format != "" && format != p.name {
			continue
		}
		img, err := p.open()
		if !errors.Is(err, binread.ErrNotMine) {
			return img, err
		}
		if format != "" {
			return nil, fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil, binread.Unsupported("disk image", "the format %q", format)
}

func (o *opener) qcow2(src source, chain []os.FileInfo) (Image, error) {
	var opts qcow2.Options
	if o.opts.AllowBacking && o.openBacking != nil {
		opts.Backing = o.backing(src, chain)
	}
	img, err := qcow2.Open(src, src.size, opts)
	if err != nil {
		return nil, err // and no nil *qcow2.Image in an interface
	}
	return img, nil
}

// backing opens the backing file that the header in src names. A format that
// the header gives is taken at its word, as QEMU does, so that a raw backing
// file cannot pose as something else.
func (o *opener) backing(src source, chain []os.FileInfo) func(name, format string) (Image, error) {
	return func(name, format string) (Image, error) {
		local := strings.TrimPrefix(name, "file:")
		if proto, _, ok := strings.Cut(local, ":"); ok && !strings.Contains(proto, "/") {
			return nil, binread.Unsupported("qcow2", "a backing file by protocol %q", proto)
		}
		switch format {
		case "", "raw", "qcow2", "vhdx", "vmdk", "vdi":
		case "vpc": // QEMU's name for it
			format = "vhd"
		case "host_device":
			format = "raw"
		default:
			return nil, binread.Unsupported("qcow2", "a backing file of format %q", format)
		}
		path := beside(src.name, local)
		f, err := o.openBacking(path)
		if err != nil {
			return nil, err
		}
		o.file.owned = append(o.file.owned, f)
		return o.openFile(f, path, format, chain)
	}
}

// extent opens the extents that a VMDK descriptor in src names.
func (o *opener) extent(src source) func(base string) (io.ReaderAt, int64, error) {
	if o.openExtent == nil {
		return nil
	}
	return func(base string) (io.ReaderAt, int64, error) {
		path := beside(src.name, base)
		f, err := o.openExtent(path)
		if err != nil {
			return nil, 0, err
		}
		o.file.owned = append(o.file.owned, f)
		s, err := newSource(f, path)
		return s, s.size, err
	}
}

// foreign recognises what is an image or an archive but not read here, so that
// it is not taken for a raw disk. It returns binread.ErrNotMine for the rest.
func foreign(src source) error {
	head := make([]byte, 512)
	n, err := src.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	head = head[:n]
	for _, m := range []struct{ magic, name string }{
		{"QED\x00", "qed"},
		{"WithoutFreeSpace", "parallels"}, {"WithouFreSpacExt", "parallels"},
		{"\xfd7zXZ\x00", "xz"}, {"BZh", "bzip2"}, {"\x04\x22\x4d\x18", "lz4"}, {"LZIP", "lzip"},
		{"7z\xbc\xaf\x27\x1c", "7z"}, {"PK\x03\x04", "zip"}, {"Rar!\x1a\x07", "rar"},
		{"EVF\x09\x0d\x0a\xff\x00", "ewf"}, {"EVF2\x0d\x0a\x81\x00", "ewf"}, {"AFF10\r\n\x00", "aff"},
		{"MSWIM\x00\x00\x00", "wim"}, {"Bochs Virtual HD Image", "bochs"}, {"\xbe\xba\xfe\xca\x00\x00\x00\x00", "sesparse"},
		{"shdw", "asif"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return binread.Unsupported(m.name, "this image or archive format")
		}
	}
	// A tar archive, also an OVA: its header has zeros where a boot sector
	// has its mark.
	if len(head) == 512 && string(head[257:262]) == "ustar" && head[510] != 0x55 {
		return binread.Unsupported("tar", "an archive (an OVA, too: extract the disk first)")
	}
	tail := make([]byte, 4)
	if n, _ := src.ReadAt(tail, src.size-512); n == 4 && string(tail) == "koly" {
		return binread.Unsupported("dmg", "this image format")
	}
	return binread.ErrNotMine
}
