package assay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/accept"
	"assay/internal/apply"
	"assay/internal/content"
	"assay/internal/disk"
	"assay/internal/disk/overlay"
	"assay/internal/fsys"
	"assay/internal/plan"
	"assay/internal/report"
	"assay/internal/volume"
)

// CleanOptions say how an image is cleaned.
type CleanOptions struct {
	Options
	Decide plan.Options // what the user decided
	Given  *plan.Plan   // run exactly this plan instead of making one
	Accept *accept.List // what the user knows and keeps; nil for nothing

	// Copies receive the clean disks, one for each image of the target; none
	// stops after the plan.
	Copies []Copy
}

// A Copy is where the clean copy of one disk goes.
type Copy struct {
	Name     string   // how messages call it
	File     *os.File // receives it
	Spill    *os.File // takes what the changes need over the memory bound; nil for none
	Format   string   // "raw", "qcow2", "vhd", "vhd-fixed"
	Compress string   // "", "zlib", "zstd"
}

// format is what the copy is read as: its bytes are the guest's own, so they
// are never asked.
func (c Copy) format() string {
	if c.Format == "vhd-fixed" {
		return "vhd"
	}
	return c.Format
}

// Errors of Clean.
var (
	// ErrResidue says that what the plan removed is still in the copy.
	ErrResidue = errors.New("what was removed is still in the copy")
	// ErrOther says that a given plan was made for another image, or for
	// another state of it.
	ErrOther = errors.New("the plan does not belong to this image")
	// ErrCopies says that there is not one copy for each disk.
	ErrCopies = errors.New("a machine is cleaned with all its disks: there must be one copy for each")
)

// Clean writes clean copies of a machine's images to o.Copies. The images are
// only read: their changes live in overlays, and one pass writes each disk as it
// looks through its own. The stream is that of an inspection of the image with an action for each
// step before its verdict, then that of an inspection of the copy. It returns
// the plan; with an error the copy must not be used.
func Clean(ctx context.Context, t Target, o CleanOptions, h report.Handler) (*plan.Plan, error) {
	c := &cleaning{ctx: ctx, t: t, o: o, h: h, secrets: &secrets{}, memo: content.NewMemo(), started: time.Now()}
	defer c.close()
	if len(o.Copies) > 0 && len(o.Copies) != len(t.Images) {
		return nil, ErrCopies
	}
	if err := c.inspect(); err != nil {
		return nil, err
	}
	if err := c.decide(); err != nil {
		return nil, c.end(err)
	}
	if len(o.Copies) == 0 {
		c.planned()
		return c.plan, c.end(nil)
	}
	if err := c.copy(); err != nil {
		return c.plan, c.end(err)
	}
	if err := c.end(nil); err != nil {
		return c.plan, err
	}
	return c.plan, c.again()
}

// cleaning is one run of Clean.
type cleaning struct {
	ctx     context.Context
	t       Target
	o       CleanOptions
	h       report.Handler
	started time.Time

	found   []finding.Finding
	verdict *report.Verdict // of the first inspection, held back until the actions are told
	plan    *plan.Plan
	secrets *secrets
	memo    *content.Memo
	search  *search
	results []apply.Result
	synced  chan error // the copy reached its disk, or did not
	closers []func() error
}

func (c *cleaning) close() {
	for _, f := range c.closers {
		_ = f()
	}
}

// first passes the inspection of the image on, keeps its findings, and holds
// its verdict back.
type first struct{ *cleaning }

func (f first) Handle(m report.Message) error {
	switch {
	case m.Finding != nil:
		x := *m.Finding
		if f.o.Accept != nil {
			f.o.Accept.Finding(&x)
		}
		f.found = append(f.found, x)
	case m.Verdict != nil:
		v := *m.Verdict
		f.verdict = &v
		return nil
	}
	return f.h.Handle(m)
}

func (f first) Close() error { return nil }

func (c *cleaning) inspect() error {
	o := c.o.Options
	o.Command, o.seen = "clean", c.secrets.add
	if len(c.o.Copies) > 0 {
		o.memo = c.memo
	}
	return Inspect(c.ctx, c.t, o, first{c})
}

