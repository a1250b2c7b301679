package assay_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/finding"
	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
	"assay/internal/report"
)

// heard keeps a stream.
type heard struct {
	findings map[string][]finding.Finding // by check
	gaps     []finding.Gap
	verdict  *report.Verdict
	account  *report.Account
	checks   int
	order    []string
}

func (h *heard) Handle(m report.Message) error {
	switch {
	case m.Config != nil:
		h.checks = len(m.Config.Checks)
	case m.Inventory != nil:
		h.account = m.Inventory.Account
	case m.Finding != nil:
		h.findings[m.Finding.Check] = append(h.findings[m.Finding.Check], *m.Finding)
		h.order = append(h.order, m.Finding.ID)
	case m.Gap != nil:
		h.gaps = append(h.gaps, *m.Gap)
	case m.Verdict != nil:
		h.verdict = m.Verdict
	}
	return nil
}

func (h *heard) Close() error { return nil }

func (h *heard) says(check, words string) bool {
	for _, f := range h.findings[check] {
		if strings.Contains(f.Title.EN, words) {
			return true
		}
	}
	return false
}

func audit(t *testing.T, o assay.AuditOptions) (*heard, error) {
	t.Helper()
	h := &heard{findings: map[string][]finding.Finding{}}
	o.Command = "audit"
	if o.Collect.Now.IsZero() {
		o.Collect.Now = time.Now()
	}
	err := assay.Audit(context.Background(), "test", o, h)
	return h, err
}

// careless is what is wrong in the company, as the one who planted it knows.
var careless = []struct{ check, words string }{
	{"account/share/images", "m-careless001 (web-golden) in cn-hangzhou is shared with 1000000000000009"},
	{"account/share/images", "m-careless101 (web-golden-bj) in cn-beijing is shared with 1000000000000009"},
	{"account/share/public-images", "m-careless002"},
	{"account/share/resource-shares", "rs-careless001 (for-the-contractor) in cn-hangzhou gives s-careless001 to 1000000000000009"},
	{"account/share/external-targets", "rs-careless001"},
	{"account/share/history", "by admin"},
	{"account/exposure/exports", "m-careless003 was exported from cn-hangzhou, by builder"},
	{"account/inherit/launch-templates", "lt-careless001 (web) in cn-hangzhou, version 2 (the default version)"},
	{"account/inherit/auto-provisioning-groups", "apg-careless001"},
	{"account/inherit/scaling-configurations", "asc-careless001"},
	{"account/inherit/no-key-pair", "1 Linux instance in cn-hangzhou from image m-careless001"},
	{"account/policy/can-share", "user/builder"},
	{"account/policy/can-share", "user/admin"},
	{"account/policy/can-share", "group/builders"},
	{"account/policy/can-share", "role/image-pipeline"},
	{"account/policy/open-paths", "Open: An image is shared with an account"},
}

