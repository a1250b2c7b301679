package account

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

// Accounts whose hashes cost minutes each are told in one gap, with what was
// tried, and take no time.
func TestPresetPasswordTellsWhatWasTried(t *testing.T) {
	passwd, shadow := "", ""
	for i := range 12 {
		passwd += fmt.Sprintf("u%d:x:%d:%d::/home/u%d:/bin/bash\n", i, 1000+i, 1000+i, i)
		shadow += fmt.Sprintf("u%d:$2b$31$%s:1::::::\n", i, strings.Repeat("a", 53))
	}
	tree := memfs.Tree(memfs.File{Path: "/etc/passwd", Data: passwd}, memfs.File{Path: "/etc/shadow", Data: shadow})
	var gaps []string
	err := check.Run(context.Background(), guest.New(tree), []*check.Check[*guest.Guest]{presetPassword}, check.Options{
		Report: func(f finding.Finding) { t.Errorf("unexpected finding %q", f.Title.EN) },
		Gap:    func(g finding.Gap) { gaps = append(gaps, g.Detail) },
	})
	if err != nil || len(gaps) != 1 || !strings.Contains(gaps[0], "u0 0 of 58, u1 0 of 58, ") || !strings.HasSuffix(gaps[0], "and 2 more accounts") {
		t.Errorf("%v %q", err, gaps)
	}
}

// The whole list must fit what is spent on one account with the default hash
// of Debian, Ubuntu and Fedora.
func TestPresetPasswordListFitsYescrypt(t *testing.T) {
	tree := memfs.Tree(memfs.File{Path: "/etc/hostname", Data: "web-07"},
		memfs.File{Path: "/etc/passwd", Data: "ann:x:1000:1000::/home/ann:/bin/bash\n"},
		memfs.File{Path: "/etc/shadow", Data: "ann:$y$j9T$UBVLHeMpJ/QQCv3X$iDkUuKaZ8BAdP/SewGEMxUXdUwXSYqidlBUEHBzQ4i9:1::::::\n"})
	p := &Pass{Context: context.Background(), Check: presetPassword, Subject: guest.New(tree)}
	for _, a := range attacks(p) {
		if got := a.hash.Cost() * 59; len(a.candidates) != 59 || got > hashBudget {
			t.Errorf("%d candidates cost %v, more than %v", len(a.candidates), got, hashBudget)
		}
	}
}
