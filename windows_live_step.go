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
	"unicode/utf16"

	"assay/finding"
	"assay/internal/apply"
	"assay/internal/plan"
	"assay/internal/winapi"
)

// windowsHand performs steps on a running Windows.
type windowsHand struct {
	api         winapi.API
	state       winapi.State
	hives       []winapi.Hive
	root        *os.Root
	keep        []string
	image       bool // an image is made of it
	fingerprint func([]byte) string
	loaded      []string // keys of hives that were loaded for a step
	waits       bool     // something of this step was in use and goes at the next start
}

var (
	leftOwn     = finding.T("left: it is the account that runs assay", "已保留：这是运行 assay 的账户")
	leftLast    = finding.T("left: you could not log on to this running machine any more; Sysprep empties this password", "已保留：否则您将无法登录这台运行中的机器；Sysprep 会清空该密码")
	leftRunning = finding.T("left: not while Windows runs; clean an image of its disk", "已保留：Windows 运行时无法执行，请清理其磁盘镜像")
	leftScrub   = finding.T("left: Windows keeps what was deleted in a hive that it uses; clean an image of the disk", "已保留：Windows 正在使用该配置单元，其中已删除的内容无法清除，请清理其磁盘镜像")
	leftHive    = finding.T("left: this part of the registry could not be loaded; clean an image of the disk", "已保留：无法加载该注册表配置单元，请清理磁盘镜像")
	atRestart   = finding.T("in use: Windows deletes it when it starts next", "正在使用：Windows 将在下次启动时删除")
	atShutdown  = finding.T("in use: Windows zeroes or removes it when it shuts down", "正在使用：Windows 将在关机时清零或删除")
	goneAlready = finding.T("was gone already", "此前已不存在")
	notThere    = finding.T("there is none", "不存在")
)

// administrator ends the keys of the built-in Administrator in the SAM: its
// number, 500.
const administrator = `\000001F4`

// localSystem is who runs the commands of Cloud Assistant, an account that
// nobody logs on as.
const localSystem = "S-1-5-18"

func (w *windowsHand) step(s plan.Step) apply.Result {
	var err error
	var note finding.Text
	switch s.Op {
	case finding.LockPassword:
		switch {
		case strings.EqualFold(s.User, w.state.User):
			return apply.Result{Left: true, Note: leftOwn}
		case w.state.SID == localSystem && strings.HasSuffix(strings.ToUpper(s.Key), administrator):
			return apply.Result{Left: true, Note: leftLast}
		}
		err = w.api.LockAccount(s.User, s.With == "disable")
	case finding.ForgetComment:
		err = w.api.ForgetComment(s.User)
	case finding.RegDeleteValue, finding.RegDeleteKey, finding.RegSetValue, finding.RegReplace, finding.ForgetLogons:
		key, ok := w.key(s)
		if !ok {
			return apply.Result{Left: true, Note: leftHive}
		}
		err = w.registry(key, s)
	case finding.EmptyLog:
		err = w.api.ClearLog(channel(s.Path))
	case finding.RegScrub:
		return apply.Result{Left: true, Note: leftScrub}
	case finding.Blank, finding.Reset, finding.Remove, finding.RemoveTree, finding.EmptyDir, finding.Replace, finding.Scrub:
		var left *finding.Text
		if left, note, err = w.files(s); left != nil {
			return apply.Result{Left: true, Note: *left}
		}
	default:
		return apply.Result{Left: true, Note: leftRunning}
	}
	if errors.Is(err, winapi.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return apply.Result{Done: true, Note: goneAlready}
	}
	return apply.Result{Done: err == nil, Note: note, Err: err}
}

// memoryFiles are those that Windows keeps open and empties itself once an
// image is made, see forImage.
var memoryFiles = []string{"/pagefile.sys", "/swapfile.sys", "/hiberfil.sys"}

