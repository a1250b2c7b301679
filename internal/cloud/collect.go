package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/finding"
)

// Options say what Collect reads.
type Options struct {
	Regions   []string  // those to look at; all that the account sees if empty
	Parallel  int       // jobs at a time; 0 means 8: more meets the service's own limits
	TrailDays int       // how far back ActionTrail is asked, at most 90; 0 leaves it out
	Now       time.Time // the moment of the snapshot
	Progress  func(done, total int)
}

// maxTrailDays is how long ActionTrail keeps events.
const maxTrailDays = 90

// Collect reads an account. What is refused or fails is a gap of the snapshot
// and the rest goes on; the error is the context's, or says that not even the
// account and its regions could be learned. It starts Options.Parallel
// goroutines and waits for them.
func Collect(ctx context.Context, c Caller, o Options) (*Snapshot, error) {
	k := newCollector(ctx, c, o)
	if err := k.start(); err != nil {
		return nil, err
	}
	k.run(k.jobs())
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.finish()
	return k.s, nil
}

// CollectPolicies is Collect for what decides who may do what, and nothing
// else: users, groups, roles, their policies, the Resource Directory.
func CollectPolicies(ctx context.Context, c Caller, o Options) (*Snapshot, error) {
	k := newCollector(ctx, c, o)
	if err := k.who(); err != nil {
		return nil, err
	}
	k.run([]job{k.principals, k.directory})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k.finish()
	return k.s, nil
}

func newCollector(ctx context.Context, c Caller, o Options) *collector {
	k := &collector{ctx: ctx, o: o, s: &Snapshot{Format: format, TrailDays: min(o.TrailDays, maxTrailDays)}, texts: map[string]string{}, gaps: map[string]*gapGroup{}}
	k.c = CallerFunc(func(ctx context.Context, r Request) (json.RawMessage, error) {
		k.calls.Add(1)
		return c.Call(ctx, r)
	})
	k.s.Taken = o.Now.UTC().Format(time.RFC3339)
	return k
}

// A CallerFunc is a function as a Caller.
type CallerFunc func(ctx context.Context, r Request) (json.RawMessage, error)

// Call implements Caller.
func (f CallerFunc) Call(ctx context.Context, r Request) (json.RawMessage, error) { return f(ctx, r) }

// A collector fills one snapshot. mu guards s, texts and gaps.
type collector struct {
	ctx   context.Context
	c     Caller
	o     Options
	calls atomic.Int64

	mu    sync.Mutex
	s     *Snapshot
	texts map[string]string
	gaps  map[string]*gapGroup
}

// gapGroup is one refusal, with all regions in which it happened.
type gapGroup struct {
	gap     finding.Gap
	regions []string
}

// who learns who asks.
func (k *collector) who() error {
	var who struct{ AccountId, Arn flexText }
	if err := callerIdentity.Get(k.ctx, k.c, "", nil, &who); err != nil {
		return fmt.Errorf("asking who the credentials belong to: %w", err)
	}
	if who.AccountId == "" {
		return errors.New("asking who the credentials belong to: the answer names no account")
	}
	k.s.Account, k.s.Caller = string(who.AccountId), string(who.Arn)
	return nil
}

// start learns who asks and which regions there are.
func (k *collector) start() error {
	if err := k.who(); err != nil {
		return err
	}
	k.s.Regions = slices.Clone(k.o.Regions)
	if len(k.s.Regions) == 0 {
		err := each(k, regions, "", nil, func(r struct{ RegionId string }) error {
			k.s.Regions = append(k.s.Regions, r.RegionId)
			return nil
		})
		if err != nil {
			return fmt.Errorf("asking which regions there are (name them with --region to go without): %w", err)
		}
	}
	slices.Sort(k.s.Regions)
	k.s.Regions = slices.Compact(k.s.Regions)
	return nil
}

// A job is a part of the account that is read in one go, by one goroutine.
type job func()

func (k *collector) jobs() (out []job) {
	out = append(out, k.principals, k.directory)
	for _, r := range k.s.Regions {
		for _, f := range []func(string){k.images, k.instances, k.snapshots, k.templates, k.small, k.shares} {
			out = append(out, func() { f(r) })
		}
	}
	if k.s.TrailDays > 0 { // last and side by side: the slowest API, two calls a second
		for _, r := range k.s.Regions {
			out = append(out, func() { k.trail(r) })
		}
	}
	return out
}