// end closes the image's part of the stream.
func (c *cleaning) end(err error) error {
	if c.verdict == nil {
		return err
	}
	v := *c.verdict
	c.verdict = nil
	v.Seconds = time.Since(c.started).Seconds()
	if err != nil {
		v.Error = err.Error()
	}
	return errors.Join(err, c.h.Handle(report.Message{Verdict: &v}))
}

// decide makes the plan, or holds a given one to the image in front of us.
func (c *cleaning) decide() error {
	made := plan.Make(c.found, c.o.Decide)
	made.Tool, made.Target, made.Catalogue = "assay "+Version, c.t.Name, CatalogueVersion()
	c.plan = made
	if given := c.o.Given; given != nil {
		if given.Target != made.Target && path.Base(given.Target) != path.Base(made.Target) {
			return fmt.Errorf("%w: it was made for %s", ErrOther, given.Target)
		}
		known := map[string]bool{}
		for _, f := range c.found {
			known[f.ID] = true
		}
		for i, s := range given.Steps {
			for _, id := range s.Findings {
				if !known[id] {
					return fmt.Errorf("%w: step %d settles finding %s, which is not there", ErrOther, i+1, id)
				}
			}
		}
		c.plan = given
	}
	c.search = c.secrets.search(c.plan, c.found)
	return nil
}

// planned tells the plan, where it ends there.
func (c *cleaning) planned() {
	for i := range c.plan.Steps {
		c.tell(i, "planned", finding.Text{})
	}
}

func (c *cleaning) tell(i int, result string, note finding.Text) {
	s := c.plan.Steps[i]
	a := &report.Action{Edit: s.Edit, Result: result, Why: s.Why, Risk: s.Risk, By: s.By, Note: note}
	if len(s.Checks) > 0 {
		a.Check = s.Checks[0]
	}
	_ = c.h.Handle(report.Message{Action: a})
}

// did tells what was done that no single step asked for.
func (c *cleaning) did(volume, result string, why, note finding.Text) {
	_ = c.h.Handle(report.Message{Action: &report.Action{Edit: finding.Edit{Op: finding.Scrub, Volume: volume}, Result: result, Why: why, Note: note}})
}

// copy makes the changes and writes the disks.
func (c *cleaning) copy() error {
	var overs []*overlay.Overlay
	var disks []volume.Disk
	for i, f := range c.t.Images {
		img, err := f.open(c.o.Disk)
		if err != nil {
			return err
		}
		c.closers = append(c.closers, img.Close)
		over := overlay.New(img, overlay.Options{Spill: spill(c.o.Copies[i].Spill), MemLimit: overlay.DefaultMemLimit / int64(len(c.t.Images))})
		c.closers = append(c.closers, over.Close)
		overs = append(overs, over)
		disks = append(disks, volume.Disk{Name: path.Base(f.Path), ReaderAt: over, Size: over.Size()})
	}
	layout, err := volume.Scan(disks)
	if err != nil {
		return err
	}
	if err := c.change(layout, overs); err != nil {
		return err
	}
	total, before := int64(0), int64(0)
	for _, over := range overs {
		total += over.Size()
	}
	for i, over := range overs {
		to := c.o.Copies[i]
		o := disk.WriteOptions{Format: to.Format, Compress: to.Compress,
			Progress: func(done, _ int64) { c.progress("write", before+done, total) }}
		if !c.search.empty() {
			o.Tap = c.search.next(disks[i].Name)
		}
		if err := disk.Write(c.ctx, to.File, over, o); err != nil {
			return err
		}
		before += over.Size()
	}
	c.synced = make(chan error, 1)
	go func() { c.synced <- c.sync() }()
	return nil
}

func (c *cleaning) progress(phase string, done, total int64) {
	_ = c.h.Handle(report.Message{Progress: &report.Progress{Phase: phase, Done: done, Total: total, Unit: "bytes"}})
}

