package fleet

import (
	"path"
	"slices"
	"strings"

	"assay/internal/artefact/sshdconf"
)

// wanted are the settings that leave keys as the only way in.
var wanted = []struct{ key, name, value string }{
	{"pubkeyauthentication", "PubkeyAuthentication", "yes"},
	{"passwordauthentication", "PasswordAuthentication", "no"},
	{"kbdinteractiveauthentication", "KbdInteractiveAuthentication", "no"},
}

// headline opens what a fix writes.
const headline = "# Written by assay fix: keys are the only way in. See sshd_config(5).\n"

// sshdChange finds the place from which sshd really takes its settings.
//
// Where the main file includes a folder before it says anything of its own, a
// file that sorts first there decides: its values come first, and its "Match
// all" comes before every other Match. Elsewhere the main file itself is
// changed: the settings go to its top, and lines in Match blocks that say
// otherwise become comments. The caller proves the result with sshd -T.
func sshdChange(s SSHD) (*Change, error) {
	if s.Main == "" {
		return nil, refuse("no sshd_config was found", "未找到 sshd_config")
	}
	if dir, pattern := includeFirst(s); dir != "" {
		text := headline + block() + "Match all\n" + matchBlock()
		if len(s.Dropins) > 0 && s.Dropins[0].Text == text {
			return nil, nil
		}
		if name, ok := firstName(pattern, s.Dropins); ok {
			return &Change{File{dir + "/" + name, text}, true}, nil
		}
		if i := slices.IndexFunc(s.Dropins, func(f File) bool { return strings.HasPrefix(f.Text, headline) }); i == 0 {
			return &Change{File{s.Dropins[0].Path, text}, false}, nil
		}
	}
	text := headline + block() + strings.Join(muted(s.Text), "")
	for _, f := range s.Dropins {
		if hasMatch(f.Text) {
			return nil, refuse("%s has a Match block that only a file before it could overrule, and none can come before it", "%s 含有 Match 块，但无法放置排在其之前的文件来覆盖", f.Path)
		}
	}
	if text == s.Text {
		return nil, nil
	}
	return &Change{File{s.Main, text}, false}, nil
}

// block is the settings for outside a Match. OpenSSH before 8.7 takes
// keyboard-interactive from its older name, which a Match cannot set.
func block() string { return matchBlock() + "ChallengeResponseAuthentication no\n" }

func matchBlock() string {
	s := ""
	for _, w := range wanted {
		s += w.name + " " + w.value + "\n"
	}
	return s
}

// includeFirst returns the folder of a glob that the main file includes before
// any setting that we want to decide and before any Match.
func includeFirst(s SSHD) (dir, pattern string) {
	for _, l := range sshdconf.Parse([]byte(s.Text)) {
		if l.Key == "include" {
			arg := l.Args[0]
			if !strings.HasPrefix(arg, "/") {
				arg = "/etc/ssh/" + arg
			}
			if dir, pattern := path.Split(path.Clean(arg)); strings.HasPrefix(pattern, "*") && !strings.ContainsAny(dir, "*?[") {
				return strings.TrimSuffix(dir, "/"), pattern
			}
			return "", ""
		}
		if l.Key == "match" || slices.ContainsFunc(wanted, func(w struct{ key, name, value string }) bool { return w.key == l.Key }) {
			return "", ""
		}
	}
	return "", ""
}

// firstName finds a name that the pattern includes and that sorts before the
// names in use, in bytes as glob(3) of a daemon sorts.
func firstName(pattern string, others []File) (string, bool) {
	first := ""
	for _, f := range others {
		if b := path.Base(f.Path); first == "" || b < first {
			first = b
		}
	}
	for _, n := range []string{"00-assay.conf", "0-assay.conf", "+assay.conf", "!assay.conf"} {
		if ok, err := path.Match(pattern, n); err == nil && ok && (first == "" || n < first) {
			return n, true
		}
	}
	return "", false
}

// muted turns the lines of Match blocks that say otherwise into comments. An
// earlier version of our own lines goes.
func muted(text string) (out []string) {
	text = strings.TrimPrefix(text, headline+block())
	inMatch := false
	for l := range strings.Lines(text) {
		d, ok := sshdconf.Directive(l)
		if ok && d.Key == "match" {
			inMatch = true
		}
		if ok && inMatch {
			for _, w := range wanted {
				if d.Key == w.key && !strings.EqualFold(d.Args[0], w.value) {
					l = "# assay fix: " + l
				}
			}
		}
		out = append(out, l)
	}
	return out
}

func hasMatch(text string) bool {
	return slices.ContainsFunc(sshdconf.Parse([]byte(text)), func(l sshdconf.Line) bool { return l.Key == "match" })
}
