package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"assay/finding"
	"assay/internal/cloud"
	"assay/policy"
)

// A Binding is which policies are bound to whom.
type Binding struct {
	Scope    policy.Scope
	Policies []policy.Written
	// Targets are "user/NAME", "group/NAME" or "role/NAME" for policy.ForUser;
	// IDs of Root, folders or member accounts for policy.Enterprise. The first
	// Canary of them are bound and verified before the others are touched.
	Targets []string
	Canary  int
}

// A BindPlan is what it takes to bring an account from what it is to what a
// Binding says, as steps in order. It is empty when nothing is to be done.
type BindPlan struct {
	Binding Binding
	Steps   []*BindStep
	bind    binder
}

// A BindStep is one change. It knows how to take itself back.
type BindStep struct {
	Title  finding.Text
	Target string // "" for a change of the policy itself
	Stage  int    // 0: the policies and the canary; 1: all others
	do     func(context.Context) error
	undo   func(context.Context) error
}

// A binder speaks of one way to bind: RAM policies, or control policies.
// Methods read the cloud only, except those of the steps that they return.
type binder interface {
	// policy makes the steps that give a policy its text; none if it has it.
	policy(ctx context.Context, w policy.Written) ([]*BindStep, error)
	// bound lists what a policy is bound to, by target; nil if there is none.
	bound(ctx context.Context, name string) (map[string]bool, error)
	// family lists the custom policies whose names are one of base, base-1,
	// base-2, ….
	family(ctx context.Context, base string) ([]string, error)
	// text is a policy's text as the cloud has it; "" if there is none.
	text(ctx context.Context, name string) (string, error)
	// ready says why targets cannot be bound, before anything is changed.
	ready(ctx context.Context, b Binding) error
	attach(name, target string) *BindStep
	detach(name, target string) *BindStep
	// remove makes the step that deletes a policy which nothing uses.
	remove(ctx context.Context, name string) (*BindStep, error)
}

func newBinder(c cloud.Caller, s policy.Scope) binder {
	if s == policy.Enterprise {
		return &controlBinder{c: c, ids: map[string]string{}}
	}
	return &ramBinder{c: c}
}

// PlanAttach reads what is there and says what is missing. It changes nothing.
func PlanAttach(ctx context.Context, c cloud.Caller, b Binding) (*BindPlan, error) {
	p := &BindPlan{Binding: b, bind: newBinder(c, b.Scope)}
	if err := p.bind.ready(ctx, b); err != nil {
		return nil, err
	}
	for _, w := range b.Policies {
		steps, err := p.bind.policy(ctx, w)
		if err != nil {
			return nil, err
		}
		p.Steps = append(p.Steps, steps...)
	}
	for i, t := range b.Targets {
		for _, w := range b.Policies {
			have, err := p.bind.bound(ctx, w.Name)
			if err != nil {
				return nil, err
			}
			if have[t] {
				continue
			}
			s := p.bind.attach(w.Name, t)
			s.Target = t
			if i >= b.Canary && b.Canary > 0 {
				s.Stage = 1
			}
			p.Steps = append(p.Steps, s)
		}
	}
	return p, p.supersede(ctx)
}

// supersede takes from the targets what an earlier attach bound under names
// that this one does not use: with other exemptions the denials fall into
// another number of documents, and the old ones would go on denying. It comes
// last, when the new ones are in force.
func (p *BindPlan) supersede(ctx context.Context) error {
	names, err := p.bind.family(ctx, p.Binding.base())
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(p.Binding.Policies, func(w policy.Written) bool { return w.Name == name }) {
			continue
		}
		if err := p.release(ctx, name, 1); err != nil {
			return err
		}
	}
	return nil
}

// release makes the steps that unbind a policy from the binding's targets, or
// from everyone if it names none, and delete it when nothing uses it then.
func (p *BindPlan) release(ctx context.Context, name string, stage int) error {
	have, err := p.bind.bound(ctx, name)
	if err != nil || have == nil {
		return err
	}
	for _, t := range sorted(have) {
		if len(p.Binding.Targets) > 0 && !slices.Contains(p.Binding.Targets, t) {
			continue
		}
		s := p.bind.detach(name, t)
		s.Target, s.Stage = t, stage
		p.Steps = append(p.Steps, s)
		delete(have, t)
	}
	if len(have) > 0 {
		return nil
	}
	s, err := p.bind.remove(ctx, name)
	if err != nil {
		return err
	}
	s.Stage = stage
	p.Steps = append(p.Steps, s)
	return nil
}