func spill(f *os.File) func() (overlay.SpillFile, error) {
	if f == nil {
		return nil
	}
	return func() (overlay.SpillFile, error) { return f, nil }
}

// sync puts the copies on the disk.
func (c *cleaning) sync() (err error) {
	for _, to := range c.o.Copies {
		err = errors.Join(err, to.File.Sync())
	}
	return err
}

// again inspects the copies as if they were somebody else's, and compares.
// While they are read they are put on the disk; the verdict waits for that.
func (c *cleaning) again() error {
	var found []finding.Finding
	o := c.o.Options
	o.Command, o.Started, o.memo = "inspect", time.Now(), c.memo
	c.memo.Again()
	o.Disk = DiskOptions{}
	t := Target{Name: c.o.Copies[0].Name}
	for _, to := range c.o.Copies {
		t.Images = append(t.Images, ImageFile{Path: to.Name, File: to.File, Format: to.format()})
	}
	h := &last{Handler: c.h, found: &found}
	h.check = func() error { return errors.Join(<-c.synced, c.residue(found)) }
	err := Inspect(c.ctx, t, o, h)
	return errors.Join(err, h.err)
}

// last passes the inspection of the copy on; residue becomes its verdict's
// error.
type last struct {
	report.Handler
	found *[]finding.Finding
	check func() error
	err   error
}

func (l *last) Handle(m report.Message) error {
	if m.Finding != nil {
		*l.found = append(*l.found, *m.Finding)
	}
	if m.Verdict != nil && m.Verdict.Error == "" {
		if l.err = l.check(); l.err != nil {
			v := *m.Verdict
			v.Error = l.err.Error()
			m.Verdict = &v
		}
	}
	return l.Handler.Handle(m)
}

// residue compares what the plan did with what the copy still holds. A step
// that could only weaken (a name that stays) is no residue: its finding is
// open again.
func (c *cleaning) residue(found []finding.Finding) error {
	was := map[string]finding.Severity{}
	for _, f := range c.found {
		was[f.ID] = f.Severity
	}
	settled := map[string]bool{}
	for i, s := range c.plan.Steps {
		if i < len(c.results) && c.results[i].Done && c.results[i].Note == (finding.Text{}) {
			for _, id := range s.Findings {
				settled[id] = true
			}
		}
	}
	var errs []error
	for _, f := range found {
		if settled[f.ID] && f.Severity >= was[f.ID] { // a milder one is about what stays on purpose
			errs = append(errs, fmt.Errorf("%w: finding %s (%s) at %s", ErrResidue, f.ID, f.Check, f.Where.Path))
		}
	}
	for _, at := range c.search.left(found) {
		errs = append(errs, fmt.Errorf("%w: bytes of a secret (finding %s) at offset %d of the disk %s", ErrResidue, at.id, at.offset, at.disk))
	}
	return errors.Join(errs...)
}

// change runs the plan over the layout's volumes and scrubs them.
func (c *cleaning) change(layout *volume.Layout, overs []*overlay.Overlay) error {
	e, err := openEditors(layout, overs)
	if err != nil {
		return err
	}
	mounts, err := e.mounts()
	if err != nil {
		return err
	}
	c.results = make([]apply.Result, len(c.plan.Steps))
	err = apply.Run(c.ctx, c.plan, apply.Machine{Mounts: mounts, Volumes: e.volumes,
		Random:      rand.Reader,
		Fingerprint: func(b []byte) string { return check.Fingerprint(c.o.Key, b) }}, func(i int, r apply.Result) {
		c.results[i] = r
		c.tell(i, outcome(r), note(r))
	})
	if err != nil {
		return err
	}
	return e.scrub(c, overs)
}

func outcome(r apply.Result) string {
	switch {
	case r.Left:
		return "left"
	case !r.Done:
		return "refused"
	case r.Note != finding.Text{}:
		return "weaker"
	}
	return "done"
}

func note(r apply.Result) finding.Text {
	if r.Err != nil {
		return finding.T(r.Err.Error(), r.Err.Error())
	}
	return r.Note
}

var _ fsys.Patch = (*overlay.Overlay)(nil)
