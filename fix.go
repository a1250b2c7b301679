package assay

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/fleet"
	"assay/internal/guest"
	"assay/internal/remote"
	"assay/internal/remote/openssh"
	"assay/internal/report"
)

// A FixTarget is a running Linux machine and the ways to it.
type FixTarget struct {
	Name  string
	Admin remote.Shell    // root, by what works today
	SSH   *openssh.Client // the machine's door; its user is who logs in with the new key
	Bind  fleet.Binder    // nil where there is no cloud
	// Old are credentials that are known here and must not work afterwards.
	Old []OldCredential
}

// An OldCredential is one that the fix replaces.
type OldCredential struct {
	Name string // for people
	User string
	Try  func(context.Context) (bool, error)
	// Blob is the public half of a key, so that a key that stays by the plan
	// is not tried; nil for a password.
	Blob []byte
}

// FixOptions say what a fix does.
type FixOptions struct {
	NewKey      ssh.Signer
	Comment     string // of the new key's line
	Trust       fleet.Trust
	RemoveUsers []string
	Keep        []string // accounts that keep their password
	KeyPair     string   // that is bound by the cloud; for people
	SudoAsks    bool     // the login becomes root by a password
	Restart     bool
	KeepSSHD    bool
	Rollback    time.Duration
	RestartWait time.Duration // 0 means five minutes
	Key         []byte        // for fingerprints of secrets
}

// A FixPlan is what is known of a machine and what a fix would do.
type FixPlan struct {
	Facts *fleet.Facts
	Plan  *fleet.Plan
	// Before are the findings of the checks of accounts and SSH, Gaps what they
	// could not look at.
	Before []finding.Finding
	Gaps   []finding.Gap
	System *report.System
}

// A FixResult is the machine after a fix.
type FixResult struct {
	Left   []finding.Finding // without those that stay by the plan
	Gaps   []finding.Gap
	System *report.System
}

// fixChecks are the checks that a fix answers. Trying published passwords is
// not one of them: it takes long, and every password goes anyway.
var fixChecks = []string{"any/ssh/authorized-keys", "any/ssh/keys-command", "any/ssh/trusted-ca", "any/ssh/host-trust", "any/ssh/weak-settings",
	"any/ssh/cloud-init-override", "linux/account/empty-password", "linux/account/password-set", "linux/account/system-password",
	"linux/account/uid-zero", "linux/account/unknown-user"}

// PlanFix looks at a machine and says what a fix would do. It changes nothing.
func PlanFix(ctx context.Context, t FixTarget, o FixOptions) (*FixPlan, error) {
	seen, err := observe(ctx, t.Admin, o.Key)
	if err != nil {
		return nil, err
	}
	g, found := seen.guest, seen.found
	user := t.SSH.Target().User
	f := facts(g, user)
	trust := o.Trust
	trust.New = ssh.FingerprintSHA256(o.NewKey.PublicKey())
	trust.Published = published(found)
	f.Attribute(trust)
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(o.NewKey.PublicKey())))
	w := fleet.Wishes{User: user, NewKey: strings.TrimSpace(line + " " + o.Comment), NewBlob: strings.Fields(line)[1], RemoveUsers: o.RemoveUsers,
		Keep: o.Keep, SudoAsks: o.SudoAsks, Restart: o.Restart, KeepSSHD: o.KeepSSHD}
	p, err := fleet.MakePlan(f, w)
	if err != nil {
		return &FixPlan{Facts: f, Before: found, Gaps: seen.gaps, System: system(g)}, err
	}
	if p.PlaceIn != "" && !g.Exists(path.Dir(p.PlaceIn)) {
		if !g.Exists(path.Dir(path.Dir(p.PlaceIn))) {
			return nil, fmt.Errorf("the home of %s does not exist: there is no place for the new key", user)
		}
		p.MakesDir()
	}
	var more []string
	for _, n := range []string{"/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"} {
		if g.Exists(n) {
			more = append(more, n)
		}
	}
	p.Groups(more...)
	return &FixPlan{Facts: f, Plan: p, Before: found, Gaps: seen.gaps, System: system(g)}, nil
}

