package fleet

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"assay/finding"
)

// The scripts of Windows PowerShell. Where plan holds lines, they come as an
// array before the script.
var (
	//go:embed ps/list.ps1
	listScript string
	//go:embed ps/change.ps1
	changeScript string
)

// A PowerShell runs a script as System on a Windows instance and returns what
// it printed.
type PowerShell interface {
	PowerShell(ctx context.Context, name, text string) (string, error)
}

// A WindowsAccount is one local account of a Windows instance.
type WindowsAccount struct {
	Name, SID string
	Disabled  bool
	Admin     bool
	Age       time.Duration // since its password was set; negative when nobody knows
	Owner     Owner         // New: it gets the new password; System: Windows' own
}

// Relative identifiers that Windows gives to the accounts it makes itself.
var builtIn = map[string]bool{"501": true, "503": true, "504": true} // Guest, DefaultAccount, WDAGUtilityAccount

const administrator = "500"

func (a WindowsAccount) rid() string { return a.SID[strings.LastIndex(a.SID, "-")+1:] }

// Bounds of what an instance may answer.
const (
	maxAccounts = 2000
	controller  = 4 // DomainRole of a backup domain controller; 5 is the primary
)

var sidForm = regexp.MustCompile(`^S-1(-[0-9]{1,20}){1,15}$`)

// WindowsAccounts lists the local accounts of an instance. A domain controller
// has none: its accounts are the domain's, and refused.
func WindowsAccounts(ctx context.Context, sh PowerShell) ([]WindowsAccount, error) {
	out, err := sh.PowerShell(ctx, "accounts", listScript)
	if err != nil {
		return nil, err
	}
	lines, err := answer(out, "assay-accounts 1")
	if err != nil {
		return nil, err
	}
	var as []WindowsAccount
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) == 2 && f[0] == "role" {
			if n, err := strconv.Atoi(f[1]); err != nil || n >= controller {
				return nil, refuse("it is a domain controller: its accounts belong to the domain", "该实例是域控制器：其账户属于域")
			}
			continue
		}
		if len(f) != 6 || f[0] != "user" || !sidForm.MatchString(f[1]) || len(as) >= maxAccounts {
			return nil, fmt.Errorf("the instance's list of accounts is not ours: %.80q", l)
		}
		age, err1 := strconv.ParseInt(f[4], 10, 32)
		name, err2 := base64.StdEncoding.DecodeString(f[5])
		if err1 != nil || err2 != nil || !utf8.Valid(name) {
			return nil, fmt.Errorf("the instance's list of accounts is not ours: %.80q", l)
		}
		as = append(as, WindowsAccount{Name: string(name), SID: f[1], Disabled: f[2] == "1", Admin: f[3] == "1", Age: time.Duration(age) * time.Second})
	}
	return as, nil
}

// answer takes the lines between a script's first and last one.
func answer(out, first string) ([]string, error) {
	var lines []string
	begun := false
	for l := range strings.Lines(out) {
		switch l = strings.TrimSpace(l); {
		case l == first:
			begun = true
		case l == "end" && begun:
			return lines, nil
		case begun && l != "":
			lines = append(lines, l)
		}
	}
	return nil, errors.New("the instance's answer ends early")
}

// A WindowsPlan is what a fix does to a Windows instance.
type WindowsPlan struct {
	Accounts []WindowsAccount
	Disable  []WindowsAccount // switched off; "enable" undoes it
	Scramble []WindowsAccount // expected, with a password that came with the image: it gets one that nobody knows
	Remarks  []finding.Text
}

