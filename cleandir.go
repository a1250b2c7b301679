package assay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/apply"
	"assay/internal/fsys"
	"assay/internal/fsys/hostfs"
	"assay/internal/plan"
	"assay/internal/report"
)

// CleanDirOptions say how a directory, or this machine, is cleaned in place.
type CleanDirOptions struct {
	CleanOptions // without what concerns a copy: Out, OutName, Spill, Format, Compress
	PlanOnly     bool

	// Inspect inspects the target, in a process of the caller's choice. nil
	// inspects in this one.
	Inspect func(ctx context.Context, h report.Handler) error
	// Confirm is asked before the first change; nil agrees.
	Confirm func(*plan.Plan) (bool, error)
	// Settle is called after the changes, before the second inspection: it
	// tells running services, removes the caller's own traces, and says what it
	// did. nil does nothing.
	Settle func() []report.Action
	Scrub  string // what is done to free space afterwards: "", "fstrim", "zero"

	// LeaveDomain agrees to clean a running Windows that is in a domain.
	LeaveDomain bool
	// Sysprep refuses a running Windows that could not be handed over to
	// Sysprep afterwards, see Sysprep.
	Sysprep bool
	// Found is told what the second inspection found, with what is accepted
	// marked. nil if nobody asks.
	Found func([]finding.Finding)
}

// ErrDeclined says that the user did not agree to a plan: nothing was changed.
var ErrDeclined = errors.New("nothing was changed")

// CleanDir cleans a directory in place: it inspects, plans, asks, changes, and
// inspects again. The stream is that of Clean. What cannot be changed is told
// and left: the second inspection says what that means. A secret that was
// removed and is found again is ErrResidue.
func CleanDir(ctx context.Context, t Target, o CleanDirOptions, h report.Handler) (*plan.Plan, error) {
	d := &dirCleaning{cleaning: cleaning{ctx: ctx, t: t, o: o.CleanOptions, h: h, secrets: &secrets{}, started: time.Now()}, dir: o}
	if d.dir.Inspect == nil {
		d.dir.Inspect = func(ctx context.Context, h report.Handler) error { return Inspect(ctx, t, o.Options, h) }
	}
	if err := d.dir.Inspect(ctx, before{d}); err != nil {
		return nil, err
	}
	if d.verdict != nil && d.verdict.Error != "" {
		return nil, d.end(errors.New(d.verdict.Error))
	}
	if err := d.decide(); err != nil {
		return nil, d.end(err)
	}
	if o.PlanOnly {
		d.planned()
		return d.plan, d.end(nil)
	}
	if err := d.agree(); err != nil {
		return d.plan, d.end(err)
	}
	if err := d.changeDir(); err != nil {
		return d.plan, d.end(err)
	}
	if err := d.end(nil); err != nil {
		return d.plan, err
	}
	return d.plan, d.after()
}

// dirCleaning is one run of CleanDir.
type dirCleaning struct {
	cleaning
	dir CleanDirOptions
}

// before passes the first inspection on, as the beginning of a cleaning. On a
// live machine it takes back what could lock its owner out.
type before struct{ *dirCleaning }

func (b before) Handle(m report.Message) error {
	switch {
	case m.Config != nil:
		c := *m.Config
		c.Command = "clean"
		m.Config = &c
	case m.Finding != nil && b.t.Live && !b.o.AsImage:
		f := *m.Finding
		f.Fix = lively(f.Fix)
		m.Finding = &f
	}
	return first{&b.cleaning}.Handle(m)
}

func (b before) Close() error { return nil }

// ways are files through which people and services get into a running machine,
// or by which it is known, and directories that programs use meanwhile: what is
// safe in an image is not safe there. A name ending in "/" stands for all below.
var ways = []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d/", "/etc/ssh/", "/etc/pam.d/",
	"/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostname", "/var/lib/cloud/", "/etc/cloud/", "/tmp", "/var/tmp",
	"/ProgramData/ssh/", "/ProgramData/aliyun/", "/Windows/System32/config/", "/Windows/Temp"}

// risky are operations that do the same.
var risky = []finding.Op{finding.LockPassword, finding.RemoveUser, finding.SetSSHD, finding.Reset, finding.Scrub,
	finding.ForgetLogons, finding.RegDeleteKey, finding.RegDeleteValue, finding.RegSetValue, finding.RegReplace}

// lively is a fix as a running machine can take it without a person's word.
func lively(f *finding.Fix) *finding.Fix {
	if f == nil || !f.Safe || !slices.ContainsFunc(f.Edits, wayIn) {
		return f
	}
	c := *f
	risk := finding.T("It changes who gets into this running machine, or how it is known: you could lock yourself out", "它会改变谁能登录这台运行中的机器，或改变其标识：您可能把自己锁在外面")
	c.Safe, c.Risk = false, &risk
	return &c
}

