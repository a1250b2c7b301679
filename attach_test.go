package assay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
	"assay/internal/fleet"
	"assay/policy"
)

// company is the careless company behind a server, and its people.
type company struct {
	*double.Server
	endpoint string
}

func newCompany(t *testing.T) *company {
	t.Helper()
	s := double.New(double.Options{State: double.Careless(time.Now())})
	ctx, stop := context.WithCancel(context.Background())
	endpoint, done, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		<-done
	})
	return &company{s, endpoint}
}

// as makes the client of the login with this ID.
func (c *company) as(t *testing.T, id string) *aliyun.Client {
	t.Helper()
	for _, l := range double.Logins() {
		if l.ID == id {
			client, err := aliyun.New(aliyun.Options{Endpoint: c.endpoint, Key: &aliyun.Key{ID: l.ID, Secret: l.Secret}, Attempts: 2, Timeout: 5 * time.Second,
				Sleep: func(context.Context, time.Duration) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			return client
		}
	}
	t.Fatalf("nobody logs in as %s", id)
	return nil
}

// grants is everything that attach may change, as text.
func (c *company) grants() string {
	var out []string
	c.View(func(s *double.State) {
		for _, a := range s.Accounts {
			for _, u := range a.Users {
				out = append(out, fmt.Sprintln(a.ID, "user", u.Name, u.Policies))
			}
			for _, g := range a.Groups {
				out = append(out, fmt.Sprintln(a.ID, "group", g.Name, g.Policies))
			}
			for _, r := range a.Roles {
				out = append(out, fmt.Sprintln(a.ID, "role", r.Name, r.Policies))
			}
			for _, p := range a.Policies {
				out = append(out, fmt.Sprintln(a.ID, p.Name, inForce(p)))
			}
		}
		for _, p := range s.Directory.Policies {
			out = append(out, fmt.Sprintln("control", p.ID, p.Name, inForce(p)))
		}
		targets, _ := json.Marshal(s.Directory.Attachments) // sorted by key
		out = append(out, string(targets))
	})
	return strings.Join(out, "")
}

func inForce(p *double.Policy) string {
	i := slices.IndexFunc(p.Versions, func(v *double.PolicyVersion) bool { return v.ID == p.Default })
	if i < 0 {
		return p.Versions[len(p.Versions)-1].Document
	}
	return p.Default + p.Versions[i].Document
}

func noWait(context.Context, time.Duration) error { return nil }

func binding(c cloud.Caller, scope policy.Scope, targets ...string) assay.BindOptions {
	return assay.BindOptions{Caller: c, Profile: policy.Strict, Scope: scope, Targets: targets, Now: time.Now(), Wait: noWait}
}

func attach(t *testing.T, o assay.BindOptions) (*fleet.BindPlan, error) {
	t.Helper()
	p, err := assay.PlanAttach(context.Background(), o)
	if err != nil {
		return nil, err
	}
	return p, assay.ApplyAttach(context.Background(), p, o)
}

// worlds are the two ways to bind, each with those who bind and who suffer.
var worlds = []struct {
	name    string
	scope   policy.Scope
	by      string
	canary  string
	targets []string
}{
	{"user", policy.ForUser, "DoubleAdmin", "user/builder", []string{"group/builders", "role/image-pipeline"}},
	{"enterprise", policy.Enterprise, "DoubleManagement", "fd-careless001", []string{"r-careless"}},
}

// prove asks as builder and wants every answer to be this.
func prove(t *testing.T, c *company, blocked bool, by string) {
	t.Helper()
	ps, err := assay.Prove(context.Background(), assay.ProveOptions{Asked: c.as(t, "DoubleBuilder"), Decoder: c.as(t, "DoubleAdmin"), Region: "cn-hangzhou"})
	if err != nil || len(ps) != 3 {
		t.Fatal(ps, err)
	}
	for _, p := range ps {
		if p.Blocked != blocked || p.Open == blocked {
			t.Errorf("%s: blocked %v, want %v: %+v", p.Action, p.Blocked, blocked, p)
		}
		if blocked && (len(p.By) == 0 || !strings.HasPrefix(p.By[0].Name, by)) {
			t.Errorf("%s: refused by %+v, want %s", p.Action, p.By, by)
		}
	}
}

func TestAttachAndDetach(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			c := newCompany(t)
			before := c.grants()
			prove(t, c, false, "")
			o := binding(c.as(t, w.by), w.scope, w.targets...)
			o.Canary = []string{w.canary}
			var told []string
			o.Tell = func(s *fleet.BindStep, state string) { told = append(told, state+" "+s.Target) }
			p, err := attach(t, o)
			if err != nil {
				t.Fatal(err)
			}
			if told[0] != "done " || told[1] != "done "+w.canary || len(told) != 2+len(w.targets) {
				t.Errorf("the policy, then the canary, then the others; got %q", told)
			}
			if p.Steps[1].Stage != 0 || p.Steps[2].Stage != 1 {
				t.Errorf("stages: %+v", p.Steps)
			}
			by := "assay-images-strict"
			if w.scope == policy.Enterprise { // the double names control policies by their ID
				by = ""
			}
			prove(t, c, true, by)

			again, err := attach(t, o)
			if err != nil || len(again.Steps) != 0 {
				t.Errorf("the second time: %d steps, %v", len(again.Steps), err)
			}
			d, err := assay.PlanDetach(context.Background(), binding(c.as(t, w.by), w.scope))
			if err != nil {
				t.Fatal(err)
			}
			if err := assay.ApplyDetach(context.Background(), d, o); err != nil {
				t.Fatal(err)
			}
			if got := c.grants(); got != before {
				t.Errorf("after detach:\n%s\nbefore attach:\n%s", got, before)
			}
			prove(t, c, false, "")
			if d, err := assay.PlanDetach(context.Background(), o); err != nil || len(d.Steps) > 0 {
				t.Errorf("detach twice: %+v, %v", d, err)
			}
		})
	}
}