// PlanWindows decides what becomes of the local accounts. Nothing is deleted:
// a deleted account never comes back with its SID.
func PlanWindows(as []WindowsAccount, expected, keep, remove []string) (*WindowsPlan, error) {
	p := &WindowsPlan{Accounts: slices.Clone(as)}
	named := func(list []string, a WindowsAccount) bool {
		return slices.ContainsFunc(list, func(n string) bool { return strings.EqualFold(n, a.Name) })
	}
	found := false
	for i := range p.Accounts {
		a := &p.Accounts[i]
		switch r := a.rid(); {
		case r == administrator:
			a.Owner, found = New, !a.Disabled
		case builtIn[r]:
			a.Owner = System
		case named(expected, *a) && !named(remove, *a):
			a.Owner = Trusted
		}
		switch {
		case a.Disabled || a.Owner == New:
		case a.Owner != Trusted:
			p.Disable = append(p.Disable, *a)
		case named(keep, *a):
			p.Remarks = append(p.Remarks, finding.Tf("The password of %s stays: --keep-password", "保留 %s 的密码（--keep-password）", a.Name))
		default:
			p.Scramble = append(p.Scramble, *a)
		}
	}
	if !found {
		return p, refuse("the built-in Administrator is disabled: a new password would open nothing. Enable it first: net user Administrator /active:yes", "内置 Administrator 账户已停用：重置密码后仍无法登录。请先启用：net user Administrator /active:yes")
	}
	return p, nil
}

// ProveWindows asks the instance itself whether the password of Administrator
// was set since a moment: nothing else may change before that.
func ProveWindows(ctx context.Context, sh PowerShell, since time.Duration) error {
	as, err := WindowsAccounts(ctx, sh)
	if err != nil {
		return err
	}
	for _, a := range as {
		if a.rid() != administrator {
			continue
		}
		if a.Disabled || a.Age < 0 || a.Age > since {
			return fmt.Errorf("the instance says that the password of %s was set %s ago: the new one is not in force", a.Name, a.Age)
		}
		return nil
	}
	return errors.New("the instance names no Administrator")
}

// ChangeWindows disables and scrambles the accounts of a plan. Where one cannot
// be disabled, those that were are enabled again, and no password is touched.
func ChangeWindows(ctx context.Context, sh PowerShell, p *WindowsPlan) error {
	did, err := change(ctx, sh, "disable", p.Disable)
	if err != nil {
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		if _, e := change(undo, sh, "enable", did); e != nil {
			return errors.Join(err, fmt.Errorf("and some stay disabled: %w", e))
		}
		return fmt.Errorf("%w; those disabled before are enabled again", err)
	}
	if _, err := change(ctx, sh, "scramble", p.Scramble); err != nil {
		return err
	}
	return settledWindows(ctx, sh, p)
}

// settledWindows looks again: an answer is not yet a fact.
func settledWindows(ctx context.Context, sh PowerShell, p *WindowsPlan) error {
	now, err := WindowsAccounts(ctx, sh)
	if err != nil {
		return err
	}
	for _, a := range p.Disable {
		if slices.ContainsFunc(now, func(n WindowsAccount) bool { return n.SID == a.SID && !n.Disabled }) {
			return fmt.Errorf("%s is still enabled", a.Name)
		}
	}
	return nil
}

// atOnce is how many accounts one script changes.
const atOnce = 100

// change does one thing to accounts and returns those to which it was done; on
// an error without an answer all of them, for who undoes it.
func change(ctx context.Context, sh PowerShell, verb string, as []WindowsAccount) (did []WindowsAccount, err error) {
	for len(as) > 0 {
		part := as[:min(atOnce, len(as))]
		as = as[len(part):]
		var lines []string
		for _, a := range part {
			lines = append(lines, "'"+verb+" "+a.SID+"'") // a SID has no quote in it
		}
		out, err := sh.PowerShell(ctx, verb, "$plan = @("+strings.Join(lines, ", ")+")\n"+changeScript)
		if err != nil {
			return append(did, part...), err
		}
		said, err := answer(out, "assay-change 1")
		for _, a := range part {
			if slices.Contains(said, "did "+verb+" "+a.SID) {
				did = append(did, a)
				continue
			}
			for _, l := range said {
				if why, ok := strings.CutPrefix(l, "failed "+verb+" "+a.SID+" "); ok {
					return did, fmt.Errorf("%s cannot be changed (%s): %.60q", a.Name, verb, why)
				}
			}
			if err == nil {
				err = fmt.Errorf("%s: the instance does not say that it was changed (%s)", a.Name, verb)
			}
		}
		if err != nil {
			return append(did, part...), err
		}
	}
	return did, nil
}
