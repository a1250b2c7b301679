package history

import (
	"bytes"
	"regexp"
	"strings"

	"assay/check"
	"assay/internal/checks/credfile"
)

// A transcript is what one text says.
type transcript struct {
	Lines  int // commands, not time stamps
	Secret int // lines that look like they hold a credential
	Line   int // the first of them, 1-based
	Value  string
	Masked string // that line with every credential masked
	Binary bool
}

// maxLineLen: longer lines are data that was pasted, not commands.
const maxLineLen = 16 << 10

// read counts the lines of a history in any of the usual forms.
func read(b []byte) transcript {
	x := transcript{Binary: bytes.IndexByte(b[:min(len(b), 4096)], 0) >= 0}
	n := 0
	for raw := range strings.Lines(string(b)) {
		n++
		text := command(strings.TrimRight(raw, "\r\n"))
		if text == "" {
			continue
		}
		x.Lines++
		if len(text) > maxLineLen {
			text = text[:maxLineLen]
		}
		secrets := credentials(text)
		if len(secrets) == 0 {
			continue
		}
		if x.Secret++; x.Secret == 1 {
			x.Line, x.Value, x.Masked = n, secrets[0], mask(text, secrets)
		}
	}
	return x
}

var (
	stamp    = regexp.MustCompile(`^#[0-9]{9,11}$`)                        // bash
	zshStamp = regexp.MustCompile(`^: [0-9]{9,11}:[0-9]+;`)                // zsh, extended
	fishHead = regexp.MustCompile(`^(?:- cmd: |  when: [0-9]+$|  paths:)`) // fish
	octal    = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`) // libedit's vis(3) form
)

// command is the command on one line of a history file, or "".
func command(l string) string {
	l = strings.ToValidUTF8(l, "?")
	switch {
	case stamp.MatchString(l), l == "_HiStOrY_V2_":
		return ""
	case zshStamp.MatchString(l):
		_, l, _ = strings.Cut(l, ";")
	case fishHead.MatchString(l):
		cmd, ok := strings.CutPrefix(l, "- cmd: ")
		if !ok {
			return ""
		}
		l = cmd
	}
	return strings.TrimSpace(octal.Replace(l))
}

// forms are commands and statements that carry a credential, beyond what
// credfile.Command knows. The last group is the credential.
var forms = []*regexp.Regexp{
	regexp.MustCompile(`echo\s+(?:-\w+\s+)*["']?([^"'|]+?)["']?\s*\|\s*(?:sudo\s+)?(?:/\S*/)?passwd\s+(?:\S+\s+)*--stdin`),
	regexp.MustCompile(`echo\s+(?:-\w+\s+)*["']?[\w.-]+:([^"'|]+?)["']?\s*\|\s*(?:sudo\s+)?(?:/\S*/)?chpasswd`),
	regexp.MustCompile(`chpasswd\s*<<<\s*["']?[\w.-]+:([^"']+)`),
	regexp.MustCompile(`echo\s+(?:-\w+\s+)*["']?([^"'|]+?)["']?\s*\|\s*sudo\s+-\S*S`),
	regexp.MustCompile(`\b(?:useradd|usermod)\b.*\s(?:-p|--password)[ =]+["']?([^"'\s]+)`),
	regexp.MustCompile(`\bhtpasswd\s+-\w*b\w*\s+\S+\s+\S+\s+["']?([^"'\s]+)`),
	regexp.MustCompile(`\bopenssl\s+passwd\s+(?:-\S+\s+(?:\S{1,16}\s+)?)*["']?([^-"'\s][^"'\s]*)`),
	regexp.MustCompile(`(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?["']([^"']+)`),
	regexp.MustCompile(`(?i)\bset\s+password\b.*?=\s*(?:password\s*\(\s*)?["']([^"']+)`),
	regexp.MustCompile(`(?i)\b(?:user|role)\s+\S+\s.*\bpassword\s+["']([^"']+)`),
	regexp.MustCompile(`(?i)^\s*(?:auth)\s+(?:\S+\s+)?["']?([^"'\s]+)["']?\s*$`),
	regexp.MustCompile(`(?i)\b(?:requirepass|masterauth)\s+["']?([^"'\s]+)`),
	regexp.MustCompile(`(?i)\bcreateUser\s*\(.*\bpwd\s*:\s*["']([^"']+)`),
	regexp.MustCompile(`(?i)\bAuthorization:\s*(?:Bearer|Basic|token)\s+([\w.~+/=-]{8,})`),
	regexp.MustCompile(`\b(LTAI[0-9A-Za-z]{12,26})\b`),
	regexp.MustCompile(`\b(?:AKIA|ASIA)([0-9A-Z]{16})\b`),
	regexp.MustCompile(`\b(gh[pousr]_[0-9A-Za-z]{36,}|glpat-[\w-]{20,}|xox[abp]-[\w-]{10,}|sk-[0-9A-Za-z]{20,})`),
	regexp.MustCompile(`(?i)\bdocker\s+login\b.*\s(?:-p|--password)[ =]["']?([^"'\s]+)`),
	regexp.MustCompile(`(?i)\baliyun\s+configure\b.*--access-key-secret[ =]["']?([^"'\s]+)`),
	regexp.MustCompile(`(?i)\bnmcli\b.*\b(?:password|psk)\s+["']?([^"'\s]+)`),
}

// credentials lists what in a command looks like a credential.
func credentials(line string) (out []string) {
	for _, s := range credfile.Command(line, 0) {
		out = append(out, string(s.Value))
	}
	for _, f := range forms {
		m := f.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if v := strings.TrimSpace(m[len(m)-1]); credfile.Real(v) {
			out = append(out, v)
		}
	}
	return out
}

// mask shows a line without its credentials, the longest first so that none is
// left in part.
func mask(line string, secrets []string) string {
	for range secrets {
		longest := ""
		for _, s := range secrets {
			if len(s) > len(longest) && strings.Contains(line, s) {
				longest = s
			}
		}
		if longest == "" {
			break
		}
		line = strings.ReplaceAll(line, longest, check.Mask())
	}
	return credfile.Show(line)
}
