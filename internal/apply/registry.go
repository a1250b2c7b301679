package apply

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"assay/finding"
	"assay/internal/artefact/evtx"
	"assay/internal/artefact/regf"
	"assay/internal/artefact/sam"
	"assay/internal/fsys"
	"assay/internal/plan"
)

// hiveOps are the operations on a registry hive.
var hiveOps = map[finding.Op]bool{finding.RegDeleteValue: true, finding.RegDeleteKey: true, finding.RegSetValue: true, finding.RegReplace: true, finding.ForgetLogons: true, finding.ForgetComment: true, finding.RegScrub: true}

// onHive reports whether a step changes a registry hive.
func onHive(s plan.Step) bool {
	return hiveOps[s.Op] || s.Op == finding.LockPassword && s.Key != ""
}

// hiveLogs are the endings of a hive's transaction logs: they hold older pages
// of it.
var hiveLogs = []string{".LOG", ".LOG1", ".LOG2"}

// A hive is one that is being edited: all steps on it are one change, because
// each change checks and scrubs it as a whole.
type hive struct {
	file   *file
	editor *regf.Editor
}

// registry performs one step on a hive in memory; flush writes it.
func (h *hand) registry(f *file, s plan.Step) (finding.Text, error) {
	e, err := h.hive(f)
	if errors.Is(err, errLeft) {
		return finding.T("left: the hive is damaged or was not written completely; start Windows once and shut it down", "已保留：配置单元已损坏或未写完，请启动一次 Windows 并正常关机"), err
	}
	if err != nil {
		return finding.Text{}, err
	}
	switch s.Op {
	case finding.RegDeleteValue:
		err = e.DeleteValue(s.Key, s.Value)
	case finding.RegDeleteKey:
		err = e.DeleteKey(s.Key)
	case finding.RegSetValue:
		var data []byte
		if data, err = hex.DecodeString(s.With); err == nil {
			err = e.SetValue(s.Key, s.Value, data)
		}
	case finding.RegReplace:
		err = h.replaceValue(e, s)
	case finding.ForgetLogons:
		_, err = sam.ForgetLogons(e)
	case finding.ForgetComment:
		var rid uint32
		if rid, err = account(e, s); err == nil {
			err = sam.ForgetComment(e, rid)
		}
	case finding.LockPassword:
		if err = h.lockAccount(f, e, s); errors.Is(err, errLeft) {
			return finding.T("left: this command has no randomness for a new password hash", "已保留：该命令没有用于生成新密码哈希的随机源"), err
		}
	case finding.RegScrub: // every hive that is opened here is scrubbed when it is written
	}
	if errors.Is(err, regf.ErrNotFound) && s.Op != finding.RegSetValue && s.Op != finding.LockPassword {
		return finding.T("was gone already", "此前已不存在"), nil
	}
	return finding.Text{}, err
}

