// Package data judges what belongs to people and to the business: databases,
// web content, source code, dumps, notes with passwords.
//
// In: a guest. Out: findings for a person to act on: data is the owner's to
// keep or to remove. May touch: the guest; it reads no more of a file than its
// beginning. Never: removes data. Next room: the verbs.
package data

import (
	"io"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// Check is a rule over one machine.
type Check = check.Check[*guest.Guest]

// Pass is one run of it.
type Pass = check.Pass[*guest.Guest]

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

// maxSized bounds the files whose size is added up for one directory.
const maxSized = 20_000

// A total is how much lies below a directory. Bytes are a lower bound when
// there are more than maxSized files.
type total struct {
	files int
	bytes int64
	more  bool
}

func (s total) size() string {
	if s.more {
		return "> " + finding.Size(s.bytes)
	}
	return finding.Size(s.bytes)
}

// add counts a file.
func (s *total) add(p *Pass, at fsys.Place) {
	s.files++
	if s.files > maxSized {
		s.more = true
		return
	}
	if m, err := p.Subject.Tree.Meta(at); err == nil {
		s.bytes += m.Size
	}
}

// below adds up the regular files with content below a directory that keep
// accepts.
func below(p *Pass, dir string, keep func(name string) bool) (s total) {
	_ = p.Subject.Tree.Walk(dir, func(name string, at fsys.Place, e fsys.Entry, err error) error {
		if err == nil && e.Kind == fsys.Regular && (keep == nil || keep(name)) {
			s.add(p, at)
		}
		return p.Context.Err() // what cannot be read is in the index's faults
	})
	return s
}

// head reads at most n bytes of the start of a file.
func head(p *Pass, m guest.Match, n int) string {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
		return ""
	}
	b := make([]byte, min(int64(n), f.Size()))
	got, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
	}
	return string(b[:got])
}

// vendorDirs are parts of paths under which files come from elsewhere: what a
// package manager, not a person, put there.
var vendorDirs = []string{"/node_modules/", "/site-packages/", "/dist-packages/", "/.git/", "/vendor/", "/.cargo/", "/go/pkg/", "/.cache/", "/.local/lib/", "/.local/share/Trash/", "/.m2/", "/.rustup/", "/.nvm/",
	"/venv/lib/", "/gems/", "/overlay2/", "/io.containerd."}

// people reports whether a file lies where people and applications put theirs.
func people(name string) bool {
	if strings.HasPrefix(name, "/usr/") && !strings.HasPrefix(name, "/usr/local/") || credfile.UnderAny(name, "/etc", "/lib", "/lib64", "/bin", "/sbin", "/boot", "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/lib/rpm", "/snap") {
		return false
	}
	for _, v := range vendorDirs {
		if strings.Contains(name, v) {
			return false
		}
	}
	return true
}

// counted writes "1 file, 3 B" in both languages.
func counted(en, zh string, s total) finding.Text {
	return finding.Tf("%[1]s (%[3]s, %[5]s)", "%[2]s(%[4]d 个文件,%[5]s)", en, zh, leftover.Files(s.files), s.files, s.size())
}
