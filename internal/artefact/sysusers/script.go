package sysusers

import (
	"slices"
	"strings"
)

// maxValues bounds the values kept of one variable of a script.
const maxValues = 8

// Script reads a maintainer script and returns the accounts that its calls of
// useradd, adduser --system (or -S, busybox), groupadd and addgroup name, with
// variables replaced where the script sets them to a constant.
func Script(b []byte) Names {
	var n Names
	text := strings.ReplaceAll(string(b), "\\\n", " ")
	if !strings.Contains(text, "user") && !strings.Contains(text, "group") {
		return n
	}
	vars := map[string][]string{}
	for l := range strings.Lines(text) {
		w := words(separate(l))
		if len(w) > 0 && strings.HasPrefix(w[0], "#") {
			continue
		}
		assign(vars, w)
		for i, x := range w {
			switch base := x[strings.LastIndexByte(x, '/')+1:]; base {
			case "useradd", "adduser", "groupadd", "addgroup":
				n.call(base, arguments(w[i+1:]), vars)
			}
		}
	}
	return n
}

// separate puts blanks around what ends a command, so that it becomes a word.
func separate(line string) string {
	return strings.NewReplacer(";", " ; ", "&", " & ", "|", " | ", "(", " ( ", ")", " ) ", "`", " ` ", ">", " > ", "<", " < ").Replace(line)
}

// assign notes NAME=constant at the start of a command or after local and kin.
func assign(vars map[string][]string, w []string) {
	for _, x := range w {
		name, value, ok := strings.Cut(x, "=")
		if !ok || !Valid(name) || !Valid(value) {
			continue
		}
		if v := vars[name]; len(v) < maxValues && !slices.Contains(v, value) {
			vars[name] = append(v, value)
		}
	}
}

// arguments cuts w where the command ends.
func arguments(w []string) []string {
	for i, x := range w {
		if strings.Contains(";&|()`<>}", x) && x != "" {
			if strings.Contains("<>", x) && i > 0 && (w[i-1] == "1" || w[i-1] == "2") {
				i-- // 2>/dev/null
			}
			return w[:i]
		}
	}
	return w
}

// valued are the options that take the next word. The short ones differ:
// useradd has no -h, busybox' adduser none of -c and -d.
var (
	valuedShort = map[string]string{"useradd": "bcdefgGkKpPRsuZ", "adduser": "hgsGuk", "groupadd": "gKpPR", "addgroup": "g"}
	valuedLong  = []string{"--home", "--shell", "--uid", "--gid", "--ingroup", "--gecos", "--comment", "--firstuid", "--lastuid", "--conf",
		"--home-dir", "--base-dir", "--groups", "--password", "--root", "--prefix", "--skel", "--expiredate", "--inactive", "--key", "--home_dir"}
)

// call adds what one command makes.
func (n *Names) call(tool string, args []string, vars map[string][]string) {
	var names []string
	system, group := false, false
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--system", a == "-S":
			system = true
		case a == "--group":
			group = true
		case slices.Contains(valuedLong, a):
			i++
		case strings.HasPrefix(a, "--"):
		case len(a) > 1 && a[0] == '-':
			system = system || strings.Contains(a, "S") && tool == "adduser"
			if strings.IndexByte(valuedShort[tool], a[len(a)-1]) >= 0 {
				i++
			}
		default:
			names = append(names, a)
		}
	}
	if tool == "adduser" && !system && !group {
		return // adds somebody to a group
	}
	for _, word := range names { // the first that is a name: "$quiet" before it is an option
		made := expand(word, vars)
		if len(made) == 0 {
			continue
		}
		if tool == "useradd" || tool == "adduser" && (system || !group) {
			n.Users = append(n.Users, made...)
		}
		if tool != "useradd" {
			n.Groups = append(n.Groups, made...)
		}
		return
	}
}

// expand gives the values of a word that is a constant or one variable.
func expand(word string, vars map[string][]string) []string {
	name, isVar := strings.CutPrefix(word, "$")
	if !isVar {
		if Valid(word) {
			return []string{word}
		}
		return nil
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "{"), "}")
	if name, def, ok := strings.Cut(name, ":-"); ok && len(vars[name]) == 0 && Valid(def) {
		return []string{def}
	}
	return vars[name]
}
