package history

import (
	"regexp"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var shellHistory = &Check{
	ID:       "any/history/shell-history",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"A3", "B3", "B8"},
	Covers:   []string{"HIS-001", "HIS-002", "HIS-003", "HIS-004", "HIS-005"},
	Doc: check.Doc{
		Title:  t("Histories of shells", "shell 历史记录"),
		Why:    t("They hold passwords typed on the command line, host names, and how the image was made", "其中包含在命令行输入的密码、主机名以及镜像的制作过程"),
		Remedy: t("Delete the files. As the last step on a running machine: unset HISTFILE, or the shell writes it again at exit", "删除这些文件。在运行中的机器上最后执行 unset HISTFILE，否则 shell 退出时会重新写入"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		k := kind{name: t("Shell history", "shell 历史记录"), patterns: []string{
			"~/.bash_history", "~/.bash_history-*.tmp", "~/.bash_history[.~_-]*", "~/.bash_sessions/*", "~/.zsh_history*", "~/.zhistory*", "~/.histfile*", "~/.zsh_sessions/*",
			"~/.local/share/fish/fish_history*", "~/.config/fish/fish_history*", "~/.sh_history*", "~/.ash_history*", "~/.history", "~/.ksh_history*", "~/.mksh_history",
			"~/.csh_history", "~/.tcsh_history", "~/.dash_history", "~/.config/nushell/history.txt", "~/.config/powershell/*history*.txt",
			"~/.local/share/powershell/PSReadLine/*_history.txt", "~/.local/share/xonsh/history_json/*", "~/.elvish/*", "/.bash_history", "/.ash_history", "/.sh_history"}}
		return k.report(p, unique(append(credfile.Targets(p.Subject, k.patterns...), custom(p)...)))
	},
}

// unique leaves each file once.
func unique(ms []guest.Match) (out []guest.Match) {
	for _, m := range ms {
		if !slices.ContainsFunc(out, func(o guest.Match) bool { return o.Place == m.Place }) {
			out = append(out, m)
		}
	}
	return out
}

var (
	assignment = regexp.MustCompile(`(?m)^[ \t]*(?:(?:export|declare|typeset|readonly|local)[ \t]+(?:-\w+[ \t]+)*)?(?:\w+=\S*[ \t]+)*HISTFILE=("[^"\n]*"|'[^'\n]*'|(?:\$\([^)\n]*\)|[^\s;&#])+)`)
	computed   = regexp.MustCompile("\\$\\([^)]*\\)|`[^`]*`|\\$\\{[^}]*\\}|\\$\\w+")
)

// custom lists the histories that start-up files of shells name by HISTFILE.
// What a shell would compute, such as $(date) or $USER, matches anything.
func custom(p *Pass) []guest.Match {
	var patterns []string
	for _, rc := range credfile.Targets(p.Subject, "/etc/profile", "/etc/profile.d/*", "/etc/bash.bashrc", "/etc/bashrc", "/etc/bash/bashrc*", "/etc/zsh/*", "/etc/zshrc",
		"/etc/zshenv", "/etc/environment", "/etc/ksh.kshrc", "~/.bashrc", "~/.bash_profile", "~/.bash_login", "~/.profile", "~/.zshrc", "~/.zshenv", "~/.zprofile", "~/.kshrc", "~/.mkshrc") {
		b, ok := credfile.Read(p, rc)
		if !ok {
			continue
		}
		for _, m := range assignment.FindAllSubmatch(b, 1000) {
			if pattern := expand(string(m[1])); pattern != "" {
				patterns = append(patterns, pattern)
			}
		}
	}
	return credfile.Targets(p.Subject, patterns...)
}

// expand makes a pattern of a HISTFILE value, "" when it says too little.
func expand(v string) string {
	v = strings.Trim(v, `"'`)
	for _, home := range []string{"${HOME}", "$HOME", "${ZDOTDIR:-$HOME}", "${ZDOTDIR:-${HOME}}", "${ZDOTDIR}", "$ZDOTDIR"} {
		if rest, ok := strings.CutPrefix(v, home+"/"); ok {
			v = "~/" + rest
		}
	}
	v = computed.ReplaceAllString(v, "*")
	if v == "/dev/null" || strings.Trim(v[strings.LastIndexByte(v, '/')+1:], "*.-_") == "" && !strings.HasPrefix(v, "/var/log/") || strings.Count(v, "/") < 1 {
		return ""
	}
	if !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "~/") || strings.Contains(v, "**/") || strings.HasPrefix(v, "/*") {
		return ""
	}
	return strings.ReplaceAll(v, "**", "*")
}