// files performs a step on files; left says why it did nothing.
func (w *windowsHand) files(s plan.Step) (left *finding.Text, note finding.Text, err error) {
	memory := slices.ContainsFunc(memoryFiles, func(m string) bool { return strings.EqualFold(m, s.Path) })
	switch {
	case memory && w.image:
		return nil, atShutdown, nil
	case memory, s.Op == finding.Scrub, s.With != "", strings.ContainsAny(s.Path, "*?["):
		return &leftRunning, note, nil
	case s.Op == finding.Replace:
		return nil, note, w.overwrite(s)
	case s.Op == finding.RemoveTree && len(w.keep) == 0: // Windows would not keep anything
		switch sid := w.profile(s.Path); sid {
		case "":
		case w.state.SID:
			return &leftOwn, note, nil
		default:
			if err := w.api.DeleteProfile(sid); !errors.Is(err, winapi.ErrNotFound) {
				return nil, note, err
			}
		}
	}
	note, err = w.file(s)
	return nil, note, err
}

// profile is the SID of the account whose profile lies in a directory, "" for
// none.
func (w *windowsHand) profile(dir string) string {
	const list = `HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList`
	names, _ := w.api.Keys(list)
	for _, sid := range names {
		b, _ := w.api.Value(list+`\`+sid, "ProfileImagePath")
		name, _, _ := strings.Cut(strings.ToLower(fromUTF16(b)), "\x00")
		for _, drive := range []string{"%systemdrive%", strings.ToLower(w.api.SystemDrive())} {
			name = strings.TrimPrefix(name, drive)
		}
		if name != "" && strings.EqualFold(strings.ReplaceAll(name, `\`, "/"), dir) {
			return sid
		}
	}
	return ""
}

func fromUTF16(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
	}
	return string(utf16.Decode(u))
}

// mine begins the names of keys below HKU that are loaded for a step.
const mine = `HKU\assay-`

// stale lets go of hives that a run which was killed had loaded: nobody could
// log on with such a profile.
func (w *windowsHand) stale() {
	w.hives = slices.DeleteFunc(w.hives, func(h winapi.Hive) bool {
		return strings.HasPrefix(h.Key, mine) && w.api.UnloadHive(h.Key) == nil
	})
}

// close lets go of the hives that were loaded.
func (w *windowsHand) close() {
	for _, key := range w.loaded {
		_ = w.api.UnloadHive(key) // a restart does it too
	}
}

// key is the key that a step is about, by the hive that it names as a file. The
// hive of somebody who is not logged on is loaded.
func (w *windowsHand) key(s plan.Step) (string, bool) {
	for _, h := range w.hives {
		if strings.EqualFold(h.File, s.Path) {
			return strings.TrimSuffix(h.Key+`\`+s.Key, `\`), true
		}
	}
	name := strings.TrimPrefix(path.Clean("/"+s.Path), "/")
	if info, err := w.root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	key := fmt.Sprintf("%s%d", mine, len(w.loaded))
	if err := w.api.LoadHive(key, w.api.SystemDrive()+`\`+strings.ReplaceAll(name, "/", `\`)); err != nil {
		return "", false
	}
	w.loaded = append(w.loaded, key)
	w.hives = append(w.hives, winapi.Hive{Key: key, File: s.Path})
	return strings.TrimSuffix(key+`\`+s.Key, `\`), true
}

// secrets is the key below which the LSA keeps what it gives out by name.
const lsaSecrets = `HKLM\SECURITY\Policy\Secrets\`

func (w *windowsHand) registry(key string, s plan.Step) error {
	switch s.Op {
	case finding.ForgetLogons:
		return w.forgetLogons()
	case finding.RegDeleteValue:
		return w.api.DeleteValue(key, s.Value)
	case finding.RegReplace:
		return w.replaceValue(key, s)
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

// errOther says that a place holds something else by now.
var errOther = errors.New("the place does not hold what the plan expects")

// replaceValue overwrites a secret in a value.
func (w *windowsHand) replaceValue(key string, s plan.Step) error {
	b, err := w.api.Value(key, s.Value)
	if err != nil {
		return err
	}
	if s.Offset < 0 || s.Length <= 0 || s.Length > int64(len(b)) || s.Offset > int64(len(b))-s.Length {
		return errOther
	}
	mask, ok := apply.Overwritten(b[s.Offset:][:s.Length], s.Expect, w.fingerprint)
	if !ok {
		return errOther
	}
	out := slices.Clone(b)
	copy(out[s.Offset:], mask)
	return w.api.SetValue(key, s.Value, out)
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
