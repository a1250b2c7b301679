package assay

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

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
	w := &windowsHand{api: api, state: state, hives: hives, root: root, keep: d.plan.Keep}
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
		{finding.T("Shadow copies hold older files", "卷影副本中保留旧文件"), func() error {
			return api.Run(winapi.Command{Program: "vssadmin.exe", Args: []string{"delete", "shadows", "/all", "/quiet"}})
		}},
		{finding.T("The hibernation file holds memory", "休眠文件中包含内存内容"), func() error {
			return api.Run(winapi.Command{Program: "powercfg.exe", Args: []string{"/hibernate", "off"}})
		}},
		{finding.T("The change journal names files that are gone", "更改日志中记录已删除文件的名称"), func() error { return api.DeleteJournal(api.SystemDrive()) }},
	} {
		result, note := "done", finding.Text{}
		if err := x.do(); errors.Is(err, winapi.ErrNotFound) {
			note = goneAlready
		} else if err != nil {
			result, note = "refused", finding.T(err.Error(), err.Error())
		}
		d.did("", result, x.what, note)
	}
}

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
	case finding.LockPassword, finding.ForgetLogons:
		return 0
	case finding.RegDeleteValue, finding.RegDeleteKey, finding.RegSetValue, finding.RegScrub:
		return 2
	case finding.EmptyLog:
		return 3
	}
	return 1
}

// windowsHand performs steps on a running Windows.
type windowsHand struct {
	api   winapi.API
	state winapi.State
	hives []winapi.Hive
	root  *os.Root
	keep  []string
	waits bool // something of this step was in use and goes at the next start
}

var (
	leftOwn     = finding.T("left: it is the account that runs assay", "已保留：这是运行 assay 的账户")
	leftRunning = finding.T("left: not while Windows runs; clean an image of its disk", "已保留：Windows 运行时无法执行，请清理其磁盘镜像")
	leftHive    = finding.T("left: this part of the registry is not loaded; clean an image of the disk", "已保留：该注册表配置单元未加载，请清理磁盘镜像")
	atRestart   = finding.T("in use: Windows deletes it when it starts next", "正在使用：Windows 将在下次启动时删除")
	goneAlready = finding.T("was gone already", "此前已不存在")
)

func (w *windowsHand) step(s plan.Step) apply.Result {
	var err error
	var note finding.Text
	switch s.Op {
	case finding.LockPassword:
		if strings.EqualFold(s.User, w.state.User) {
			return apply.Result{Left: true, Note: leftOwn}
		}
		err = w.api.LockAccount(s.User, s.With == "disable")
	case finding.RegDeleteValue, finding.RegDeleteKey, finding.RegSetValue, finding.ForgetLogons:
		key, ok := w.key(s)
		if !ok {
			return apply.Result{Left: true, Note: leftHive}
		}
		err = w.registry(key, s)
	case finding.EmptyLog:
		err = w.api.ClearLog(channel(s.Path))
	case finding.Blank, finding.Reset, finding.Remove, finding.RemoveTree, finding.EmptyDir:
		if strings.ContainsAny(s.Path, "*?[") {
			return apply.Result{Left: true, Note: leftRunning}
		}
		note, err = w.file(s)
	default:
		return apply.Result{Left: true, Note: leftRunning}
	}
	if errors.Is(err, winapi.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return apply.Result{Done: true, Note: goneAlready}
	}
	return apply.Result{Done: err == nil, Note: note, Err: err}
}