// PlanDetach says what takes a binding back, however many documents it was
// written in: from its targets, or from everyone if it names none. A policy
// that nothing uses any more is deleted.
func PlanDetach(ctx context.Context, c cloud.Caller, b Binding) (*BindPlan, error) {
	p := &BindPlan{Binding: b, bind: newBinder(c, b.Scope)}
	names, err := p.bind.family(ctx, b.base())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := p.release(ctx, name, 0); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// base is the name that the policies share, without the number of a part.
func (b Binding) base() string {
	if len(b.Policies) == 0 {
		return ""
	}
	return stem(b.Policies[0].Name)
}

// stem cuts the number of a part off a policy's name.
func stem(name string) string {
	s := strings.TrimRight(name, "0123456789")
	if s != name && strings.HasSuffix(s, "-") {
		return strings.TrimSuffix(s, "-")
	}
	return name
}

func sorted(m map[string]bool) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Verification of a stage: the service needs some seconds until a change is
// seen everywhere.
const (
	verifyTries  = 5
	verifyWait   = 2 * time.Second
	bindUndoTime = 2 * time.Minute // for a rollback after an interrupt
)

// A Hand says how Apply tells and waits.
type Hand struct {
	// Verify judges targets that were bound, by evaluating what the cloud now
	// holds; an error takes everything back. May be nil.
	Verify func(ctx context.Context, targets []string) error
	// Tell hears of each step: "done", "failed", "undone", "left".
	Tell func(s *BindStep, state string)
	Wait func(context.Context, time.Duration) error // nil is real time
}

// ErrRolledBack says that a plan was not carried out and everything was taken
// back; the cause is wrapped beside it.
var ErrRolledBack = errors.New("everything was taken back")

// Apply carries a plan out: the canary first, then the others. After each
// stage everything is read again and verified. Whatever goes wrong takes all
// steps back, in reverse; a step that cannot be taken back is told as "left"
// and named in the error.
func (p *BindPlan) Apply(ctx context.Context, h Hand) error {
	if h.Tell == nil {
		h.Tell = func(*BindStep, string) {}
	}
	if h.Wait == nil {
		h.Wait = sleep
	}
	var done []*BindStep
	for stage := range 2 {
		for _, s := range p.Steps {
			if s.Stage != stage {
				continue
			}
			if err := s.do(ctx); err != nil {
				h.Tell(s, "failed")
				if !refused(err) { // a call that got no answer may have worked: it is taken back, too
					done = append(done, s)
				}
				return p.rollback(ctx, h, done, fmt.Errorf("%s: %w", s.Title.EN, err))
			}
			done = append(done, s)
			h.Tell(s, "done")
		}
		targets := p.Binding.Targets
		if stage == 0 {
			if p.Binding.Canary <= 0 || p.Binding.Canary >= len(targets) {
				continue // all in one stage: verified at the end
			}
			targets = targets[:p.Binding.Canary]
		}
		if err := p.verify(ctx, h, targets); err != nil {
			return p.rollback(ctx, h, done, err)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// verify reads again until the cloud says what was planned, or long enough.
func (p *BindPlan) verify(ctx context.Context, h Hand, targets []string) error {
	if h.Verify == nil {
		return nil
	}
	var err error
	for n := range verifyTries {
		if n > 0 {
			if e := h.Wait(ctx, verifyWait); e != nil {
				return e
			}
		}
		if err = p.reread(ctx, targets); err == nil {
			err = h.Verify(ctx, targets)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("the result is not what was planned: %w", err)
}

// reread compares the texts and bindings in the cloud with the plan's.
func (p *BindPlan) reread(ctx context.Context, targets []string) error {
	for _, w := range p.Binding.Policies {
		text, err := p.bind.text(ctx, w.Name)
		if err != nil {
			return err
		}
		if !sameJSON(text, w.Text) {
			return fmt.Errorf("policy %s does not have the text that it was given", w.Name)
		}
		have, err := p.bind.bound(ctx, w.Name)
		if err != nil {
			return err
		}
		for _, t := range targets {
			if !have[t] {
				return fmt.Errorf("policy %s is not bound to %s", w.Name, t)
			}
		}
	}
	return nil
}

func (p *BindPlan) rollback(ctx context.Context, h Hand, done []*BindStep, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bindUndoTime)
	defer cancel()
	var left []error
	for _, s := range slices.Backward(done) {
		if err := s.undo(ctx); err != nil && !gone(err) {
			h.Tell(s, "left")
			left = append(left, fmt.Errorf("could not take back: %s: %w", s.Title.EN, err))
			continue
		}
		h.Tell(s, "undone")
	}
	if len(left) > 0 {
		return errors.Join(append([]error{cause}, left...)...)
	}
	return fmt.Errorf("%w; %w", cause, ErrRolledBack)
}

// gone reports whether the cloud says that something is not there: what was
// never made needs no undoing.
func gone(err error) bool {
	var e *cloud.Error
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "EntityNotExist") || strings.HasPrefix(e.Code, "EntityNotExists"))
}

// refused reports whether the cloud said no, so that nothing was done.
func refused(err error) bool {
	var e *cloud.Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// call makes one call and decodes the answer into out, if that is not nil.
func call(ctx context.Context, c cloud.Caller, product, action string, params map[string]string, out any) error {
	b, err := c.Call(ctx, cloud.Request{Product: product, Action: action, Params: params})
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s:%s: the answer is not as documented: %w", product, action, err)
	}
	return nil
}