func TestAuditFindsWhatWasPlanted(t *testing.T) {
	c := newCompany(t)
	var saved bytes.Buffer
	h, err := audit(t, assay.AuditOptions{Caller: c.as(t, "DoubleAuditor"), Collect: cloud.Options{TrailDays: 90}, Save: func(s *cloud.Snapshot) error { return s.Save(&saved) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range careless {
		if !h.says(x.check, x.words) {
			t.Errorf("%s: nothing says %q: %+v", x.check, x.words, h.findings[x.check])
		}
	}
	for _, never := range []string{"rs-careless002", "user/auditor", "AliyunServiceRole"} {
		for check, fs := range h.findings {
			for _, f := range fs {
				if strings.Contains(f.Title.EN, never) {
					t.Errorf("%s speaks of %s: %s", check, never, f.Title.EN)
				}
			}
		}
	}
	// A member account cannot see the control policies: that is said, once.
	if len(h.gaps) != 1 || h.gaps[0].Where.Path != "resourcemanager:ListFoldersForParent" {
		t.Errorf("gaps: %+v", h.gaps)
	}
	if h.account.ID != double.CarelessAccount || h.account.Images != 5 || h.account.Instances != 4 || h.account.Regions != 3 || h.checks == 0 {
		t.Errorf("inventory: %+v", h.account)
	}
	s, err := cloud.Load(&saved)
	if err != nil {
		t.Fatal(err)
	}
	again, err := audit(t, assay.AuditOptions{Snapshot: s})
	if err != nil || fmt.Sprint(again.order) != fmt.Sprint(h.order) || len(again.gaps) != len(h.gaps) {
		t.Errorf("the saved snapshot says something else: %v\n%v\n%v", err, again.order, h.order)
	}
}

// TestAuditAfterAttach: the control policies close the member's paths as the
// management account sees them.
func TestAuditAfterAttach(t *testing.T) {
	c := newCompany(t)
	boss := c.as(t, "DoubleManagement")
	open := func() (n int) {
		h, err := audit(t, assay.AuditOptions{Caller: boss, Checks: []string{"account/policy/open-paths"}, Collect: cloud.Options{Regions: []string{"cn-hangzhou"}}})
		if err != nil || len(h.gaps) > 0 {
			t.Fatal(err, h.gaps)
		}
		for _, f := range h.findings["account/policy/open-paths"] {
			for _, p := range f.Places {
				if strings.Contains(p.Path, double.CarelessAccount) {
					n++
				}
			}
		}
		return n
	}
	if open() == 0 {
		t.Error("nothing is open before")
	}
	if _, err := attach(t, binding(boss, "enterprise", "r-careless")); err != nil {
		t.Fatal(err)
	}
	if n := open(); n != 0 {
		t.Errorf("%d paths are open after", n)
	}
}

// TestAuditUnderFaults: what fails is a gap, what recovers is none, and the
// rest is found.
func TestAuditUnderFaults(t *testing.T) {
	for name, x := range map[string]struct {
		fault double.Fault
		gap   string
	}{
		"throttled once":   {double.Fault{Action: "ecs:DescribeImages", Kind: double.Throttle, Times: 1}, ""},
		"503 once":         {double.Fault{Action: "ram:ListUsers", Kind: double.Unavailable, Times: 1}, ""},
		"cut once":         {double.Fault{Action: "ecs:DescribeInstances", Kind: double.Cut, Times: 1}, ""},
		"503 for ever":     {double.Fault{Action: "ecs:DescribeSnapshots", Kind: double.Unavailable}, "ecs:DescribeSnapshots"},
		"truncated":        {double.Fault{Action: "ecs:DescribeKeyPairs", Kind: double.Truncate}, "ecs:DescribeKeyPairs"},
		"garbage":          {double.Fault{Action: "actiontrail:LookupEvents", Kind: double.Garbage}, "actiontrail:LookupEvents"},
		"refused":          {double.Fault{Action: "resourcesharing:ListResourceShares", Kind: double.Refuse, Status: 403, Code: "NoPermission", Text: "no"}, "resourcesharing:ListResourceShares"},
		"a lost policy":    {double.Fault{Action: "ram:GetPolicy", Kind: double.Refuse, Status: 404, Code: "EntityNotExist.Policy", Text: "no", Times: 1}, "ram:GetPolicy"},
		"one share is not": {double.Fault{Action: "ecs:DescribeImageSharePermission", Kind: double.Refuse, Status: 403, Code: "Forbidden.RAM", Text: "no"}, "ecs:DescribeImageSharePermission"},
	} {
		c := newCompany(t)
		c.Fail(&x.fault)
		h, err := audit(t, assay.AuditOptions{Caller: c.as(t, "DoubleAuditor"), Collect: cloud.Options{TrailDays: 90}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		said := x.gap == ""
		for _, g := range h.gaps {
			said = said || g.Where.Path == x.gap
			if x.gap == "" && g.Where.Path != "resourcemanager:ListFoldersForParent" {
				t.Errorf("%s: gap %+v", name, g)
			}
		}
		if !said {
			t.Errorf("%s: no gap says so: %+v", name, h.gaps)
		}
		if !h.says("account/share/public-images", "m-careless002") {
			t.Errorf("%s: the rest was not found", name)
		}
	}
}

func TestAuditWithoutAccess(t *testing.T) {
	c := newCompany(t)
	client, err := aliyun.New(aliyun.Options{Endpoint: c.endpoint, Key: &aliyun.Key{ID: "DoubleAuditor", Secret: "wrong"}, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	h, err := audit(t, assay.AuditOptions{Caller: client})
	if err == nil || h.verdict == nil || h.verdict.Error == "" {
		t.Fatalf("wrong credentials: %v, %+v", err, h.verdict)
	}
	if strings.Contains(h.verdict.Error, "http://") || assay.AuditHint(err).EN == "" {
		t.Errorf("%s", h.verdict.Error)
	}
	if _, err := audit(t, assay.AuditOptions{Checks: []string{"account/nothing"}}); err == nil {
		t.Error("a check that does not exist must be an error")
	}
}

// TestAuditReadsOnly: an audit makes no call that changes anything.
func TestAuditReadsOnly(t *testing.T) {
	table := map[string]bool{}
	for _, a := range aliyun.Table() {
		table[a.Product+":"+a.Action] = a.Read
	}
	for _, r := range cloud.Reads() {
		if !table[r.Product+":"+r.Action] {
			t.Errorf("%s:%s is not among what the adapter knows to change nothing", r.Product, r.Action)
		}
	}
	c := newCompany(t)
	if _, err := audit(t, assay.AuditOptions{Caller: c.as(t, "DoubleAuditor"), Collect: cloud.Options{TrailDays: 90}}); err != nil {
		t.Fatal(err)
	}
	c.View(func(s *double.State) {
		for name := range s.Counts {
			if !table[name] {
				t.Errorf("the audit called %s", name)
			}
		}
	})
}

// TestAuditLarge measures calls and memory over a large account.
func TestAuditLarge(t *testing.T) {
	images, snapshots, instances := 2000, 10000, 4000
	s := double.New(double.Options{State: double.Large(time.Now(), images, snapshots, instances)})
	ctx, stop := context.WithCancel(context.Background())
	endpoint, done, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); <-done }()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c := &company{s, endpoint}
	snap, err := cloud.Collect(context.Background(), c.as(t, "DoubleAuditor"), cloud.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(snap.Images) < images || len(snap.Snapshots) < snapshots || len(snap.Instances) < instances {
		t.Errorf("%d images, %d snapshots, %d instances", len(snap.Images), len(snap.Snapshots), len(snap.Instances))
	}
	if most := (images+snapshots+instances)/100 + 100; snap.Calls > most {
		t.Errorf("%d calls, %d should do", snap.Calls, most)
	}
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d calls; %d bytes kept", snap.Calls, kept)
	if per := kept / int64(images+snapshots+instances); per > 2000 {
		t.Errorf("%d bytes are kept for each thing", per)
	}
	runtime.KeepAlive(snap)
}

// TestPermissionsSuffice: a user who has what --permissions prints, and
// nothing else, audits without a gap; without one of them there is a gap.
func TestPermissionsSuffice(t *testing.T) {
	var names []string
	for _, r := range cloud.Reads() {
		names = append(names, r.Product+":"+r.Action)
	}
	text, err := aliyun.Permissions(names)
	if err != nil {
		t.Fatal(err)
	}
	gaps := func(doc string) []finding.Gap {
		c := newCompany(t)
		c.View(func(s *double.State) {
			boss := s.Accounts[1]
			boss.Policies = append(boss.Policies, &double.Policy{Name: "audit", Default: "v1", Versions: []*double.PolicyVersion{{ID: "v1", Document: doc}}})
			boss.Users[0].Policies = []string{"custom/audit"}
		})
		h, err := audit(t, assay.AuditOptions{Caller: c.as(t, "DoubleManagement"), Collect: cloud.Options{TrailDays: 90}})
		if err != nil {
			t.Fatal(err)
		}
		return h.gaps
	}
	if gs := gaps(text); len(gs) > 0 {
		t.Errorf("gaps: %+v", gs)
	}
	if gs := gaps(strings.Replace(text, `"ecs:DescribeSnapshots",`, "", 1)); len(gs) != 1 || !strings.Contains(gs[0].Detail, "the permission ecs:DescribeSnapshots is missing") {
		t.Errorf("one permission less: %+v", gs)
	}
}
