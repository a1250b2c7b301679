package guest

import (
	"path"
	"slices"
	"strings"

	"assay/internal/artefact/osrelease"
	"assay/internal/artefact/sshdconf"
)

// Bounds on includes: sshd's own depth, and files in all.
const (
	maxSSHDDepth = 16
	maxSSHDFiles = 1000
)

// sshdOptions are the files in which distributions keep sshd's command line,
// and the name of the variable.
var sshdOptions = []struct{ path, name string }{
	{"/etc/default/ssh", "SSHD_OPTS"}, {"/etc/sysconfig/sshd", "OPTIONS"}, {"/etc/sysconfig/ssh", "SSHD_OPTS"}, {"/etc/conf.d/sshd", "SSHD_OPTS"},
}

type sshdReader struct {
	g     *Guest
	s     *SSHD
	files int
}

// read takes the command line first, for its values win, then the file.
func (r *sshdReader) read() {
	config := "/etc/ssh/sshd_config"
	if !r.g.Exists(config) && r.g.Exists("/usr/etc/ssh/sshd_config") {
		config = "/usr/etc/ssh/sshd_config" // SUSE's vendor file
	}
	for _, o := range sshdOptions {
		b, err := r.g.Read(o.path)
		if err != nil || b == nil {
			continue
		}
		if f := r.options(o.path, b, o.name); f != "" {
			config = f
		}
	}
	r.file(config, nil, "", 0)
	if os := r.g.OS(); oldRootLogin(os) {
		r.s.blocks = append(r.s.blocks, sshdBlock{settings: []sshdLine{{key: "permitrootlogin", value: "yes"}}})
	}
}

// oldRootLogin reports whether the distribution's sshd lets root in with a
// password by default: OpenSSH before 7.0, and Red Hat's until EL 7
// (openssh-7.4p1-permit-root-login.patch).
func oldRootLogin(os OS) bool {
	below := map[string]int{"rhel": 8, "centos": 8, "ol": 8, "scientific": 8, "alinux": 3, "anolis": 8, "debian": 9, "ubuntu": 16}[os.ID]
	major, _, _ := strings.Cut(os.Version, ".")
	n := 0
	for _, c := range []byte(major) {
		if c < '0' || c > '9' || n > 1000 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n > 0 && n < below
}

// options reads -o and -p from a command line, and returns the file of -f.
func (r *sshdReader) options(name string, b []byte, variable string) (config string) {
	words := strings.Fields(osrelease.Parse(b)[variable])
	line := 0
	for i, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), variable+"=") {
			line = i + 1
		}
	}
	var block sshdBlock
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(w) < 2 || w[0] != '-' || strings.IndexByte("opf", w[1]) < 0 {
			continue
		}
		value := w[2:]
		if value == "" {
			if i++; i >= len(words) {
				break
			}
			value = words[i]
		}
		switch w[1] {
		case 'f':
			config = value
			continue
		case 'p':
			value = "Port=" + value
		}
		if d, ok := sshdconf.Directive(value); ok {
			block.settings = append(block.settings, sshdLine{d.Key, sshdValue(d), d.Args, name, line})
		}
	}
	r.s.blocks = append(r.s.blocks, block)
	return config
}

// sshdValue joins the arguments of a directive.
func sshdValue(d sshdconf.Line) string {
	if sshdRaw[d.Key] {
		return d.Rest
	}
	v := strings.Join(d.Args, " ")
	if sshdWords[d.Key] {
		v = strings.ToLower(v)
	}
	if d.Key == "permitrootlogin" && v == "without-password" {
		v = "prohibit-password"
	}
	return v
}

// file reads one file under the conditions of the Match block that includes
// it. A Match line inside ends with the file.
func (r *sshdReader) file(name string, under [][]sshdconf.Criterion, criteria string, depth int) {
	if r.files++; depth > maxSSHDDepth || r.files > maxSSHDFiles {
		r.s.Unread = append(r.s.Unread, name)
		return
	}
	b, err := r.g.Read(name)
	if err != nil {
		r.s.Unread = append(r.s.Unread, name)
	}
	if b == nil {
		return
	}
	r.s.Files = append(r.s.Files, name)
	block := sshdBlock{criteria: criteria, under: under}
	flush := func() {
		if len(block.settings) > 0 {
			r.s.blocks = append(r.s.blocks, block)
		}
		block.settings = nil
	}
	for _, l := range sshdconf.Parse(b) {
		switch l.Key {
		case "match":
			flush()
			block = sshdBlock{criteria: joinCriteria(criteria, strings.Join(l.Args, " ")), under: append(slices.Clone(under), matchLine(l.Args))}
		case "include":
			flush()
			for _, arg := range l.Args {
				for _, f := range r.glob(arg) {
					r.file(f, block.under, block.criteria, depth+1)
				}
			}
		default:
			block.settings = append(block.settings, sshdLine{l.Key, sshdValue(l), l.Args, name, l.Line})
		}
	}
	flush()
}

// matchLine reads the criteria of a Match line; one that sshd would refuse
// matches nobody.
func matchLine(args []string) []sshdconf.Criterion {
	if cs, ok := sshdconf.Criteria(args); ok {
		return cs
	}
	return []sshdconf.Criterion{{Name: "invalid-user"}}
}

func joinCriteria(a, b string) string {
	if a == "" {
		return b
	}
	return a + " & " + b
}

// glob expands the argument of Include as glob(3) does: sorted, and a wildcard
// does not match a leading dot.
func (r *sshdReader) glob(arg string) []string {
	if !strings.HasPrefix(arg, "/") {
		arg = "/etc/ssh/" + arg
	}
	for strings.Contains(arg, "**") {
		arg = strings.ReplaceAll(arg, "**", "*")
	}
	pattern := strings.ReplaceAll(path.Clean(arg), "[!", "[^")
	ms, _ := r.g.Match(pattern) // cut far above maxSSHDFiles
	var out []string
	for _, m := range ms {
		if dot := path.Base(m.Path)[0] == '.'; !dot || path.Base(pattern)[0] == '.' {
			out = append(out, m.Path)
		}
	}
	return out
}