// key is the key that a step is about, by the hive that it names as a file.
func (w *windowsHand) key(s plan.Step) (string, bool) {
	for _, h := range w.hives {
		if strings.EqualFold(h.File, s.Path) {
			return strings.TrimSuffix(h.Key+`\`+s.Key, `\`), true
		}
	}
	return "", false
}

// secrets is the key below which the LSA keeps what it gives out by name.
const lsaSecrets = `HKLM\SECURITY\Policy\Secrets\`

func (w *windowsHand) registry(key string, s plan.Step) error {
	switch s.Op {
	case finding.ForgetLogons:
		return w.forgetLogons()
	case finding.RegDeleteValue:
		return w.api.DeleteValue(key, s.Value)
	case finding.RegSetValue:
		data, err := hex.DecodeString(s.With)
		if err != nil {
			return err
		}
		return w.api.SetValue(key, s.Value, data)
	}
	if len(key) > len(lsaSecrets) && strings.EqualFold(key[:len(lsaSecrets)], lsaSecrets) {
		name, _, below := strings.Cut(key[len(lsaSecrets):], `\`)
		if !below {
			return w.api.DeletePrivateData(name)
		}
	}
	return w.api.DeleteKey(key)
}

// forgetLogons deletes the slots of domain logons; Windows makes new ones.
func (w *windowsHand) forgetLogons() error {
	const cache = `HKLM\SECURITY\Cache`
	names, err := w.api.Values(cache)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasPrefix(n, "NL$") && n != "NL$Control" {
			err = errors.Join(err, w.api.DeleteValue(cache, n))
		}
	}
	return err
}

// channel is the name of the event log in a file: "%4" stands for a slash.
func channel(file string) string {
	name := path.Base(file)
	name = name[:len(name)-len(path.Ext(name))]
	return strings.ReplaceAll(name, "%4", "/")
}

// file removes or empties files below the drive, through a root that no link
// leads out of.
func (w *windowsHand) file(s plan.Step) (finding.Text, error) {
	name := strings.TrimPrefix(path.Clean("/"+s.Path), "/")
	if name == "" {
		return finding.Text{}, errors.New("this would remove the whole system")
	}
	info, err := w.root.Lstat(name)
	if err != nil {
		return finding.Text{}, err
	}
	w.waits = false
	switch {
	case info.IsDir() && s.Op == finding.RemoveTree:
		var left bool
		left, err = w.empty(name)
		if err == nil && !left && !w.keeps(name) {
			err = w.root.Remove(name)
		}
	case info.IsDir() && (s.Op == finding.EmptyDir || s.Op == finding.Reset):
		_, err = w.empty(name)
	case info.Mode().IsRegular() && (s.Op == finding.Blank || s.Op == finding.Reset):
		err = w.blank(name, info)
	default:
		_, err = w.remove(name, info)
	}
	if w.waits {
		return atRestart, err
	}
	return finding.Text{}, err
}

func (w *windowsHand) keeps(name string) bool { return plan.Kept(w.keep, "/"+name) }

// blank overwrites a file's bytes before it makes it empty: on a running
// system nobody zeroes what becomes free.
func (w *windowsHand) blank(name string, info fs.FileInfo) error {
	f, err := w.root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(now, info) {
		return errors.Join(errors.New("the file was replaced meanwhile"), err)
	}
	zero := make([]byte, 1<<20)
	for at := int64(0); at < info.Size(); at += int64(len(zero)) {
		if _, err := f.WriteAt(zero[:min(int64(len(zero)), info.Size()-at)], at); err != nil {
			return err
		}
	}
	return errors.Join(f.Sync(), f.Truncate(0), f.Sync())
}

// remove removes one name; a file in use is left to Windows.
func (w *windowsHand) remove(name string, info fs.FileInfo) (deferred bool, err error) {
	if info.Mode().IsRegular() {
		err = w.blank(name, info)
	}
	if err == nil {
		err = w.root.Remove(name)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	again := w.api.DeleteAtRestart(w.api.SystemDrive() + `\` + strings.ReplaceAll(name, "/", `\`))
	if again != nil {
		return false, errors.Join(err, again)
	}
	w.waits = true
	return true, nil
}

// empty removes what is below a directory, deepest first, without entering
// links, and reports whether something is left.
func (w *windowsHand) empty(dir string) (left bool, err error) {
	if strings.Count(dir, "/") > 1024 {
		return true, errors.New("directories nest too deep")
	}
	es, err := fs.ReadDir(w.root.FS(), dir)
	if err != nil {
		return true, err
	}
	for _, e := range es {
		name := dir + "/" + e.Name()
		if w.keeps(name) {
			left = true
			continue
		}
		info, err := w.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return true, err
		}
		stays := false
		if info.IsDir() {
			stays, err = w.empty(name)
		}
		if err == nil && !stays {
			stays, err = w.remove(name, info)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true, err
		}
		left = left || stays
	}
	return left, nil
}