func (k *collector) run(jobs []job) {
	parallel := k.o.Parallel
	if parallel <= 0 {
		parallel = 8
	}
	var wg sync.WaitGroup
	var next, done atomic.Int64
	var tell sync.Mutex
	for range min(parallel, len(jobs)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(jobs) && k.ctx.Err() == nil; i = next.Add(1) - 1 {
				jobs[i]()
				if k.o.Progress != nil {
					tell.Lock()
					k.o.Progress(int(done.Add(1)), len(jobs))
					tell.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

// each walks a list and decodes its entries.
func each[T any](k *collector, a API, region string, params map[string]string, f func(T) error) error {
	return a.Each(k.ctx, k.c, region, params, func(b json.RawMessage) error {
		var v T
		if err := json.Unmarshal(b, &v); err != nil {
			return fmt.Errorf("%s:%s: an entry is not as documented: %w", a.Product, a.Action, err)
		}
		return f(v)
	})
}

// in gives the parameters of a regional call.
func in(region string, kv ...string) map[string]string {
	m := map[string]string{"RegionId": region}
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// add puts an entry into one of the snapshot's lists.
func add[T any](k *collector, to *[]T, v T) {
	k.mu.Lock()
	*to = append(*to, v)
	k.mu.Unlock()
}

// intern keeps one copy of what repeats: image IDs, key pairs, states.
func (k *collector) intern(s string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, ok := k.texts[s]; ok {
		return t
	}
	s = strings.Clone(s)
	if len(k.texts) < maxItems {
		k.texts[s] = s
	}
	return s
}

// failed makes a gap of a call that was refused or failed. The same refusal in
// many regions is one gap.
func (k *collector) failed(a API, region string, err error) {
	if err == nil || k.ctx.Err() != nil {
		return
	}
	kind, detail := finding.GapUnreadable, err.Error()
	var e *Error
	if errors.As(err, &e) {
		detail = fmt.Sprintf("%s (%d): %s", e.Code, e.Status, e.Message)
		if Denied(e) {
			detail = fmt.Sprintf("the permission %s is missing: %s", a.Needs(), detail)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	code := kind
	key := a.Product + ":" + a.Action + " " + string(code)
	if e != nil {
		key += e.Code
	}
	g := k.gaps[key]
	if g == nil {
		g = &gapGroup{gap: finding.NewGap(kind, finding.Where{Path: a.Product + ":" + a.Action}, "%s", detail)}
		if e != nil && e.Hint.EN != "" { // what a reader can do, in the reader's language
			title := &g.gap.Title
			title.EN, title.ZH = title.EN+": "+e.Hint.EN, title.ZH+"："+e.Hint.ZH
		}
		k.gaps[key] = g
	}
	if region != "" && !slices.Contains(g.regions, region) {
		g.regions = append(g.regions, region)
	}
}

// Denied reports whether a policy is the reason, also where the answer does
// not say so in so many words.
func Denied(e *Error) bool {
	return e.Denied || e.Status == 403 && (strings.HasPrefix(e.Code, "Forbidden") || strings.HasPrefix(e.Code, "NoPermission"))
}

// limit is a gap for what was left out.
func (k *collector) limit(a API, region, format string, args ...any) {
	g := finding.NewGap(finding.GapLimit, finding.Where{Volume: region, Path: a.Product + ":" + a.Action}, format, args...)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.s.Gaps = append(k.s.Gaps, g)
}

// finish puts everything in order, so that two runs over the same account give
// the same snapshot.
func (k *collector) finish() {
	s := k.s
	for _, g := range k.gaps {
		slices.Sort(g.regions)
		if n := len(g.regions); n > 0 {
			g.gap.Where.Volume = strings.Join(g.regions, ",")
			if n == len(s.Regions) && n > 1 {
				g.gap.Where.Volume = "all regions"
			}
			g.gap.Detail += " [" + g.gap.Where.Volume + "]"
			g.gap.Identify()
		}
		s.Gaps = append(s.Gaps, g.gap)
	}
	s.Calls = int(k.calls.Load())
	s.sort()
}

func (s *Snapshot) sort() {
	slices.SortFunc(s.Gaps, func(a, b finding.Gap) int {
		return cmp.Or(cmp.Compare(a.Where.Path, b.Where.Path), cmp.Compare(a.Detail, b.Detail))
	})
	slices.SortFunc(s.Images, func(a, b Image) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Snapshots, func(a, b DiskSnapshot) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Shares, func(a, b ResourceShare) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Tasks, func(a, b Task) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Templates, func(a, b LaunchTemplate) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Scaling, func(a, b ScalingConfiguration) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Groups, func(a, b ProvisioningGroup) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.Instances, func(a, b Instance) int { return order(a.Region, b.Region, a.ID, b.ID) })
	slices.SortFunc(s.KeyPairs, func(a, b KeyPair) int { return order(a.Region, b.Region, a.Name, b.Name) })
	slices.SortFunc(s.Encryption, func(a, b Encryption) int { return cmp.Compare(a.Region, b.Region) })
	slices.SortFunc(s.Policies, func(a, b Policy) int { return order(a.Type, b.Type, a.Name, b.Name) })
	slices.SortFunc(s.Principals, func(a, b Principal) int { return order(a.Kind, b.Kind, a.Name, b.Name) })
	slices.SortFunc(s.Events, func(a, b Event) int { return order(a.Time, b.Time, a.ID, b.ID) })
	slices.SortFunc(s.Nodes, func(a, b Node) int { return order(a.Kind, b.Kind, a.ID, b.ID) })
	slices.SortFunc(s.ControlDocs, func(a, b ControlPolicy) int { return cmp.Compare(a.ID, b.ID) })
}

func order(a1, b1, a2, b2 string) int { return cmp.Or(cmp.Compare(a1, b1), cmp.Compare(a2, b2)) }
