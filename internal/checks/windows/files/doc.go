// Package files judges what people and programs leave on the disks of a Windows
// machine: answer files, histories, saved credentials and keys, logs, dumps,
// caches, things thrown away.
//
// In: a guest. Out: findings. May touch: the guest. Never: shows a password or
// a key. Next room: the verbs.
package files

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

// A left is one kind of thing that is left over. Count and size follow its
// text.
type left struct {
	what     finding.Text
	severity finding.Severity
	group    string // the directory that stands for all files; "" for one finding a directory
	patterns []string
	op       finding.Op // "" where a person must decide
	risk     finding.Text
}

// run reports each kind that is there.
func run(p *Pass, kinds ...left) error {
	if p.Subject.Windows() == nil {
		return nil
	}
	for _, k := range kinds {
		group := leftover.Under()
		if k.group != "" {
			group = func(guest.Match) string { return k.group }
		}
		err := leftover.Run(p, leftover.Spec{
			Patterns: k.patterns, Group: group, Anchor: k.patterns[0],
			Keep: desktopINI,
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf(k.what.EN+": %s, %s", k.what.ZH+"：%s，%s", g.Count(), g.Size())
			},
			Severity: func(leftover.Group) finding.Severity { return k.severity },
			Fix:      k.op, FixTitle: t("Empty the files", "清空这些文件"), Safe: k.risk == finding.Text{}, Risk: k.risk,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// desktopINI reports whether a file only tells Explorer how to show a folder.
func desktopINI(m guest.Match) bool { return lower(m.Path) == "desktop.ini" }
