package assay

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/apply"
	"assay/internal/plan"
	"assay/internal/report"
	"assay/internal/winapi"
)

// ErrNotHere says that a running Windows must not be cleaned as it is; the
// message says why. Nothing was changed.
var ErrNotHere = errors.New("this running Windows is not cleaned")

// ready refuses a Windows whose accounts are not its own, or that is in the
// middle of a change.
func ready(s winapi.State, leaveDomain bool) error {
	switch {
	case !s.Elevated:
		return fmt.Errorf("%w: run assay as an administrator", ErrNotHere)
	case s.DomainController:
		return fmt.Errorf("%w: it is a domain controller, no image is made of one", ErrNotHere)
	case len(s.Pending) > 0:
		return fmt.Errorf("%w: it waits for a restart (%s): restart it first", ErrNotHere, strings.Join(s.Pending, ", "))
	case s.Domain != "" && !leaveDomain:
		return fmt.Errorf("%w: it is a member of the domain %s: take it out, or agree with --leave-domain", ErrNotHere, s.Domain)
	}
	return nil
}

// changeWindows runs the plan on a running Windows: accounts and secrets, then
// files, then the registry, then the logs, which hold what the others left.
func (d *dirCleaning) changeWindows() error {
	api := d.t.windows
	if d.dir.Scrub != "" {
		return fmt.Errorf("%w: free space is not scrubbed on a running Windows: leave out --live-scrub, and use cipher /w afterwards", ErrNotHere)
	}
	if err := api.Privileges(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotHere, err)
	}
	state, err := api.State()
	if err != nil {
		return err
	}
	if err := ready(state, d.dir.LeaveDomain); err != nil {
		return err
	}
	if err := d.canSysprep(); err != nil {
		return err
	}
	hives, err := api.Hives()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(d.t.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if d.dir.Settle != nil {
		defer func() {
			for _, a := range d.dir.Settle() {
				_ = d.h.Handle(report.Message{Action: &a})
			}
		}()
	}
	w := &windowsHand{api: api, state: state, hives: hives, root: root, keep: d.plan.Keep, image: d.o.AsImage,
		fingerprint: func(b []byte) string { return check.Fingerprint(d.o.Key, b) }}
	defer w.close()
	w.stale()
	d.results = make([]apply.Result, len(d.plan.Steps))
	extras := d.o.AsImage
	for _, i := range windowsOrder(d.plan.Steps) {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if extras && d.plan.Steps[i].Op == finding.EmptyLog {
			d.forImage(api)
			extras = false
		}
		r := w.step(d.plan.Steps[i])
		d.results[i] = r
		d.tell(i, outcome(r), note(r))
	}
	if extras {
		d.forImage(api)
	}
	if d.o.AsImage {
		w.ownTraces()
	}
	return nil
}

// forImage does what no plan says, because no file of an image tells of it,
// before the logs are emptied. What fails is told: the image may still be made.
func (d *dirCleaning) forImage(api winapi.API) {
	for _, x := range []struct {
		what finding.Text
		do   func() error
	}{
		{finding.T("Credentials that Credential Manager keeps for this account", "凭据管理器为此账户保存的凭据"), func() error {
			_, err := api.DeleteCredentials()
			return err
		}},
		{finding.T("Shadow copies hold older files (where there are none, vssadmin fails)", "卷影副本中保留旧文件（如无卷影副本，vssadmin 会报错）"), func() error {
			return api.Run(winapi.Command{Program: "vssadmin.exe", Args: []string{"delete", "shadows", "/all", "/quiet"}})
		}},
		{finding.T("The hibernation file holds memory", "休眠文件中包含内存内容"), func() error {
			return api.Run(winapi.Command{Program: "powercfg.exe", Args: []string{"/hibernate", "off"}})
		}},
		{finding.T("The page file holds memory: Windows zeroes it whenever it shuts down", "页面文件中包含内存内容：Windows 每次关机时将其清零"), func() error {
			return api.SetValue(memoryManagement, "ClearPageFileAtShutdown", []byte{1, 0, 0, 0})
		}},
		{finding.T("The change journal names files that are gone", "更改日志中记录已删除文件的名称"), func() error { return api.DeleteJournal(api.SystemDrive()) }},
	} {
		result, note := "done", finding.Text{}
		if err := x.do(); errors.Is(err, winapi.ErrNotFound) {
			note = notThere
		} else if err != nil {
			result, note = "refused", finding.T(err.Error(), err.Error())
		}
		_ = d.h.Handle(report.Message{Action: &report.Action{Edit: finding.Edit{Op: finding.Reset, Volume: api.SystemDrive()}, Result: result, Why: x.what, Note: note}})
	}
}

// memoryManagement is the key with the settings of page files.
const memoryManagement = `HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management`

// windowsOrder is the order in which a running Windows takes the steps.
func windowsOrder(steps []plan.Step) []int {
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return windowsPhase(steps[a].Op) - windowsPhase(steps[b].Op) })
	return order
}

func windowsPhase(op finding.Op) int {
	switch op {
	case finding.LockPassword, finding.ForgetLogons, finding.ForgetComment:
		return 0
	case finding.RegReplace, finding.RegDeleteValue, finding.RegDeleteKey, finding.RegSetValue, finding.RegScrub:
		return 2
	case finding.EmptyLog:
		return 3
	}
	return 1
}