// TestAttachRollsBack breaks each writing call in each way: the account must be
// what it was.
func TestAttachRollsBack(t *testing.T) {
	writes := map[string][]string{
		"user":       {"ram:CreatePolicy", "ram:AttachPolicyToUser", "ram:AttachPolicyToGroup", "ram:AttachPolicyToRole"},
		"enterprise": {"resourcemanager:CreateControlPolicy", "resourcemanager:AttachControlPolicy"},
	}
	for _, w := range worlds {
		c := newCompany(t)
		before := c.grants()
		for _, action := range writes[w.name] {
			for kind, f := range map[string]double.Fault{
				"refused":          {Kind: double.Refuse, Status: 403, Code: "NoPermission", Text: "no"},
				"unavailable":      {Kind: double.Unavailable},
				"no answer":        {Kind: double.Cut},
				"no answer, done":  {Kind: double.CutAfter},
				"second time only": {Kind: double.Refuse, Status: 409, Code: "Conflict", Text: "no", Skip: 1},
			} {
				f.Action = action
				c.Fail(&f)
				o := binding(c.as(t, w.by), w.scope, w.targets...)
				o.Canary = []string{w.canary}
				_, err := attach(t, o)
				hits := 0
				c.View(func(*double.State) { hits = f.Hits })
				c.Heal()
				if hits == 0 { // called once only: it worked
					if err != nil {
						t.Errorf("%s %s: %v", action, kind, err)
					}
					d, _ := assay.PlanDetach(context.Background(), o)
					if err := assay.ApplyDetach(context.Background(), d, o); err != nil {
						t.Fatal(err)
					}
				} else if !errors.Is(err, fleet.ErrRolledBack) {
					t.Errorf("%s %s: %v", action, kind, err)
				}
				if got := c.grants(); got != before {
					t.Fatalf("%s %s: %v\nleft:\n%s\nbefore:\n%s", action, kind, err, got, before)
				}
			}
		}
	}
}

// TestAttachVerifies: whoever meddles while the policies are bound is noticed,
// and everything is taken back.
func TestAttachVerifies(t *testing.T) {
	allow := `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	for name, meddle := range map[string]func(*double.State){
		"another text": func(s *double.State) {
			for _, p := range s.Accounts[0].Policies {
				if strings.HasPrefix(p.Name, "assay-") {
					p.Versions[0].Document = allow
				}
			}
		},
		"a grant that is taken away": func(s *double.State) {
			u := s.Accounts[0].Users[2]
			u.Policies = slices.DeleteFunc(u.Policies, func(p string) bool { return strings.Contains(p, "assay-") })
		},
	} {
		c := newCompany(t)
		before := c.grants()
		o := binding(c.as(t, "DoubleAdmin"), policy.ForUser, "user/builder", "group/builders")
		o.Canary = []string{"user/builder"}
		others := false
		o.Tell = func(s *fleet.BindStep, state string) {
			if s.Target == "user/builder" && state == "done" {
				c.View(meddle)
			}
			others = others || s.Target == "group/builders"
		}
		_, err := attach(t, o)
		if !errors.Is(err, fleet.ErrRolledBack) || others {
			t.Errorf("%s: %v; went on after the canary: %v", name, err, others)
		}
		if got := c.grants(); got != before {
			t.Errorf("%s: left:\n%s\nbefore:\n%s", name, got, before)
		}
	}
}

// TestAttachEvaluates: a binding that reads as planned but does not close what
// it promises is taken back. Verification is by evaluation, not by comparing.
func TestAttachEvaluates(t *testing.T) {
	c := newCompany(t)
	o := binding(c.as(t, "DoubleAdmin"), policy.ForUser, "user/builder")
	before := c.grants()
	o.Tell = func(s *fleet.BindStep, state string) { // what builder may do vanishes meanwhile
		if s.Target == "user/builder" && state == "done" {
			c.View(func(s *double.State) {
				s.Accounts[0].Policies[0].Versions[0].Document = `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:RunInstances","Resource":"*"}]}`
			})
		}
	}
	_, err := attach(t, o)
	if !errors.Is(err, fleet.ErrRolledBack) || !strings.Contains(err.Error(), "keep/launch is no longer possible") {
		t.Errorf("ordinary work that became impossible: %v", err)
	}
	c.View(func(s *double.State) {
		s.Accounts[0].Policies[0].Versions[0].Document = `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:DeleteInstance","Resource":"*"}]}`
	})
	if got := c.grants(); got != before {
		t.Errorf("left:\n%s\nbefore:\n%s", got, before)
	}
}

