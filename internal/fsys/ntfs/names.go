package ntfs

import (
	"strings"
	"unicode/utf8"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// decodeName converts UTF-16LE to UTF-8. Each unpaired surrogate becomes three
// bytes of its own (WTF-8), so that no two names become one.
func decodeName(b []byte) string {
	out := make([]byte, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		u := rune(le.Uint16(b))
		switch {
		case u < utf8.RuneSelf:
			out = append(out, byte(u))
		case u < 0xD800 || u > 0xDFFF:
			out = utf8.AppendRune(out, u)
		case u < 0xDC00 && len(b) >= 4 && le.Uint16(b[2:])&0xFC00 == 0xDC00:
			out = utf8.AppendRune(out, 0x10000+(u-0xD800)<<10+rune(le.Uint16(b[2:]))-0xDC00)
			b = b[2:]
		default:
			out = append(out, 0xE0|byte(u>>12), 0x80|byte(u>>6&0x3F), 0x80|byte(u&0x3F))
		}
	}
	return string(out)
}

// validName reports whether a name can stand in a path.
func validName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/\x00")
}

// Fold implements fsys.Folder with the volume's own table of upper case: two
// names of one directory are the same to Windows when they fold to the same.
func (f *FS) Fold(name string) string {
	i := 0
	for i < len(name) && f.same(name[i]) {
		i++
	}
	if i == len(name) {
		return name
	}
	out := append(make([]byte, 0, len(name)), name[:i]...)
	for i < len(name) {
		if c := name[i]; c < utf8.RuneSelf {
			out = append(out, byte(f.upper(rune(c))))
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError || r > 0xFFFF {
			out = append(out, name[i:i+n]...)
		} else {
			out = utf8.AppendRune(out, f.upper(r))
		}
		i += n
	}
	return string(out)
}

// same reports whether c is ASCII and folds to itself.
func (f *FS) same(c byte) bool { return c < utf8.RuneSelf && f.upper(rune(c)) == rune(c) }

func (f *FS) upper(r rune) rune {
	if f.upcase == nil {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}
	return rune(le.Uint16(f.upcase[2*r:]))
}

// upcaseSize is the length of $UpCase: one unit of UTF-16 for each.
const upcaseSize = 2 << 16

// loadUpcase reads $UpCase. Without a usable one only ASCII is folded.
func (f *FS) loadUpcase() {
	b, err := f.system(recordUpcase, typeData, "", upcaseSize)
	if err == nil && len(b) != upcaseSize {
		err = binread.Errorf(format, -1, "$UpCase has %d bytes", len(b))
	}
	for c := range rune(utf8.RuneSelf) {
		if err != nil {
			break
		}
		want := c
		if 'a' <= c && c <= 'z' {
			want = c - 'a' + 'A'
		}
		if got := rune(le.Uint16(b[2*c:])); got != want {
			err = binread.Errorf(format, -1, "$UpCase turns %q into %q", c, got)
		}
	}
	if err != nil {
		f.problem(finding.GapCorrupt, err)
		return
	}
	f.upcase = b
}

var _ fsys.Folder = (*FS)(nil)