func wayIn(e finding.Edit) bool {
	if slices.Contains(risky, e.Op) || strings.HasPrefix(path.Base(e.Path), "authorized_keys") {
		return true
	}
	return slices.ContainsFunc(ways, func(w string) bool {
		return e.Path == strings.TrimSuffix(w, "/") || strings.HasSuffix(w, "/") && strings.HasPrefix(e.Path, w)
	})
}

func (d *dirCleaning) agree() error {
	if d.dir.Confirm == nil || len(d.plan.Steps) == 0 {
		return nil
	}
	ok, err := d.dir.Confirm(d.plan)
	if err == nil && !ok {
		err = ErrDeclined
	}
	return err
}

// dirVolume is what findings in a directory call it.
const dirVolume = "dir"

// changeDir runs the plan in the directory and scrubs what is free.
func (d *dirCleaning) changeDir() error {
	if d.t.windows != nil {
		return d.changeWindows()
	}
	e, err := hostfs.NewEditor(d.t.Dir, d.t.Live)
	if err != nil {
		return err
	}
	defer e.Close()
	mounts, err := e.Mounts(dirVolume)
	if err != nil {
		return err
	}
	d.results = make([]apply.Result, len(d.plan.Steps))
	err = apply.Run(d.ctx, d.plan, apply.Machine{Mounts: mounts, Volumes: map[string]apply.Volume{dirVolume: {Name: dirVolume, Editor: e}}, Tolerant: true,
		Fingerprint: func(b []byte) string { return check.Fingerprint(d.o.Key, b) }, Random: rand.Reader}, func(i int, r apply.Result) {
		d.results[i] = r
		d.tell(i, outcome(r), note(r))
	})
	if err != nil {
		return err
	}
	if d.dir.Settle != nil {
		for _, a := range d.dir.Settle() {
			_ = d.h.Handle(report.Message{Action: &a})
		}
	}
	return d.flush(mounts)
}

// flush waits for the disks, then scrubs free space where that was asked for.
func (d *dirCleaning) flush(mounts []fsys.Mount) error {
	for _, m := range mounts {
		e, ok := m.FS.(*hostfs.Editor)
		if !ok {
			continue
		}
		r, err := e.Commit()
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		d.leftovers(m.Path, r.Left)
		if err := d.free(e, m.Path); err != nil {
			return err
		}
	}
	return nil
}

// reserve is the room that filling leaves to the machine's services, in bytes.
const reserve = 64 << 20

func (d *dirCleaning) free(e *hostfs.Editor, mount string) error {
	why := finding.T("Free space holds what was deleted", "空闲空间中残留已删除的内容")
	var n int64
	var err error
	var done finding.Text
	switch d.dir.Scrub {
	case "":
		return nil
	case "fstrim":
		n, err = e.Trim()
		done = finding.Tf("%s discarded", "已丢弃 %s", finding.Size(n))
	default:
		n, err = e.Fill(d.ctx, reserve, func(done, total int64) { d.progress("scrub", done, total) })
		done = finding.Tf("%[1]s zeroed; up to %[2]s stay as they were", "已清零 %[1]s；最多 %[2]s 保持原样", finding.Size(n), finding.Size(reserve))
	}
	switch {
	case d.ctx.Err() != nil:
		return d.ctx.Err()
	case err != nil:
		d.did(mount, "refused", why, finding.T(err.Error(), err.Error()))
	default:
		d.did(mount, "done", why, done)
	}
	return nil
}

// after inspects again, and compares.
func (d *dirCleaning) after() error {
	var found []finding.Finding
	h := &last{Handler: d.h, found: &found}
	h.check = func() error {
		if d.dir.Found != nil {
			d.dir.Found(d.accepted(found))
		}
		return d.residue(found)
	}
	err := d.dir.Inspect(d.ctx, h)
	return errors.Join(err, h.err)
}

// accepted marks what the user knows already.
func (d *dirCleaning) accepted(found []finding.Finding) []finding.Finding {
	found = slices.Clone(found)
	for i := range found {
		if d.o.Accept != nil {
			d.o.Accept.Finding(&found[i])
		}
	}
	return found
}

// residue is that of an image, but for what a running machine goes on writing:
// a log that has lines again is a finding, no failure of the cleaning.
func (d *dirCleaning) residue(found []finding.Finding) error {
	if d.t.Live {
		found = slices.DeleteFunc(slices.Clone(found), func(f finding.Finding) bool {
			return f.Class != finding.IdentityCredential && f.Class != finding.PresetAccount
		})
	}
	return d.cleaning.residue(found)
}
