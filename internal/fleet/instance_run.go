package fleet

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/finding"
	"assay/internal/remote"
)

//go:embed sh/*.sh
var scripts embed.FS

// script is a script behind what all share. The names are ours.
func script(name string) string {
	lib, _ := scripts.ReadFile("sh/lib.sh")
	b, _ := scripts.ReadFile("sh/" + name + ".sh")
	return string(lib) + string(b)
}

// guardText is the whole program of the guard.
func guardText(after time.Duration) string {
	return fmt.Sprintf("N=%d\n", max(1, int(after.Seconds()))) + script("guard") + "# end"
}

// A Fix carries out a plan on one instance.
type Fix struct {
	Plan  *Plan
	Admin remote.Shell // root, by whatever works today
	Door  Door
	Bind  Binder // nil where there is no cloud
	Event func(Event)
	// Rollback is how long the guard waits; 0 means DefaultRollback.
	Rollback time.Duration
	// Patience bounds the wait for a server that is restarting; 0 means 30 s,
	// and five minutes after a restart of the machine.
	Patience time.Duration
	// Reboot bounds the wait for a machine that restarts; 0 means five minutes.
	Reboot time.Duration

	shell     remote.Shell // the newest connection
	opened    []remote.Shell
	armed     bool
	restarted bool
	bound     bool
	kept      bool // the guard was told to keep the new key, for the restart
}

// A Binder binds the new key pair in the cloud.
type Binder interface {
	Bind(ctx context.Context) error
	Unbind(ctx context.Context) error
	// Restart reboots the instance by the cloud and waits until it runs.
	Restart(ctx context.Context) error
}

func (f *Fix) rollback() time.Duration {
	if f.Rollback > 0 {
		return f.Rollback
	}
	return DefaultRollback
}

// A FixError says at which step a fix ended and what became of the machine.
type FixError struct {
	Step  string
	Title finding.Text
	State State // Undone, LeftToIt, or Failed when nothing had been changed
	Err   error
	After time.Duration // when the guard acts, for LeftToIt
}

func (e *FixError) Error() string { return e.Step + ": " + e.Err.Error() }
func (e *FixError) Unwrap() error { return e.Err }

// Run carries the plan out. When a step fails everything is undone at once, or
// by the guard on the machine when we cannot reach it any more.
func (f *Fix) Run(ctx context.Context) error {
	f.shell = f.Admin
	defer func() {
		for _, s := range f.opened {
			s.Close()
		}
	}()
	var done []step
	for _, s := range steps {
		if s.when != nil && !s.when(f.Plan) || s.name == "bind" && f.Bind == nil {
			continue
		}
		f.tell(s, Started, nil)
		err := ctx.Err()
		if err == nil {
			err = s.do(f, ctx)
		}
		if err == nil && s.prove != nil {
			err = s.prove(f, ctx)
		}
		if err != nil {
			f.tell(s, Failed, err)
			return f.undo(ctx, done, s, err)
		}
		f.tell(s, Done, nil)
		done = append(done, s)
	}
	return nil
}

func (f *Fix) tell(s step, st State, err error) {
	if f.Event != nil {
		f.Event(Event{s.name, s.title, st, err})
	}
}

// undoTime bounds the undo, which goes on when ctx has ended.
const undoTime = 90 * time.Second

// undo puts everything back after a step failed.
func (f *Fix) undo(ctx context.Context, done []step, at step, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	e := &FixError{Step: at.name, Title: at.title, State: Failed, Err: cause, After: f.rollback()}
	if f.armed || at.name == "arm" || at.name == "rearm" {
		e.State = f.undoGuarded(ctx, at)
	}
	if f.kept && e.State != LeftToIt {
		e.State = Kept // to unbind it would take the key that is in place out of the cloud's books
	}
	for _, s := range slices.Backward(append(done, at)) {
		if s.undo != nil && !f.kept {
			if err := s.undo(f, ctx); err != nil {
				e.Err = errors.Join(e.Err, fmt.Errorf("undoing %s: %w", s.name, err))
			}
		}
	}
	f.tell(at, e.State, nil)
	return e
}

// undoGuarded restores the backups through any connection that still works.
func (f *Fix) undoGuarded(ctx context.Context, at step) State {
	if !f.armed && refusedToArm(at) {
		// The script of arm removes what it began; an undo could hit the fix
		// of somebody else.
		return Failed
	}
	for _, sh := range append(slices.Clone(f.opened), f.Admin) {
		if _, err := f.runOn(ctx, sh, "undo", "", nil); err == nil {
			f.armed = false
			return Undone
		}
	}
	return LeftToIt
}

