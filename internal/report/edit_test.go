package report_test

import (
	"testing"

	"assay/finding"
	"assay/internal/report"
)

func TestEditsOfTheRegistry(t *testing.T) {
	const hive = "/Windows/System32/config/SYSTEM"
	for _, c := range []struct {
		e          finding.Edit
		path, with string
	}{
		{finding.Edit{Op: finding.RegSetValue, Path: hive, Key: `A\B`, Value: "Start", With: "02000000"}, hive + `!/A\B\Start`, "2"},
		{finding.Edit{Op: finding.RegSetValue, Path: hive, Key: `A`, Value: "Auto", With: "30000000"}, hive + `!/A\Auto`, "0"},
		{finding.Edit{Op: finding.RegSetValue, Path: hive, Key: `A`, With: "6f006b000000"}, hive + `!/A`, "ok"},
		{finding.Edit{Op: finding.RegDeleteKey, Path: hive, Key: `A`}, hive + `!/A`, ""},
		{finding.Edit{Op: finding.LockPassword, Path: hive, Key: `A`, User: "bob", With: "disable"}, hive, "disable"},
		{finding.Edit{Op: finding.Replace, Path: "/a", With: "00"}, "/a", "00"},
	} {
		if got := report.EditPath(c.e); got != c.path {
			t.Errorf("%+v is at %q, want %q", c.e, got, c.path)
		}
		if got := report.EditWith(c.e); got != c.with {
			t.Errorf("%+v writes %q, want %q", c.e, got, c.with)
		}
	}
}
