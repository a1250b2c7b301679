package files

import (
	"strings"
	"testing"
	"time"
)

// FuzzContents: whatever a file holds, reading it ends.
func FuzzContents(f *testing.F) {
	f.Add([]byte(`<unattend><AutoLogon><Password><Value>x</Value></Password></AutoLogon></unattend>`))
	f.Add([]byte("\xff\xfe<\x00a\x00>\x00"))
	f.Add([]byte("[GuiUnattended]\nAdminPassword=x\n"))
	f.Add([]byte(`<add connectionString="a;Password=b" password="c"/><machineKey validationKey="d"/>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range append(append(answers(b), webSecrets(b)...), rdpPassword(b)...) {
			if len(s.Value) == 0 {
				t.Fatalf("an empty secret in %q", b)
			}
		}
	})
}

// A file that splits its text, or nests its names, costs no more than its
// length.
func TestHostileXML(t *testing.T) {
	for _, b := range []string{
		"<a>" + strings.Repeat("x<!---->", 400_000) + "</a>",
		strings.Repeat("<"+strings.Repeat("n", 20_000)+">", 200),
		strings.Repeat("<a>", 1_000_000),
	} {
		start := time.Now()
		answers([]byte(b))
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%.20s… took %v", b, d)
		}
	}
}