func TestAttachInterrupted(t *testing.T) {
	for _, w := range worlds {
		c := newCompany(t)
		before := c.grants()
		o := binding(c.as(t, w.by), w.scope, w.targets...)
		ctx, cancel := context.WithCancel(context.Background())
		o.Tell = func(s *fleet.BindStep, state string) {
			if s.Target != "" && state == "done" {
				cancel()
			}
		}
		p, err := assay.PlanAttach(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := assay.ApplyAttach(ctx, p, o); !errors.Is(err, fleet.ErrRolledBack) {
			t.Errorf("%s: %v", w.name, err)
		}
		if got := c.grants(); got != before {
			t.Errorf("%s: left:\n%s\nbefore:\n%s", w.name, got, before)
		}
	}
}

// TestAttachUpdates: policies of these names exist with other texts.
func TestAttachUpdates(t *testing.T) {
	c := newCompany(t)
	c.View(func(s *double.State) {
		p := &double.Policy{Name: "assay-images-strict", Default: "v9"}
		for i := 8; i <= 12; i++ {
			p.Versions = append(p.Versions, &double.PolicyVersion{ID: fmt.Sprint("v", i), Document: `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:X","Resource":"*"}]}`})
		}
		s.Accounts[0].Policies = append(s.Accounts[0].Policies, p)
	})
	o := binding(c.as(t, "DoubleAdmin"), policy.ForUser, "user/builder")
	p, err := attach(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Steps[0].Title.EN, "delete version v8") || !strings.Contains(p.Steps[1].Title.EN, "new default version") {
		t.Errorf("plan: %s; %s", p.Steps[0].Title.EN, p.Steps[1].Title.EN)
	}
	prove(t, c, true, "assay-images-strict")

	// With exemptions the denials take two control policies: the one of before
	// must not stay.
	m := c.as(t, "DoubleManagement")
	if _, err := attach(t, binding(m, policy.Enterprise, "r-careless")); err != nil {
		t.Fatal(err)
	}
	o = binding(m, policy.Enterprise, "r-careless")
	o.Exempt = []string{"acs:ram::*:role/image-pipeline"}
	if _, err := attach(t, o); err != nil {
		t.Fatal(err)
	}
	c.View(func(s *double.State) {
		var names []string
		for _, p := range s.Directory.Policies {
			names = append(names, p.Name)
		}
		if fmt.Sprint(names) != "[assay-images-strict-1 assay-images-strict-2]" {
			t.Errorf("control policies: %v", names)
		}
	})
}

func TestAttachRefusesEarly(t *testing.T) {
	c := newCompany(t)
	before := c.grants()
	admin, boss := c.as(t, "DoubleAdmin"), c.as(t, "DoubleManagement")
	for name, o := range map[string]assay.BindOptions{
		"no such user":       binding(admin, policy.ForUser, "user/nobody"),
		"no principal":       binding(admin, policy.ForUser, "builder"),
		"no such node":       binding(boss, policy.Enterprise, "fd-nowhere"),
		"a member's user":    binding(admin, policy.Enterprise, "r-careless"),
		"somebody who reads": binding(c.as(t, "DoubleAuditor"), policy.Enterprise, "r-careless"),
	} {
		if _, err := attach(t, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	full := c.grants()
	if full != before {
		t.Errorf("something was changed:\n%s", full)
	}
	c.View(func(s *double.State) { s.Directory.Status = "Disabled" })
	if _, err := attach(t, binding(boss, policy.Enterprise, "r-careless")); err == nil || !strings.Contains(err.Error(), "not enabled") {
		t.Errorf("control policies that are off: %v", err)
	}
	c.View(func(s *double.State) {
		s.Directory.Status = "Enabled"
		for i := range policy.LimitAttachments - 1 {
			id := fmt.Sprint("cp-", i)
			s.Directory.Policies = append(s.Directory.Policies, &double.Policy{ID: id, Name: id, Default: "v1", Versions: []*double.PolicyVersion{{ID: "v1", Document: policy.Full}}})
			s.Directory.Attachments["r-careless"] = append(s.Directory.Attachments["r-careless"], id)
		}
	})
	if _, err := attach(t, binding(boss, policy.Enterprise, "r-careless")); err == nil || !strings.Contains(err.Error(), "limit of 10") {
		t.Errorf("a full node: %v", err)
	}
}
