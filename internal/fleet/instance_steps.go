package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"assay/finding"
)

// A step is one state of a fix: what it does, what proves that it is done, and
// whether the guard watches it. What a guarded step did is undone by restoring
// the backups; an unguarded one undoes itself.
type step struct {
	name    string
	title   finding.Text
	when    func(*Plan) bool // nil: always
	do      func(*Fix, context.Context) error
	prove   func(*Fix, context.Context) error // nil: do is its own proof
	undo    func(*Fix, context.Context) error // nil: nothing, or the guard's
	guarded bool
}

// steps are the order of a fix, a table so that tests can stop after every
// prefix. The rule behind it: nothing that lets somebody in goes before the
// new key has let us in.
var steps = []step{
	{name: "bind", title: finding.T("bind the key pair to the instance", "为实例绑定密钥对"),
		when: func(p *Plan) bool { return true }, do: (*Fix).bind, undo: (*Fix).unbind},
	{name: "arm", title: finding.T("back up every file that changes, and start the guard", "备份所有将更改的文件，并启动守护进程"),
		do: (*Fix).arm, guarded: true},
	{name: "place", title: finding.T("put the new key in place", "写入新公钥"),
		when: func(p *Plan) bool { return p.PlaceIn != "" }, do: (*Fix).place, guarded: true},
	{name: "enter", title: finding.T("log in with the new key in a second connection", "通过第二个连接使用新密钥登录"),
		do: (*Fix).enter, guarded: true},
	{name: "commit", title: finding.T("keep the new key before the restart", "重启前保留新公钥"),
		when: restarts, do: (*Fix).commit, guarded: true},
	{name: "restart", title: finding.T("restart, and log in with the new key again", "重启后再次使用新密钥登录"),
		when: restarts, do: (*Fix).restart},
	{name: "rearm", title: finding.T("start the guard again", "再次启动守护进程"),
		when: restarts, do: (*Fix).arm, guarded: true},
	{name: "keys", title: finding.T("remove unknown keys of every user", "删除所有用户的未知公钥"),
		when: func(p *Plan) bool { return len(p.Remove) > 0 }, do: (*Fix).removeKeys, guarded: true},
	{name: "lock", title: finding.T("lock preset passwords", "锁定预设密码"),
		when: func(p *Plan) bool { return len(p.Lock) > 0 }, do: (*Fix).lockPasswords, guarded: true},
	{name: "users", title: finding.T("remove users", "删除用户"),
		when: func(p *Plan) bool { return len(p.Users) > 0 }, do: (*Fix).removeUsers, guarded: true},
	{name: "sshd", title: finding.T("make sshd take keys only, and ask sshd itself for every user", "将 sshd 设置为仅接受密钥，并逐个用户确认"),
		when: func(p *Plan) bool { return p.SSHD != nil }, do: (*Fix).setSSHD, guarded: true},
	{name: "reenter", title: finding.T("log in with the new key again", "再次使用新密钥登录"),
		do: (*Fix).enter, guarded: true},
	{name: "refused", title: finding.T("prove that old keys and passwords are refused", "证明旧密钥和密码已被拒绝"),
		do: (*Fix).refused, guarded: true},
	{name: "confirm", title: finding.T("tell the guard that all is well, and erase the backups", "确认完成，并擦除备份"),
		do: (*Fix).confirm, guarded: true},
}

func restarts(p *Plan) bool { return p.Restart }

// commit keeps the new key, so that a restart does not take it away.
func (f *Fix) commit(ctx context.Context) error {
	err := f.confirm(ctx)
	f.kept = err == nil
	return err
}

// arm starts the guard. After a restart the files of the new key are done.
func (f *Fix) arm(ctx context.Context) error {
	var in strings.Builder
	for _, e := range f.Plan.files {
		if f.restarted && (e.kind == "dir" || e.path == f.Plan.PlaceIn) {
			if e.kind == "dir" || !f.stripsPlace() {
				continue
			}
			e.kind = "file"
		}
		fmt.Fprintln(&in, e.kind, e.path)
	}
	err := f.run(ctx, "arm", in.String(), "GUARD", guardText(f.rollback()))
	if err == nil {
		f.armed = true
	}
	return err
}

// stripsPlace reports whether keys are removed from the file of the new key.
func (f *Fix) stripsPlace() bool {
	for _, k := range f.Plan.Remove {
		if k.Path == f.Plan.PlaceIn {
			return true
		}
	}
	return false
}

func (f *Fix) place(ctx context.Context) error {
	p := f.Plan
	return f.run(ctx, "place", p.NewKey+"\n", "FILE", p.PlaceIn, "OWNER", fmt.Sprintf("%d:%d", p.UserUID, p.UserGID))
}

// enter proves the new key: a connection of its own, up to being root. From
// then on the fix works through it.
func (f *Fix) enter(ctx context.Context) error {
	sh, err := f.patient(ctx, f.Door.Enter)
	if err != nil {
		return err
	}
	f.use(sh)
	return nil
}

func (f *Fix) removeKeys(ctx context.Context) error {
	var in strings.Builder
	last := ""
	for _, k := range f.Plan.removeByFile() {
		if k.Path != last {
			fmt.Fprintln(&in, "F", k.Path)
			last = k.Path
		}
		fmt.Fprintln(&in, "K", k.Blob)
	}
	return f.run(ctx, "keys", in.String())
}

func (f *Fix) lockPasswords(ctx context.Context) error {
	return f.run(ctx, "lock", strings.Join(f.Plan.Lock, "\n")+"\n")
}

func (f *Fix) removeUsers(ctx context.Context) error {
	return f.run(ctx, "users", strings.Join(f.Plan.Users, "\n")+"\n")
}

func (f *Fix) setSSHD(ctx context.Context) error {
	how := "put"
	if f.Plan.SSHD.Make {
		how = "make"
	}
	return f.run(ctx, "sshd", f.Plan.SSHD.Text, "HOW", how, "FILE", f.Plan.SSHD.Path, "USERS", strings.Join(f.Plan.Logins, " "))
}

// maxKnocks bounds the users at whose door is knocked: newer servers punish an
// address that fails often.
const maxKnocks = 32

// refused takes the attacker's view: no removed key and no password is taken
// from anybody, and what we logged in with before is refused.
func (f *Fix) refused(ctx context.Context) error {
	p := f.Plan
	users := append(append([]string(nil), p.Logins...), p.Users...)
	if len(users) > maxKnocks {
		users = users[:maxKnocks]
	}
	for _, u := range users {
		blobs := p.removedFor(u)
		if len(blobs) == 0 && p.SSHD == nil {
			continue
		}
		taken, password, err := f.knock(ctx, u, blobs)
		if err != nil {
			return fmt.Errorf("nobody answers at %s's door: %w", u, err)
		}
		for i, t := range taken {
			if t {
				return fmt.Errorf("a removed key still opens %s: %s", u, p.fingerprint(blobs[i]))
			}
		}
		if password && p.SSHD != nil {
			return fmt.Errorf("the server still asks %s for a password", u)
		}
	}
	open, err := f.Door.Old(ctx)
	if err == nil && len(open) > 0 {
		err = errors.New("still opens the door: " + strings.Join(open, ", "))
	}
	return err
}

func (f *Fix) confirm(ctx context.Context) error {
	err := f.run(ctx, "confirm", "")
	if err == nil {
		f.armed = false
	}
	return err
}
