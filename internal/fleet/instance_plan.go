package fleet

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/finding"
)

// Wishes are what the user asks of a fix.
type Wishes struct {
	User        string   // who logs in
	NewKey      string   // line for authorized_keys
	NewBlob     string   // its base 64 field
	RemoveUsers []string // accounts to remove
	Keep        []string // accounts whose password stays
	SudoAsks    bool     // User becomes root by a password that sudo asks for
	Restart     bool
	KeepSSHD    bool // leave sshd's settings alone
}

// A Plan is what a fix will do, in data: it can be shown before anything is
// changed.
type Plan struct {
	User     string
	UserUID  uint32
	UserGID  uint32
	NewKey   string
	PlaceIn  string // file for the new key; "" when it is there already
	MakeFile bool   // PlaceIn is not there yet
	MakeDir  bool   // nor is its folder
	Remove   []Key  // keys that go
	Stay     []Key  // keys that stay
	Lock     []string
	Users    []string // accounts that go
	SSHD     *Change  // nil when sshd takes only keys already, or is left alone
	Logins   []string // everybody whom sshd might let in
	Restart  bool
	Remarks  []finding.Text // what the fix leaves alone, and why
	files    []entry
}

// A Change is the new content of one file.
type Change struct {
	File
	Make bool // the file is not there yet
}

type entry struct{ kind, path string }

// A RefusedError says why no plan is made: it would lock somebody out.
type RefusedError struct{ Text finding.Text }

func (e *RefusedError) Error() string { return e.Text.EN }

func refuse(en, zh string, args ...any) error { return &RefusedError{finding.Tf(en, zh, args...)} }

// MakePlan decides what to change on an instance. It changes nothing.
func MakePlan(f *Facts, w Wishes) (*Plan, error) {
	me, ok := f.Account(w.User)
	if !ok {
		return nil, refuse("user %s does not exist on the machine", "目标机器上不存在用户 %s", w.User)
	}
	if slices.Contains(w.RemoveUsers, w.User) {
		return nil, refuse("user %s logs in here and cannot be removed", "不能删除当前用于登录的用户 %s", w.User)
	}
	if b := f.SSHD.Barred; b != "" {
		return nil, refuse("sshd's files keep %s out (%s), and the running sshd has only not read them yet: a reload or a restart would lock you out. Mend that first", "sshd 配置文件禁止 %s 登录（%s），只是运行中的 sshd 尚未重新读取：重新加载或重启后将无法登录。请先修改配置", w.User, b)
	}
	p := &Plan{User: me.Name, UserUID: me.UID, UserGID: me.GID, NewKey: w.NewKey, Restart: w.Restart}
	if err := p.removals(f, w); err != nil {
		return nil, err
	}
	if err := p.place(f, me, w); err != nil {
		return nil, err
	}
	p.locks(f, w)
	for _, a := range f.Accounts {
		if !slices.Contains(p.Users, a.Name) && plain(a.Name) && (a.Login || len(a.KeyFiles) > 0 && usesKeys(f, a.Name) || a.Name == w.User) {
			p.Logins = append(p.Logins, a.Name)
		}
	}
	if !w.KeepSSHD {
		if m := f.SSHD.Methods; m != "" && m != "any" && m != "publickey" {
			return nil, refuse("sshd asks %s for more than a key (AuthenticationMethods %s): change that first, or use --keep-sshd", "sshd 要求 %s 使用密钥以外的认证方式（AuthenticationMethods %s）：请先修改，或使用 --keep-sshd", w.User, m)
		}
		change, err := sshdChange(f.SSHD)
		if err != nil {
			return nil, err
		}
		p.SSHD = change
	}
	return p, p.manifest()
}

func usesKeys(f *Facts, user string) bool {
	return slices.ContainsFunc(f.Keys, func(k Key) bool { return slices.Contains(k.Users, user) })
}

// removals lists the accounts and keys that go. What lets in nobody but an
// account that goes is in the list too: its home stays.
func (p *Plan) removals(f *Facts, w Wishes) error {
	for _, name := range w.RemoveUsers {
		a, ok := f.Account(name)
		switch {
		case !ok || slices.Contains(p.Users, name):
			continue
		case a.UID == 0:
			return refuse("user %s has uid 0 and is not removed", "用户 %s 的 uid 为 0，不会删除", name)
		case a.Owner == System:
			return refuse("user %s belongs to the system (%s) and is not removed", "用户 %s 属于系统（%s），不会删除", name, a.By)
		}
		p.Users = append(p.Users, name)
	}
	for _, k := range f.Keys {
		if k.Owner == Unknown && k.Blob == w.NewBlob {
			k.Owner = New
		}
		if k.Goes() || len(k.Users) > 0 && !slices.ContainsFunc(k.Users, func(u string) bool { return !slices.Contains(p.Users, u) }) {
			p.Remove = append(p.Remove, k)
		} else {
			p.Stay = append(p.Stay, k)
		}
	}
	return nil
}

