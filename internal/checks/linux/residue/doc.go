// Package residue judges what a running system leaves behind: logs, temporary
// files, caches, dumps, mail, swap.
//
// In: a guest. Out: few findings, each for many files of one kind. May touch:
// the guest; it reads contents only to tell an empty file from a full one.
// Never: asks to remove a file that a service needs to start. Next room: the
// verbs.
package residue

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

// Check is a rule over one machine.
type Check = check.Check[*guest.Guest]

// Pass is one run of it.
type Pass = check.Pass[*guest.Guest]

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

// counted says what kind of files, how many and how large.
func counted(en, zh string) func(leftover.Group) finding.Text {
	return func(g leftover.Group) finding.Text {
		return finding.Tf("%[1]s: %[3]s, %[5]s", "%[2]s:%[4]d 个文件,共 %[5]s", en, zh, g.Count(), len(g.Matches), g.Size())
	}
}

// inDir is counted for files of a group whose key is a directory.
func inDir(en, zh string) func(leftover.Group) finding.Text {
	return func(g leftover.Group) finding.Text {
		return counted(en+" in "+g.Key, g.Key+" 中的"+zh)(g)
	}
}

var (
	emptyTitle  = t("Empty the files, keep them", "清空文件内容，保留文件")
	removeTitle = t("Remove the files", "删除这些文件")
)
