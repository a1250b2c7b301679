package sarif

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	schema "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"assay/internal/report/reporttest"
)

func write(t *testing.T, lang string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := reporttest.Feed(New(&b, lang)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSchema asks the OASIS schema, in the edition that go-sarif carries.
func TestSchema(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		b := write(t, lang)
		r, err := schema.FromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", lang, err)
		}
	}
	bad, err := schema.FromBytes(bytes.Replace(write(t, "en"), []byte(`"level": "error"`), []byte(`"level": "awful"`), 1))
	if err == nil && bad.Validate() == nil {
		t.Error("the validator accepts a level that SARIF does not have: this test cannot fail")
	}
}

func TestWhatServicesNeed(t *testing.T) {
	var log sarifLog
	if err := json.Unmarshal(write(t, "en"), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 2 || log.Runs[1].Invocations[0].Successful || !log.Runs[0].Invocations[0].Successful {
		t.Fatalf("%d runs; a failed target must not look successful", len(log.Runs))
	}
	accepted := 0
	for _, r := range log.Runs[0].Results {
		if r.RuleID == "" || r.Level == "" || r.Fingerprints["assay/v1"] == "" || r.Properties["security-severity"] == nil {
			t.Errorf("a service rejects %+v", r)
		}
		accepted += len(r.Suppressions)
		for _, l := range append(r.Locations, r.Related...) {
			u, err := url.Parse(l.Physical.Artifact.URI)
			if err != nil || u.IsAbs() || strings.HasPrefix(l.Physical.Artifact.URI, "/") {
				t.Errorf("%q is no relative reference (%v)", l.Physical.Artifact.URI, err)
			}
			if l.Physical.Region != nil && l.Physical.Region.StartLine < 1 {
				t.Errorf("line %d", l.Physical.Region.StartLine)
			}
		}
	}
	if accepted != 1 {
		t.Errorf("%d suppressions, want 1", accepted)
	}
	if strings.ContainsAny(string(write(t, "en")), "\x1b\x07\u202e") {
		t.Error("a control character of the guest is in the log")
	}
}
