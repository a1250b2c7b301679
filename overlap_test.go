package assay

import (
	"testing"

	"assay/finding"
)

// TestOverlapInTheRegistry: what a check that knows the value tells is not told
// again by the search of all values; another secret of the same hive is.
func TestOverlapInTheRegistry(t *testing.T) {
	const hive = "/Windows/System32/config/SOFTWARE"
	evidence := func(print string) *finding.Evidence { return &finding.Evidence{Fingerprint: print} }
	o := &overlap{}
	for _, f := range []finding.Finding{
		{Check: "windows/registry/secrets", Where: finding.Where{Path: hive + `!/A\DefaultPassword`}, Evidence: evidence("same")},
		{Check: "windows/registry/secrets", Where: finding.Where{Path: hive + `!/A\Other`}, Evidence: evidence("other")},
	} {
		if !o.hold(f) {
			t.Error("it does not wait for the others")
		}
	}
	if o.hold(finding.Finding{Check: "windows/account/autologon", Where: finding.Where{Path: hive + "!/A"}, Evidence: evidence("same")}) {
		t.Error("a check that knows the value waits")
	}
	if out := o.release(); len(out) != 1 || out[0].Evidence.Fingerprint != "other" {
		t.Errorf("%+v", out)
	}
}
