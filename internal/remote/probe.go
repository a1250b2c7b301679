package remote

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

//go:embed sh/probe.sh
var probeScript string

//go:embed sh/masked.sh
var maskedScript string

// Bounds of what a machine may send.
const (
	maxArchive = 256 << 20 // bytes on the wire
	maxContent = 384 << 20 // bytes of all files together
	maxFile    = 160 << 20 // bytes of one file: a package database
	maxFiles   = 400_000
)

// A File is one file that the probe brought.
type File struct {
	Path     string // absolute and clean
	Mode     uint16 // 07777
	UID, GID uint32
	Mtime    int64 // seconds since 1970
	Dir      bool
	Link     string // target of a symbolic link
	Data     string
	// Named says that only the name is known: the content stayed there.
	Named bool
	// Cut says that this folder holds more than was brought.
	Cut bool
}

// Probe brings what the checks need to know of a machine, as an archive for
// Files. Through a shell that is not private it brings no hash and no secret.
func Probe(ctx context.Context, sh Shell) ([]byte, error) {
	s := ProbeScript(sh.Private())
	r, err := sh.Run(ctx, s)
	if err == nil {
		err = r.Err(s.Name)
	}
	return r.Stdout, err
}

// ProbeScript is what Probe runs.
func ProbeScript(private bool) Script {
	s := Script{Name: "probe", Text: probeScript, Limit: maxArchive}
	if !private {
		s.Text = maskedScript
	}
	return s
}

const (
	magic   = "assay-probe 1\n"
	divider = "--tar--\n"
)

// Files reads the archive of Probe and calls yield for each file. What comes
// from the machine is not trusted: names are made clean, everything is bounded.
// An archive that ends early is an error after the files before the end.
func Files(archive io.Reader, yield func(File)) error {
	head, rest, err := split(archive)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(head) {
		kind, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if kind != "f" && kind != "c" || !strings.HasPrefix(name, "/") || strings.IndexByte(name, 0) >= 0 {
			continue
		}
		if n++; n > maxFiles {
			return errors.New("the machine named too many files")
		}
		yield(File{Path: path.Clean(name), Mode: 0o755, Named: kind == "f", Cut: kind == "c"})
	}
	z, err := gzip.NewReader(rest)
	if err != nil {
		return fmt.Errorf("the machine's archive: %w", err)
	}
	return untar(tar.NewReader(io.LimitReader(z, maxContent)), n, yield)
}

// maxHead bounds the names before the archive.
const maxHead = 32 << 20

func split(r io.Reader) (head string, rest io.Reader, err error) {
	var b bytes.Buffer
	chunk := make([]byte, 64<<10)
	for {
		if i := bytes.Index(b.Bytes(), []byte("\n"+divider)); i >= 0 {
			head := string(b.Bytes()[:i+1])
			body, ok := strings.CutPrefix(head, magic)
			if !ok {
				return "", nil, errors.New("what the machine sent is not the probe's answer")
			}
			return body, io.MultiReader(bytes.NewReader(bytes.Clone(b.Bytes()[i+1+len(divider):])), r), nil
		}
		if b.Len() > maxHead || b.Len() >= len(magic) && !bytes.HasPrefix(b.Bytes(), []byte(magic)) {
			return "", nil, errors.New("what the machine sent is not the probe's answer")
		}
		n, err := r.Read(chunk)
		b.Write(chunk[:n])
		if err != nil && n == 0 {
			return "", nil, errors.New("the probe's answer ends early")
		}
	}
}

func untar(t *tar.Reader, n int, yield func(File)) error {
	hard := map[string]string{} // contents by name, for hard links to them
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the machine's archive: %w", err)
		}
		if n++; n > maxFiles {
			return errors.New("the machine sent too many files")
		}
		f := File{Path: path.Clean("/" + h.Name), Mode: uint16(h.Mode & 0o7777), UID: uint32(h.Uid), GID: uint32(h.Gid), Mtime: h.ModTime.Unix()}
		switch h.Typeflag {
		case tar.TypeDir:
			f.Dir = true
		case tar.TypeSymlink:
			if f.Link = h.Linkname; f.Link == "" {
				continue
			}
		case tar.TypeReg:
			if h.Size > maxFile {
				return fmt.Errorf("the machine sent a file of %d bytes", h.Size)
			}
			b, err := io.ReadAll(t)
			if err != nil {
				return fmt.Errorf("the machine's archive, %q: %w", f.Path, err)
			}
			f.Data = string(b)
			hard[f.Path] = f.Data
		case tar.TypeLink:
			data, ok := hard[path.Clean("/"+h.Linkname)]
			if !ok {
				continue
			}
			f.Data = data
		default:
			continue
		}
		yield(f)
	}
}
