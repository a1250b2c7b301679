// Package machine judges what makes this machine this one and no other: ids,
// names, leases, cloud-init's state, and the agents of clouds.
//
// In: a guest. Out: findings. May touch: the guest. Never: asks to remove an
// identity that nothing would make anew. Next room: the verbs.
package machine

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

// Check is a rule over one machine.
type Check = check.Check[*guest.Guest]

// Pass is one run of it.
type Pass = check.Pass[*guest.Guest]

// file is a file known to hold secrets.
type file = credfile.File

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

var removeTitle = t("Remove the files", "删除这些文件")

// group makes one finding of all files that the patterns name below key, and
// one of each other directory that they lie in.
func group(key, en, zh string, patterns ...string) leftover.Spec {
	return leftover.Spec{
		Patterns: patterns,
		Group:    leftover.Under(key),
		Anchor:   key,
		Title: func(g leftover.Group) finding.Text {
			return finding.Tf("%[1]s (%[3]s)", "%[2]s(%[4]d 个文件)", en, zh, g.Count(), len(g.Matches))
		},
		Fix: finding.Remove, FixTitle: removeTitle, Safe: true,
	}
}

// run runs several specs.
func run(p *Pass, specs ...leftover.Spec) error {
	for _, s := range specs {
		if err := leftover.Run(p, s); err != nil {
			return err
		}
	}
	return nil
}

// risky says what breaks when the spec's fix is done.
func risky(s leftover.Spec, sev finding.Severity, en, zh string) leftover.Spec {
	s.Safe, s.Risk = false, t(en, zh)
	return rated(s, sev)
}

// rated gives a spec's findings a severity.
func rated(s leftover.Spec, sev finding.Severity) leftover.Spec {
	s.Severity = func(leftover.Group) finding.Severity { return sev }
	return s
}

// noted takes the fix away: a person must decide.
func noted(s leftover.Spec, sev finding.Severity) leftover.Spec {
	s.Fix = ""
	return rated(s, sev)
}