// RunFix carries a plan out and looks at the machine again. The result is nil
// when the fix did not get to its end.
func RunFix(ctx context.Context, t FixTarget, p *FixPlan, o FixOptions, event func(fleet.Event)) (*FixResult, error) {
	d := &door{client: t.SSH, key: o.NewKey}
	for _, old := range t.Old {
		if !slices.ContainsFunc(p.Plan.Stay, func(k fleet.Key) bool {
			return old.Blob != nil && k.Blob == base64.StdEncoding.EncodeToString(old.Blob) && slices.Contains(k.Users, old.User)
		}) {
			d.old = append(d.old, old)
		}
	}
	f := &fleet.Fix{Plan: p.Plan, Admin: t.Admin, Door: d, Bind: t.Bind, Event: event, Rollback: o.Rollback, Reboot: o.RestartWait}
	if err := f.Run(ctx); err != nil {
		return nil, err
	}
	sh, err := d.Enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("the fix is done and proven, but the machine cannot be looked at again: %w", err)
	}
	defer sh.Close()
	seen, err := observe(ctx, sh, o.Key)
	if err != nil {
		return nil, fmt.Errorf("the fix is done and proven, but the machine cannot be looked at again: %w", err)
	}
	left := slices.DeleteFunc(seen.found, func(f finding.Finding) bool { return expected(f, p, o) })
	return &FixResult{Left: left, Gaps: seen.gaps, System: system(seen.guest)}, nil
}

// expected reports whether a finding speaks of what stays by the plan: a key
// whose owner is known, a user that was declared.
func expected(f finding.Finding, p *FixPlan, o FixOptions) bool {
	switch f.Check {
	case "any/ssh/authorized-keys":
		return f.Anchor == ssh.FingerprintSHA256(o.NewKey.PublicKey()) ||
			slices.ContainsFunc(p.Plan.Stay, func(k fleet.Key) bool { return k.Fingerprint == f.Anchor })
	case "linux/account/unknown-user":
		a, ok := p.Facts.Account(f.Where.User)
		return ok && a.Owner != fleet.Unknown
	}
	return false
}

// A sight is what a probe and the checks of accounts and SSH make of a machine.
type sight struct {
	guest *guest.Guest
	found []finding.Finding
	gaps  []finding.Gap
}

// observe makes a guest of a machine and runs the checks of accounts and SSH.
func observe(ctx context.Context, sh remote.Shell, key []byte) (*sight, error) {
	m, err := Observe(ctx, sh)
	if err != nil {
		return nil, err
	}
	s := &sight{}
	gap := func(g finding.Gap) {
		if g.Kind != finding.GapLimit { // folders that a probe cuts: nothing of what is asked here lies in them
			s.gaps = append(s.gaps, g)
		}
	}
	if s.guest, err = m.guest(gap); err != nil {
		return nil, err
	}
	suite, err := Select(fixChecks, true)
	if err != nil {
		return nil, err
	}
	err = check.Run(ctx, s.guest, suite, check.Options{Parallel: runtime.GOMAXPROCS(0), Key: key,
		Report: func(f finding.Finding) { s.found = append(s.found, f) }, Gap: func(g finding.Gap) { s.gaps = append(s.gaps, g) }})
	return s, err
}

// published are the keys that the check of authorized keys knows as such.
func published(found []finding.Finding) map[string]string {
	m := map[string]string{}
	for _, f := range found {
		if f.Check == "any/ssh/authorized-keys" && f.Severity == finding.Critical && f.Anchor != "" {
			m[f.Anchor] = f.Title.EN[strings.LastIndex(f.Title.EN, ": ")+1:]
		}
	}
	return m
}