// hive opens the hive of a file, once.
func (h *hand) hive(f *file) (*regf.Editor, error) {
	for _, o := range h.hives {
		if o.file.where() == f.where() {
			return o.editor, nil
		}
	}
	b, logs, err := readHive(f.tree, f.path)
	if err != nil {
		return nil, err
	}
	e, err := regf.Edit(b, logs...)
	if errors.Is(err, regf.ErrUnsafe) {
		return nil, fmt.Errorf("%s: %w: %w", f.path, err, errLeft)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	h.hives = append(h.hives, &hive{f, e})
	return e, nil
}

func readHive(t *fsys.Tree, name string) (b []byte, logs [][]byte, err error) {
	b, err = t.ReadFile(name, regf.MaxSize)
	for _, ending := range hiveLogs {
		if l, err := t.ReadFile(name+ending, regf.MaxSize); err == nil {
			logs = append(logs, l)
		}
	}
	return b, logs, err
}

// lockAccount gives an account of a SAM a password that nobody knows. The key
// that encrypts it is in SYSTEM, beside the SAM.
func (h *hand) lockAccount(f *file, e *regf.Editor, s plan.Step) error {
	if h.Random == nil {
		return fmt.Errorf("no source of randomness was given for a new password hash: %w", errLeft)
	}
	b, logs, err := readHive(f.tree, path.Dir(f.path)+"/SYSTEM")
	if err != nil {
		return err
	}
	system, err := regf.Open(b, logs...)
	if err != nil {
		return err
	}
	key, err := sam.BootKey(system)
	if err != nil {
		return err
	}
	rid, err := account(e, s)
	if err != nil {
		return err
	}
	return sam.Lock(e, key, rid, s.With == "disable", h.Random)
}

// account is the account of a SAM that a step is about: its key and its name
// belong together, or the plan was made for another hive.
func account(e *regf.Editor, s plan.Step) (uint32, error) {
	rid, err := strconv.ParseUint(s.Key[strings.LastIndexByte(s.Key, '\\')+1:], 16, 32)
	if err != nil {
		return 0, fmt.Errorf("%q names no account: %w", s.Key, errChanged)
	}
	list, _ := sam.Accounts(e.Hive(), nil)
	for _, a := range list {
		if a.RID == uint32(rid) && a.Name == s.User {
			return a.RID, nil
		}
	}
	return 0, fmt.Errorf("account %s: %w", s.User, errChanged)
}

// replaceValue overwrites a secret in a value, if it still is what the plan saw.
func (h *hand) replaceValue(e *regf.Editor, s plan.Step) error {
	v := e.Hive().Key(s.Key).Value(s.Value)
	if !v.Exists() {
		return regf.ErrNotFound
	}
	d := v.Data()
	if s.Offset < 0 || s.Length <= 0 || s.Length > int64(len(d)) || s.Offset > int64(len(d))-s.Length {
		return fmt.Errorf("value %q of key %q: %w", s.Value, s.Key, errChanged)
	}
	mask, ok := Overwritten(d[s.Offset:][:s.Length], s.Expect, h.Fingerprint)
	if !ok {
		return fmt.Errorf("value %q of key %q: %w", s.Value, s.Key, errChanged)
	}
	return e.OverwriteValue(s.Key, s.Value, int(s.Offset), mask)
}

// block is how much of a hive is compared and written at a time.
const block = 4096

// flush writes the hives that were edited and empties their logs.
func (h *hand) flush() error {
	open := h.hives
	h.hives = nil
	for _, o := range open {
		b, _, err := o.editor.Finish()
		if err == nil {
			err = o.file.update(b)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.file.path, err)
		}
		for _, ending := range hiveLogs {
			l, err := h.find(o.file.tree.VolumeOf(o.file.place), o.file.path+ending, true)
			if errors.Is(err, fsys.ErrNotExist) {
				continue
			}
			if err == nil {
				err = l.editor.Blank(l.place.Node)
			}
			if err != nil {
				return fmt.Errorf("%s%s: %w", o.file.path, ending, err)
			}
		}
	}
	return nil
}

// update makes the content of f b, which is as long, and writes only the blocks
// that differ.
func (f *file) update(b []byte) error {
	in, err := f.editor.Open(f.place.Node)
	if err != nil {
		return err
	}
	old := make([]byte, block)
	for at := 0; at < len(b); at += block {
		now := b[at:min(at+block, len(b))]
		if n, err := in.ReadAt(old[:len(now)], int64(at)); n < len(now) {
			return errors.Join(errChanged, err)
		}
		if bytes.Equal(now, old[:len(now)]) {
			continue
		}
		if err := f.editor.Overwrite(f.place.Node, int64(at), now); err != nil {
			return err
		}
	}
	return nil
}

// emptyLog makes an event log empty, in its length.
func (h *hand) emptyLog(f *file) error {
	head, err := evtx.Empty(f.meta.Size)
	if errors.Is(err, evtx.ErrShort) {
		return f.editor.Blank(f.place.Node)
	}
	if err != nil {
		return err
	}
	if err := f.editor.Overwrite(f.place.Node, 0, head); err != nil {
		return err
	}
	return f.editor.Clear(f.place.Node, int64(len(head)), f.meta.Size-int64(len(head)))
}