// place chooses the file for the new key: the first that sshd reads for the
// user and that is the user's own.
func (p *Plan) place(f *Facts, me Account, w Wishes) error {
	for _, k := range f.Keys {
		if k.Blob == w.NewBlob && len(k.Options) == 0 && slices.Contains(k.Users, me.Name) {
			return nil
		}
	}
	if len(me.KeyFiles) == 0 {
		return refuse("sshd reads no key file for %s (AuthorizedKeysFile none)", "sshd 不读取 %s 的密钥文件（AuthorizedKeysFile none）", me.Name)
	}
	p.PlaceIn, p.MakeFile = me.KeyFiles[0], true
	for _, name := range me.KeyFiles {
		if slices.ContainsFunc(f.Keys, func(k Key) bool { return k.Path == name && slices.Contains(k.Users, me.Name) }) {
			p.PlaceIn, p.MakeFile = name, false
			return nil
		}
	}
	return nil
}

// locks lists the accounts whose password is locked.
func (p *Plan) locks(f *Facts, w Wishes) {
	for _, a := range f.Accounts {
		if a.Password == "none" || a.Password == "shadowed" || a.Password == "" || slices.Contains(p.Users, a.Name) || !plain(a.Name) {
			continue
		}
		switch {
		case slices.Contains(w.Keep, a.Name):
			p.remark("The password of %s stays: --keep-password", "保留 %s 的密码（--keep-password）", a.Name)
		case a.Name == w.User && w.SudoAsks:
			p.remark("The password of %s stays: sudo asks for it, and without it nobody could become root here. SSH does not take it any more. Change it: passwd %[1]s", "保留 %s 的密码：sudo 需要该密码，否则无法获得 root 权限；SSH 不再接受该密码。请修改密码：passwd %[1]s", a.Name)
		default:
			p.Lock = append(p.Lock, a.Name)
		}
	}
}

func (p *Plan) remark(en, zh string, args ...any) {
	p.Remarks = append(p.Remarks, finding.Tf(en, zh, args...))
}

// plain reports whether a name can be an argument of sshd -C and a line of a
// list. An account that is not named so is reported by inspect.
func plain(name string) bool {
	return name != "" && len(name) <= 64 && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-' || r == '$')
	})
}

// manifest lists every file that the plan may change. A path that could not be
// a line of a list is refused: somebody made it to be misunderstood.
func (p *Plan) manifest() error {
	add := func(kind, name string) {
		if e := (entry{kind, name}); !slices.Contains(p.files, e) && !slices.Contains(p.files, entry{"file", name}) {
			p.files = append(p.files, e)
		}
	}
	if p.PlaceIn != "" {
		if p.MakeDir {
			add("dir", path.Dir(p.PlaceIn))
		}
		if p.MakeFile {
			add("make", p.PlaceIn)
		} else {
			add("file", p.PlaceIn)
		}
	}
	for _, k := range p.Remove {
		add("file", k.Path)
	}
	if len(p.Lock)+len(p.Users) > 0 {
		add("file", "/etc/passwd")
		add("file", "/etc/shadow")
	}
	if p.SSHD != nil && p.SSHD.Make {
		add("make", p.SSHD.Path)
	} else if p.SSHD != nil {
		add("file", p.SSHD.Path)
	}
	for _, e := range p.files {
		if !strings.HasPrefix(e.path, "/") || path.Clean(e.path) != e.path || strings.ContainsAny(e.path, "\n\\\x00") || strings.TrimSpace(e.path) != e.path {
			return refuse("the path %s is made to mislead: remove that file by hand first", "路径 %s 具有迷惑性：请先手动删除该文件", fmt.Sprintf("%q", e.path))
		}
	}
	return nil
}

// Groups are further files that are there and that removing accounts changes:
// the caller, who knows the machine's files, adds them.
func (p *Plan) Groups(names ...string) {
	if len(p.Users) == 0 {
		return
	}
	for _, n := range names {
		p.files = append(p.files, entry{"file", n})
	}
}

// MakesDir says that the folder of PlaceIn is not there yet.
func (p *Plan) MakesDir() {
	p.MakeDir = true
	p.files = append([]entry{{"dir", path.Dir(p.PlaceIn)}}, p.files...)
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool {
	return p.PlaceIn == "" && len(p.Remove)+len(p.Lock)+len(p.Users) == 0 && p.SSHD == nil && !p.Restart
}