// facts are a guest's accounts, keys and sshd as package fleet wants them.
func facts(g *guest.Guest, user string) *fleet.Facts {
	f := &fleet.Facts{}
	all, _ := g.Accounts() // what cannot be read is a gap of inspect; a plan uses what is known
	keys := keyReader{g: g, at: map[string][]int{}, f: f}
	for _, a := range all.Users {
		x := fleet.Account{Name: a.Name, UID: a.UID, GID: a.GID, Home: a.Home, Login: a.Login(), Password: string(a.Password), By: a.Maker,
			Owner: map[guest.Origin]fleet.Owner{guest.Distribution: fleet.System, guest.Package: fleet.System, guest.CloudInit: fleet.CloudInit}[a.Origin],
			Sudo:  a.UID == 0 || slices.ContainsFunc(a.Sudo, func(r guest.SudoRule) bool { return r.All })}
		for _, name := range g.SSHD().AuthorizedKeysFiles(a.Name) {
			resolved := resolve(g, name)
			x.KeyFiles = append(x.KeyFiles, resolved)
			keys.read(resolved, a.Name)
		}
		f.Accounts = append(f.Accounts, x)
	}
	for _, h := range g.Homes() {
		if len(h.Users) == 0 {
			keys.read(h.Path+"/.ssh/authorized_keys", "")
			keys.read(h.Path+"/.ssh/authorized_keys2", "")
		}
	}
	s := g.SSHD()
	for i, name := range s.Files {
		b, _ := g.Read(name) // it was read before
		if i == 0 {
			f.SSHD.Main, f.SSHD.Text = resolve(g, name), string(b)
			continue
		}
		f.SSHD.Dropins = append(f.SSHD.Dropins, fleet.File{Path: name, Text: string(b)})
	}
	f.SSHD.Methods = s.For(user).Get("authenticationmethods").Value
	if i := slices.IndexFunc(all.Users, func(a guest.Account) bool { return a.Name == user }); i >= 0 {
		f.SSHD.Barred = barred(s.For(user), all.Users[i])
	}
	return f
}

// resolve follows links to the file, or to the folder that would hold it.
func resolve(g *guest.Guest, name string) string {
	if _, resolved, err := g.Tree.Lookup(name, true); err == nil {
		return resolved
	}
	if dir := path.Dir(name); dir != name {
		return path.Join(resolve(g, dir), path.Base(name))
	}
	return name
}

// keyReader reads every key file once, and notes all whom it lets in.
type keyReader struct {
	g  *guest.Guest
	f  *fleet.Facts
	at map[string][]int // the file's keys in f.Keys
}

func (r *keyReader) read(name, user string) {
	is, known := r.at[name]
	if !known {
		b, err := r.g.Read(name)
		if err != nil || b == nil {
			return
		}
		sshkey.Authorized(b, func(l sshkey.Line) bool {
			k := fleet.Key{Path: name, Line: l.Number, Type: l.Key.Type, Bits: l.Key.Bits, Fingerprint: l.Key.Fingerprint, Comment: l.Comment, Blob: blobOf(l)}
			for _, o := range l.Options {
				k.Options = append(k.Options, o.Name)
			}
			is = append(is, len(r.f.Keys))
			r.f.Keys = append(r.f.Keys, k)
			return true
		})
		r.at[name] = is
	}
	for _, i := range is {
		if k := &r.f.Keys[i]; user != "" && !slices.Contains(k.Users, user) {
			k.Users = append(k.Users, user)
		}
	}
}

// blobOf is the field of a line that holds its key.
func blobOf(l sshkey.Line) string {
	for _, w := range strings.Fields(l.Text) {
		b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(w, "="))
		if err != nil {
			continue
		}
		if k, err := sshkey.ParsePublic(b); err == nil && k.Fingerprint == l.Key.Fingerprint {
			return w
		}
	}
	return ""
}

// door is fleet.Door over SSH.
type door struct {
	client *openssh.Client
	key    ssh.Signer
	old    []OldCredential
}

func (d *door) Enter(ctx context.Context) (remote.Shell, error) {
	c, err := d.client.LoginWith(ctx, d.key)
	if err != nil {
		return nil, err
	}
	r, err := c.Run(ctx, remote.Script{Name: "enter", Text: "true"})
	if err = errors.Join(err, r.Err("enter")); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (d *door) Knock(ctx context.Context, user string, blobs []string) ([]bool, bool, error) {
	var keys []ssh.PublicKey
	var at []int
	for i, s := range blobs {
		b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
		if err != nil {
			continue
		}
		// A type that we cannot speak of is one that the sshd -T and the file
		// itself must answer for.
		if k, err := ssh.ParsePublicKey(b); err == nil {
			keys, at = append(keys, k), append(at, i)
		}
	}
	a, err := d.client.Knock(ctx, user, keys)
	taken := make([]bool, len(blobs))
	for j, i := range at {
		taken[i] = a.Keys[j]
	}
	return taken, a.Password, err
}

func (d *door) Old(ctx context.Context) (open []string, err error) {
	for _, o := range d.old {
		ok, err := o.Try(ctx)
		if err != nil {
			return open, fmt.Errorf("%s: %w", o.Name, err)
		}
		if ok {
			open = append(open, o.Name)
		}
	}
	return open, nil
}