// Abandon undoes what an interrupted fix of ours left on a machine, instead of
// waiting for its guard. A guard that has fired, or was told that all is well,
// is no error; nor is a machine without any.
func Abandon(ctx context.Context, sh remote.Shell) error {
	_, err := (&Fix{}).runOn(ctx, sh, "undo", "", nil)
	var exit *remote.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

func refusedToArm(at step) bool { return at.name == "arm" || at.name == "rearm" }

// use makes sh the connection for what follows. The ones before stay open: the
// first of them is the way back.
func (f *Fix) use(sh remote.Shell) {
	f.shell = sh
	f.opened = append(f.opened, sh)
}

// run runs one of our scripts with variables.
func (f *Fix) run(ctx context.Context, name, stdin string, vars ...string) error {
	_, err := f.runOn(ctx, f.shell, name, stdin, vars)
	return err
}

// stepTime bounds one script: a machine that stalls must not keep us from the
// undo until its guard fires.
const stepTime = 60 * time.Second

func (f *Fix) runOn(ctx context.Context, sh remote.Shell, name, stdin string, vars []string) (remote.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	var b strings.Builder
	for i := 0; i+1 < len(vars); i += 2 {
		b.WriteString(vars[i] + "=" + quote(vars[i+1]) + "\n")
	}
	r, err := sh.Run(ctx, remote.Script{Name: name, Text: b.String() + script(name), Stdin: []byte(stdin)})
	if err == nil {
		err = r.Err(name)
	}
	return r, err
}

// quote makes one word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// patient tries to enter until the server answers: it may be reading its files
// again, or starting.
func (f *Fix) patient(ctx context.Context, enter func(context.Context) (remote.Shell, error)) (remote.Shell, error) {
	wait := f.Patience
	if wait == 0 {
		wait = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		sh, err := enter(ctx)
		if err == nil {
			return sh, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// knock asks at a door, more than once where nobody answers.
func (f *Fix) knock(ctx context.Context, user string, blobs []string) (taken []bool, password bool, err error) {
	for range 3 {
		if taken, password, err = f.Door.Knock(ctx, user, blobs); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
	return taken, password, err
}

// rebootTime bounds the wait for a machine that restarts.
const rebootTime = 5 * time.Minute

// restart reboots the machine and enters again with the new key.
func (f *Fix) restart(ctx context.Context) error {
	wait := f.Reboot
	if wait == 0 {
		wait = rebootTime
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	f.restarted = true
	if f.Bind != nil {
		if err := f.Bind.Restart(ctx); err != nil {
			return err
		}
	} else if _, err := f.shell.Run(ctx, remote.Script{Name: "reboot", Text: "(sleep 1; reboot || shutdown -r now) </dev/null >/dev/null 2>&1 & echo $(cat /proc/sys/kernel/random/boot_id)"}); err != nil {
		return err
	}
	if err := f.gone(ctx); err != nil {
		return err
	}
	keep := f.Patience
	f.Patience = wait
	defer func() { f.Patience = keep }()
	return f.enter(ctx)
}

// gone waits until the connection of before the restart is dead: until then a
// login could still meet the old system.
func (f *Fix) gone(ctx context.Context) error {
	for {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := f.shell.Run(short, remote.Script{Name: "true", Text: "true"})
		cancel()
		if err != nil {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (f *Fix) bind(ctx context.Context) error {
	f.bound = true // also when the answer got lost
	return f.Bind.Bind(ctx)
}

func (f *Fix) unbind(ctx context.Context) error {
	if !f.bound {
		return nil
	}
	return f.Bind.Unbind(ctx)
}

// removeByFile are the keys that go, those of one file together.
func (p *Plan) removeByFile() []Key {
	ks := slices.Clone(p.Remove)
	slices.SortStableFunc(ks, func(a, b Key) int { return strings.Compare(a.Path, b.Path) })
	return ks
}

// removedFor are the blobs that let user in before and must not any more: a key
// that stays elsewhere for the same user is no proof of anything.
func (p *Plan) removedFor(user string) (blobs []string) {
	for _, k := range p.Remove {
		stays := slices.ContainsFunc(p.Stay, func(s Key) bool { return s.Blob == k.Blob && slices.Contains(s.Users, user) })
		if slices.Contains(k.Users, user) && !stays && !slices.Contains(blobs, k.Blob) {
			blobs = append(blobs, k.Blob)
		}
	}
	return blobs
}

func (p *Plan) fingerprint(blob string) string {
	for _, k := range p.Remove {
		if k.Blob == blob {
			return k.Fingerprint
		}
	}
	return ""
}
