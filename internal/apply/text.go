package apply

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"

	"assay/internal/fsys"
	"assay/internal/plan"
)

// maxText bounds a file that is changed by its text, in bytes.
const maxText = 64 << 20

// rewrite changes a file's content as a whole. A change that changes nothing
// is a surprise: the plan said that there is something.
func (h *hand) rewrite(f *file, change func([]byte) ([]byte, error)) error {
	in, err := f.editor.Open(f.place.Node)
	if err != nil {
		return err
	}
	old, err := fsys.Content(in, maxText)
	if err != nil {
		return err
	}
	out, err := change(old)
	if err != nil {
		return err
	}
	return f.editor.Replace(f.place.Node, out)
}

// lines cuts a text after each newline; the last line may lack it.
func lines(b []byte) [][]byte { return bytes.SplitAfter(b, []byte{'\n'}) }

// removeLine takes out one line if it still is what the plan saw.
func (h *hand) removeLine(f *file, s plan.Step) error {
	return h.rewrite(f, func(b []byte) ([]byte, error) {
		all := lines(b)
		if s.Line < 1 || s.Line > len(all) {
			return nil, fmt.Errorf("line %d of %s: %w", s.Line, f.path, errChanged)
		}
		text := all[s.Line-1]
		if s.Expect != "" && !h.expected(s.Expect, text) {
			return nil, fmt.Errorf("line %d of %s: %w", s.Line, f.path, errChanged)
		}
		return append(bytes.Join(all[:s.Line-1], nil), bytes.Join(all[s.Line:], nil)...), nil
	})
}

// expected compares a line in the spellings in which checks fingerprint it:
// without its end, and without the space around it.
func (h *hand) expected(want string, line []byte) bool {
	for _, l := range [][]byte{bytes.TrimRight(line, "\r\n"), bytes.TrimSuffix(line, []byte{'\n'}), bytes.TrimSpace(line)} {
		if h.Fingerprint(l) == want {
			return true
		}
	}
	return false
}

// replace overwrites Length bytes at Offset. Without With they become a
// placeholder of the same length.
func (h *hand) replace(f *file, s plan.Step) error {
	if s.Offset < 0 || s.Length <= 0 || s.Length > maxText || s.Offset > f.meta.Size-s.Length {
		return fmt.Errorf("bytes %d to %d of %s: %w", s.Offset, s.Offset+s.Length, f.path, errChanged)
	}
	in, err := f.editor.Open(f.place.Node)
	if err != nil {
		return err
	}
	old := make([]byte, s.Length)
	if _, err := in.ReadAt(old, s.Offset); err != nil {
		return err
	}
	if s.Expect != "" && h.Fingerprint(old) != s.Expect && h.Fingerprint(narrow(old)) != s.Expect {
		if s.With == "" {
			return errEncoded // escaped or wrapped in the file: a placeholder could break its format
		}
		return fmt.Errorf("bytes %d to %d of %s: %w", s.Offset, s.Offset+s.Length, f.path, errChanged)
	}
	switch {
	case s.With == "":
		return f.editor.Overwrite(f.place.Node, s.Offset, placeholder(old))
	case int64(len(s.With)) == s.Length:
		return f.editor.Overwrite(f.place.Node, s.Offset, []byte(s.With))
	}
	return h.rewrite(f, func(b []byte) ([]byte, error) {
		return append(append(bytes.Clone(b[:s.Offset]), s.With...), b[s.Offset+s.Length:]...), nil
	})
}

// narrow reads UTF-16 of either byte order as UTF-8; other bytes come back as
// something that matches no fingerprint.
func narrow(b []byte) []byte {
	if len(b)%2 != 0 {
		return nil
	}
	big := b[0] == 0
	u := make([]uint16, len(b)/2)
	for i := range u {
		lo, hi := b[2*i], b[2*i+1]
		if big {
			lo, hi = hi, lo
		}
		u[i] = uint16(lo) | uint16(hi)<<8
	}
	return []byte(string(utf16.Decode(u)))
}

// Overwritten is what takes the place of old, as long as it, if old is the
// secret of this fingerprint ("" for any), as bytes or in UTF-16.
func Overwritten(old []byte, expect string, fingerprint func([]byte) string) ([]byte, bool) {
	if len(old) == 0 || expect != "" && fingerprint(old) != expect && fingerprint(narrow(old)) != expect {
		return nil, false
	}
	return placeholder(old), true
}

// placeholder is as long as the secret and of the same shape where a format
// cares: line ends stay, and the zero bytes of UTF-16.
func placeholder(old []byte) []byte {
	out := bytes.Clone(old)
	for i, c := range out {
		if c != '\n' && c != '\r' && c != 0 {
			out[i] = 'x'
		}
	}
	return out
}

// lock sets the password field of every line of a user to "*".
func (h *hand) lock(f *file, user string) error {
	return h.rewrite(f, func(b []byte) ([]byte, error) {
		n := 0
		all := lines(b)
		for i, l := range all {
			fields := strings.SplitN(string(l), ":", 3)
			if len(fields) == 3 && fields[0] == user {
				all[i] = []byte(fields[0] + ":*:" + fields[2])
				n++
			}
		}
		if n == 0 {
			return nil, fmt.Errorf("%s has no line of user %s: %w", f.path, user, errChanged)
		}
		return bytes.Join(all, nil), nil
	})
}

// sshdConfig is where a setting goes that stands nowhere yet.
const sshdConfig = "/etc/ssh/sshd_config"

// setSSHD makes sshd's effective setting With ("PermitRootLogin no"). sshd
// takes the first value that it reads, so a setting that stands nowhere goes to
// the very top, before any Include and Match.
func (h *hand) setSSHD(s plan.Step) error {
	name, line := s.Path, s.Line
	if name == "" {
		name, line = sshdConfig, 0
	}
	f, err := h.find(s.Volume, name, true)
	if err != nil {
		return err
	}
	return h.rewrite(f, func(b []byte) ([]byte, error) {
		if line == 0 {
			return append([]byte(s.With+"\n"), b...), nil
		}
		all := lines(b)
		if line > len(all) || !sameKeyword(string(all[line-1]), s.With) {
			return nil, fmt.Errorf("line %d of %s: %w", line, f.path, errChanged)
		}
		old := string(all[line-1])
		indent := old[:len(old)-len(strings.TrimLeft(old, " \t"))]
		end := ""
		if strings.HasSuffix(old, "\n") {
			end = "\n"
		}
		all[line-1] = []byte(indent + s.With + end)
		return bytes.Join(all, nil), nil
	})
}

// sameKeyword compares the keywords of two lines of sshd_config, which are
// followed by a space, a tab or "=".
func sameKeyword(a, b string) bool {
	word := func(s string) string {
		s = strings.TrimLeft(s, " \t")
		if i := strings.IndexAny(s, " \t=\r\n"); i >= 0 {
			s = s[:i]
		}
		return strings.Trim(s, `"`)
	}
	return word(a) != "" && strings.EqualFold(word(a), word(b))
}
