package junit

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"assay/internal/report/reporttest"
)

func TestCounts(t *testing.T) {
	var b bytes.Buffer
	if err := reporttest.Feed(New(&b, "en")); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
		t.Error("a control character of the guest is in the document")
	}
	var s suites
	if err := xml.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Suites) != 2 || s.Failures != 1 || s.Errors != 2 || s.Suites[0].Skipped != 1 {
		t.Fatalf("%d suites, %d failures, %d errors, %d skipped\n%s", len(s.Suites), s.Failures, s.Errors, s.Suites[0].Skipped, b.String())
	}
	tests := 0
	for _, x := range s.Suites {
		tests += len(x.Cases)
		for _, c := range x.Cases {
			if c.Failure != nil && (c.Failure.Type != "critical" || !strings.Contains(c.Failure.Text, "Empty the file")) {
				t.Errorf("%+v", c.Failure)
			}
		}
	}
	if tests != s.Tests {
		t.Errorf("%d cases, the document says %d", tests, s.Tests)
	}
}

func TestAsksForWellFormedXML(t *testing.T) {
	var b bytes.Buffer
	if err := reporttest.Feed(New(&b, "zh")); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(&b)
	d.Strict = true
	for {
		if _, err := d.Token(); err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return
		}
	}
}
