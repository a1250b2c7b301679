package check

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/finding"
)

func suiteOf(n int, run func(*Pass[int]) error) (suite []*Check[int]) {
	for i := range n {
		suite = append(suite, &Check[int]{ID: fmt.Sprintf("t/c%d", i), Severity: finding.Low, Class: finding.Exposure, Run: run})
	}
	return suite
}

func TestRunKeepsOrderAndLimit(t *testing.T) {
	var now, top atomic.Int64
	suite := suiteOf(100, func(p *Pass[int]) error {
		n := now.Add(1)
		for m := top.Load(); n > m && !top.CompareAndSwap(m, n); m = top.Load() {
		}
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		p.Report(finding.Finding{Title: finding.T(p.Check.ID, "")})
		now.Add(-1)
		return nil
	})
	var got []string
	err := Run(context.Background(), 0, suite, Options{Parallel: 4, Report: func(f finding.Finding) { got = append(got, f.Check) }})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range suite {
		if got[i] != c.ID {
			t.Fatalf("finding %d is of %s", i, got[i])
		}
	}
	if top.Load() > 4 {
		t.Fatalf("%d checks at once", top.Load())
	}
}

func TestBrokenCheckIsAGap(t *testing.T) {
	suite := append(suiteOf(1, func(*Pass[int]) error { panic("boom") }), suiteOf(1, func(*Pass[int]) error { return errors.New("no disk") })...)
	suite = append(suite, suiteOf(1, func(p *Pass[int]) error { p.Report(finding.Finding{}); return nil })...)
	var gaps []finding.Gap
	found := 0
	err := Run(context.Background(), 0, suite, Options{Report: func(finding.Finding) { found++ }, Gap: func(g finding.Gap) { gaps = append(gaps, g) }})
	if err != nil || found != 1 || len(gaps) != 2 {
		t.Fatalf("%v, %d findings, gaps %v", err, found, gaps)
	}
	if !strings.Contains(gaps[0].Detail, "boom") || gaps[1].Detail != "no disk" || gaps[0].Kind != finding.GapCheck {
		t.Fatalf("gaps %+v", gaps)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ran := false
	err := Run(ctx, 0, suiteOf(3, func(*Pass[int]) error { ran = true; return nil }), Options{})
	if !errors.Is(err, context.Canceled) || ran {
		t.Fatalf("err %v, ran %v", err, ran)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	full := finding.T("a", "b")
	good := &Check[int]{ID: "linux/x/y-z", Severity: finding.Low, Class: finding.Exposure, Rows: []string{"A2"},
		Doc: Doc{full, full, full, nil, "0.1"}, Run: func(*Pass[int]) error { return nil }}
	if err := Validate([]*Check[int]{good}); err != nil {
		t.Fatal(err)
	}
	bad := *good
	bad.ID, bad.Rows, bad.Doc.Why.ZH, bad.Run = "X", []string{"C1"}, "", nil
	err := Validate([]*Check[int]{&bad, &bad})
	for _, w := range []string{"malformed ID", "malformed row C1", "one language", "no Run", "declared twice"} {
		if !strings.Contains(fmt.Sprint(err), w) {
			t.Errorf("%v does not say %q", err, w)
		}
	}
}

func TestFingerprintNeedsTheKey(t *testing.T) {
	a, b := Fingerprint([]byte("k1"), []byte("secret")), Fingerprint([]byte("k2"), []byte("secret"))
	if a == b || strings.Contains(a, "secret") || a != Fingerprint([]byte("k1"), []byte("secret")) {
		t.Fatal(a, b)
	}
}

func TestFamily(t *testing.T) {
	for _, c := range []struct {
		id, family string
		want       bool
	}{{"any/ssh/x", "linux", true}, {"any/ssh/x", "windows", true}, {"linux/account/x", "windows", false}, {"windows/files/x", "linux", false},
		{"linux/account/x", "linux", true}, {"linux/account/x", "", true}, {"linuxish/account/x", "linux", false}} {
		if got := (&Check[string]{ID: c.id}).For(c.family); got != c.want {
			t.Errorf("%s for %q: %v", c.id, c.family, got)
		}
	}
}
