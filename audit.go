package assay

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/checks"
	"assay/internal/checks/account"
	"assay/internal/cloud"
	"assay/internal/guest"
	"assay/internal/report"
)

// AuditOptions say what Audit asks and judges.
type AuditOptions struct {
	// Caller is asked for the account; Collect says how. Or Snapshot holds what
	// an earlier run collected, and nobody is asked.
	Caller   cloud.Caller
	Collect  cloud.Options
	Snapshot *cloud.Snapshot
	// Save is handed what was collected, before it is judged. May be nil.
	Save func(*cloud.Snapshot) error

	Checks   []string // IDs or prefixes of those to run; all if empty
	Key      []byte   // for fingerprints
	Parallel int      // checks at a time; 0 means the number of processors
	Command  string   // "audit", for the stream
	Started  time.Time
}

// Audit says what an account shares, exports and hands on, and who may, as
// messages to h. It changes nothing. What it may not read is a gap; it returns
// an error only when the account could not be looked at at all, or when Save
// fails. h is not closed.
func Audit(ctx context.Context, target string, o AuditOptions, h report.Handler) error {
	suite, err := SelectAccount(o.Checks)
	if err != nil {
		return err
	}
	r := &run{ctx: ctx, h: h, clock: time.Now(), t: Target{Name: target}, o: Options{Checks: o.Checks, Key: o.Key, Parallel: o.Parallel, Command: o.Command, Started: o.Started}}
	c := r.config(nil)
	for _, k := range suite {
		c.Checks = append(c.Checks, Describe(k))
	}
	r.send(report.Message{Config: c})
	err = r.audit(suite, o)
	if err != nil {
		r.verdict.Error = err.Error()
	}
	r.verdict.Seconds = time.Since(r.clock).Seconds()
	r.verdict.Catalogue = CatalogueVersion()
	r.verdict.Sandbox = "off"
	r.send(report.Message{Verdict: &r.verdict})
	return errors.Join(err, r.failed)
}

func (r *run) audit(suite []*check.Check[*cloud.Snapshot], o AuditOptions) error {
	s := o.Snapshot
	if s == nil {
		c := o.Collect
		c.Progress = func(done, total int) { r.progress("collect", int64(done), int64(total), "jobs") }
		var err error
		if s, err = cloud.Collect(r.ctx, o.Caller, c); err != nil {
			return err
		}
		if o.Save != nil {
			if err := o.Save(s); err != nil {
				return err
			}
		}
	}
	r.send(report.Message{Inventory: &report.Inventory{Account: describeAccount(s)}})
	for _, g := range s.Gaps {
		r.gap(g)
	}
	parallel := r.o.Parallel
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	return check.Run(r.ctx, s, suite, check.Options{Parallel: parallel, Key: r.o.Key, Report: r.finding, Gap: r.gap,
		Progress: func(done, total int) { r.progress("check", int64(done), int64(total), "checks") }})
}

func describeAccount(s *cloud.Snapshot) *report.Account {
	a := &report.Account{ID: s.Account, Caller: s.Caller, Taken: s.Taken, Regions: len(s.Regions), Calls: s.Calls, TrailDays: s.TrailDays,
		Images: len(s.Images), Snapshots: len(s.Snapshots), Instances: len(s.Instances), KeyPairs: len(s.KeyPairs),
		Templates: len(s.Templates), Shares: len(s.Shares), Principals: len(s.Principals), Events: len(s.Events)}
	if s.Directory != nil {
		a.Directory, a.Management = s.Directory.ID, s.Directory.Management == s.Account
		for _, n := range s.Nodes {
			if n.Kind == "account" {
				a.Members++
			}
		}
	}
	return a
}

// SelectAccount returns the account checks whose ID is in names or below one
// of them.
func SelectAccount(names []string) ([]*check.Check[*cloud.Snapshot], error) {
	var out []*check.Check[*cloud.Snapshot]
	for _, c := range account.All {
		if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return below(c.ID, n) }) {
			out = append(out, c)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(out, func(c *check.Check[*cloud.Snapshot]) bool { return below(c.ID, n) }) {
			return nil, fmt.Errorf("there is no account check %q: assay checks account lists them", n)
		}
	}
	return out, nil
}

func below(id, name string) bool {
	return id == name || strings.HasPrefix(id, strings.TrimSuffix(name, "/")+"/")
}

// Catalogue describes every check of every subject (machine, account,
// policies) whose ID is in names or below one of them; all if there are none.
func Catalogue(names []string) ([]report.Check, error) {
	machine, err := Select(nil, false)
	if err != nil {
		return nil, err
	}
	var all, out []report.Check
	for _, k := range machine {
		all = append(all, Describe(k))
	}
	for _, k := range account.All {
		all = append(all, Describe(k))
	}
	all = append(append(all, PolicyChecks()...), proofCheck)
	for _, k := range all {
		if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return below(k.ID, n) }) {
			out = append(out, k)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(out, func(k report.Check) bool { return below(k.ID, n) }) {
			return nil, fmt.Errorf("there is no check %q: assay checks lists them", n)
		}
	}
	return out, nil
}

// ReadsContent reports whether a check reads file contents at large, so that
// --no-content leaves it out.
func ReadsContent(id string) bool {
	return slices.ContainsFunc(checks.Machine, func(c *check.Check[*guest.Guest]) bool { return c.ID == id && c.Content })
}

// AuditHint is what a reader can do when an audit failed as a whole.
func AuditHint(err error) finding.Text {
	var e *cloud.Error
	if errors.As(err, &e) && e.Hint.EN != "" {
		return e.Hint
	}
	return finding.T("check credentials and network; assay audit --permissions prints what an audit needs", "请检查凭证和网络；assay audit --permissions 会输出审计所需的权限")
}
