package ntfs

import (
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// Tags of reparse points ([MS-FSCC] 2.1.2.1).
const (
	tagMountPoint = 0xA0000003
	tagSymlink    = 0xA000000C
	tagLXSymlink  = 0xA000001D
	tagHSM        = 0xC0000004
	tagHSM2       = 0x80000006
	tagDedup      = 0x80000013
	tagWOF        = 0x80000017
	tagAFUnix     = 0x80000023
	tagLXFifo     = 0x80000024
	tagLXChar     = 0x80000025
	tagLXBlock    = 0x80000026
)

// maxReparse is MAXIMUM_REPARSE_DATA_BUFFER_SIZE.
const maxReparse = 16 << 10

// reparse returns the tag and the data of the file's reparse point, 0 if it
// has none.
func (in *inode) reparse() (tag uint32, data []byte, err error) {
	a := in.first(typeReparse, "")
	if a == nil {
		return 0, nil, nil
	}
	s, err := in.stream(a)
	if err != nil {
		return 0, nil, err
	}
	b, err := s.all(maxReparse)
	if err != nil {
		return 0, nil, err
	}
	if len(b) < 8 || int(le.Uint16(b[4:])) > len(b)-8 {
		return 0, nil, binread.Errorf(format, a.where(), "MFT record %d has a reparse point of %d bytes", in.base.no, len(b))
	}
	return le.Uint32(b), b[8 : 8+int(le.Uint16(b[4:]))], nil
}

// kind says what the file is to a reader.
func (in *inode) kind() (fsys.Kind, error) {
	tag, _, err := in.reparse()
	if err != nil {
		return fsys.Unknown, err
	}
	switch tag {
	case tagSymlink, tagMountPoint, tagLXSymlink:
		return fsys.Symlink, nil
	case tagAFUnix:
		return fsys.Socket, nil
	case tagLXFifo:
		return fsys.FIFO, nil
	case tagLXChar:
		return fsys.CharDevice, nil
	case tagLXBlock:
		return fsys.BlockDevice, nil
	}
	if in.dir() {
		return fsys.Directory, nil
	}
	return fsys.Regular, nil
}

// elsewhere says why the bytes of a file with a reparse point are not those of
// its data: nil when they are.
func (in *inode) elsewhere() error {
	tag, _, err := in.reparse()
	if err != nil {
		return err
	}
	switch tag {
	case 0:
		return nil
	case tagWOF:
		return binread.Unsupported(format, "a file compressed by Windows Overlay Filter (CompactOS)")
	case tagDedup:
		return binread.Unsupported(format, "a file with deduplicated data")
	case tagHSM, tagHSM2:
		return binread.Unsupported(format, "a file moved to remote storage")
	}
	if d := in.first(typeData, ""); d != nil && d.size > 0 && d.flags&attrSparse != 0 {
		return binread.Unsupported(format, "a placeholder with reparse tag %#x", tag)
	}
	return nil
}

// Readlink implements fsys.FS. What Windows resolves as a path of drive C:
// begins with "/", as the volume of the system is mounted there; other drives
// and volumes are "/D:/…" and "/Volume{…}/…".
func (f *FS) Readlink(n fsys.Node) (string, error) {
	in, err := f.inode(n)
	if err != nil {
		return "", err
	}
	return in.target()
}

func (in *inode) target() (string, error) {
	tag, b, err := in.reparse()
	if err != nil {
		return "", err
	}
	head := 8
	switch tag {
	case tagMountPoint:
	case tagSymlink:
		head = 12
	case tagLXSymlink: // 4 bytes of version, then the target as Linux wrote it
		if len(b) < 4 {
			return "", binread.Errorf(format, in.base.at, "MFT record %d has a link of %d bytes", in.base.no, len(b))
		}
		return string(b[4:]), nil
	default:
		return "", fsys.ErrNotFile
	}
	if len(b) < head {
		return "", binread.Errorf(format, in.base.at, "MFT record %d has a link of %d bytes", in.base.no, len(b))
	}
	off, n := head+int(le.Uint16(b)), int(le.Uint16(b[2:]))
	if off+n > len(b) {
		return "", binread.Errorf(format, in.base.at, "MFT record %d has a link whose target ends at %d of %d", in.base.no, off+n, len(b))
	}
	return slashed(decodeName(b[off : off+n])), nil
}

// slashed converts the target of a link to a path of the tree.
func slashed(s string) string {
	s = strings.ReplaceAll(strings.TrimRight(s, "\x00"), `\`, "/")
	rest, absolute := strings.CutPrefix(s, "/??/")
	if !absolute {
		if rest, absolute = strings.CutPrefix(s, "//?/"); !absolute {
			return s
		}
	}
	if len(rest) >= 2 && rest[1] == ':' && rest[0]|0x20 == 'c' {
		return "/" + strings.TrimLeft(rest[2:], "/")
	}
	return "/" + rest
}
