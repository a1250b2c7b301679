package assay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/checks/account"
	"assay/internal/cloud"
	"assay/internal/fleet"
	"assay/policy"
)

// BindOptions say which denials are bound to whom.
type BindOptions struct {
	Caller  cloud.Caller
	Profile policy.Profile
	Scope   policy.Scope
	Exempt  []string // ARNs, see policy.Write
	Targets []string // see fleet.Binding
	Canary  []string // of Targets, or further ones: bound and verified first
	Now     time.Time
	// Tell hears of each step as it ends: "done", "failed", "undone", "left".
	Tell func(s *fleet.BindStep, state string)
	Wait func(context.Context, time.Duration) error // nil is real time
}

func (o *BindOptions) binding() (fleet.Binding, error) {
	ws, err := policy.Write(o.Profile, o.Scope, o.Exempt)
	b := fleet.Binding{Scope: o.Scope, Policies: ws, Targets: slices.Clone(o.Canary), Canary: len(o.Canary)}
	for _, t := range o.Targets {
		if !slices.Contains(b.Targets, t) {
			b.Targets = append(b.Targets, t)
		}
	}
	return b, err
}

// PlanAttach says what it takes to bind the denials. It changes nothing.
func PlanAttach(ctx context.Context, o BindOptions) (*fleet.BindPlan, error) {
	b, err := o.binding()
	if err != nil {
		return nil, err
	}
	return fleet.PlanAttach(ctx, o.Caller, b)
}

// PlanDetach says what takes the denials back: from Targets, or from everyone
// if there are none. It changes nothing.
func PlanDetach(ctx context.Context, o BindOptions) (*fleet.BindPlan, error) {
	b, err := o.binding()
	if err != nil {
		return nil, err
	}
	return fleet.PlanDetach(ctx, o.Caller, b)
}

// ApplyAttach carries a plan of PlanAttach out. After the canary and after all
// others it reads what the cloud then holds, evaluates the baseline again for
// each target, and takes everything back when a path stays open that the
// policies close, or ordinary work is stopped that was possible before.
func ApplyAttach(ctx context.Context, p *fleet.BindPlan, o BindOptions) error {
	var docs []*policy.Document
	for _, w := range p.Binding.Policies {
		d, err := policy.Parse(w.Name, []byte(w.Text))
		if err != nil {
			return err
		}
		docs = append(docs, d)
	}
	w, err := policy.Assume(o.Scope, docs)
	if err != nil {
		return err
	}
	v := &verifier{o: o, promised: map[string]bool{}}
	for _, r := range policy.CheckBaseline(w) {
		v.promised[r.Scenario.ID] = r.Outcome == policy.Blocked
	}
	if v.hindered, err = v.before(ctx, p.Binding.Targets); err != nil {
		return err
	}
	return p.Apply(ctx, fleet.Hand{Verify: v.verify, Tell: o.Tell, Wait: o.Wait})
}

// ApplyDetach carries a plan of PlanDetach out, and looks whether anything of
// it is left to do.
func ApplyDetach(ctx context.Context, p *fleet.BindPlan, o BindOptions) error {
	if err := p.Apply(ctx, fleet.Hand{Tell: o.Tell, Wait: o.Wait}); err != nil {
		return err
	}
	again, err := fleet.PlanDetach(ctx, o.Caller, p.Binding)
	if err == nil && len(again.Steps) > 0 {
		err = fmt.Errorf("still to do: %s", again.Steps[0].Title.EN)
	}
	return err
}

// A verifier compares what the cloud holds with what the policies promise.
type verifier struct {
	o        BindOptions
	promised map[string]bool            // scenarios that the policies block
	hindered map[string]map[string]bool // by target: what was impossible before
}

// judge evaluates the baseline for one target.
func (v *verifier) judge(ctx context.Context, targets []string, each func(target string, r policy.Result) error) error {
	s, err := cloud.CollectPolicies(ctx, v.o.Caller, cloud.Options{Now: v.o.Now})
	if err != nil {
		return err
	}
	if len(s.Gaps) > 0 && v.o.Scope == policy.Enterprise && (s.Directory == nil || !s.Directory.Readable) {
		return fmt.Errorf("the Resource Directory cannot be read, so nothing can be verified: %s", s.Gaps[0].Detail)
	}
	for _, t := range targets {
		results, err := account.Judge(s, []string{t})
		if err != nil {
			return err
		}
		for _, r := range results {
			if err := each(t, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) before(ctx context.Context, targets []string) (map[string]map[string]bool, error) {
	out := map[string]map[string]bool{}
	err := v.judge(ctx, targets, func(t string, r policy.Result) error {
		if out[t] == nil {
			out[t] = map[string]bool{}
		}
		out[t][r.Scenario.ID] = r.Outcome == policy.Hindered
		return nil
	})
	return out, err
}

func (v *verifier) verify(ctx context.Context, targets []string) error {
	var wrong []string
	err := v.judge(ctx, targets, func(t string, r policy.Result) error {
		switch id := r.Scenario.ID; {
		case v.promised[id] && r.Outcome != policy.Blocked && r.Outcome != policy.NotAsked:
			wrong = append(wrong, fmt.Sprintf("%s: %s is %s: %s", t, id, r.Outcome, r.Reason.EN))
		case r.Outcome == policy.Hindered && !v.hindered[t][id]:
			wrong = append(wrong, fmt.Sprintf("%s: %s is no longer possible: %s", t, id, r.Reason.EN))
		}
		return nil
	})
	if err == nil && len(wrong) > 0 {
		err = errors.New(strings.Join(wrong[:min(len(wrong), 3)], "; "))
	}
	return err
}

// ProveOptions say whom a proof asks.
type ProveOptions struct {
	Asked   cloud.Caller // who must be refused
	Decoder cloud.Caller // who may read the explanation; nil is Asked
	Region  string
	Image   string // an image of the account; "" takes the first that is found
}

// Prove asks the cloud itself whether the denials block, by calls with DryRun
// that do nothing whatever the answer.
func Prove(ctx context.Context, o ProveOptions) ([]fleet.Proof, error) {
	if o.Image == "" {
		image, err := cloud.AnyImage(ctx, []cloud.Caller{o.Asked, o.Decoder}, o.Region)
		if err != nil {
			return nil, err
		}
		if image == "" {
			return nil, fmt.Errorf("%s has no custom image to prove it with: name a region that has one", o.Region)
		}
		o.Image = image
	}
	return fleet.Prove(ctx, o.Asked, o.Decoder, o.Region, o.Image, proofStranger)
}

// proofStranger is whom a dry run would share with: a number that is nobody's.
const proofStranger = "1000000000000000"
