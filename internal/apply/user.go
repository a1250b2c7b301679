package apply

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/artefact/passwd"
	"assay/internal/fsys"
)

// accountFiles hold one line for each account, named in its first field, and
// the copies that the shadow tools keep.
var accountFiles = []string{"/etc/passwd", "/etc/shadow", "/etc/subuid", "/etc/subgid", "/etc/passwd-", "/etc/shadow-", "/etc/subuid-", "/etc/subgid-"}

// groupFiles hold groups, with members in the last field.
var groupFiles = []string{"/etc/group", "/etc/gshadow", "/etc/group-", "/etc/gshadow-"}

// belongings are files and directories that are named after an account.
var belongings = []string{"/var/spool/cron/crontabs/%s", "/var/spool/cron/%s", "/var/spool/cron/tabs/%s", "/var/mail/%s", "/var/spool/mail/%s",
	"/var/lib/systemd/linger/%s", "/var/lib/AccountsService/users/%s", "/var/lib/AccountsService/icons/%s", "/etc/sudoers.d/%s"}

// removeUser removes an account and what belongs to it.
func (h *hand) removeUser(name string) (finding.Text, error) {
	b, err := h.tree.ReadFile("/etc/passwd", maxText)
	if _, _, sam := h.tree.Lookup("/Windows/System32/config/SAM", true); errors.Is(err, fsys.ErrNotExist) && sam == nil {
		return finding.Text{}, errors.New("accounts of Windows are not removed: --remove windows/account/local-accounts locks them, --remove of the profile's folder empties it")
	}
	if err != nil {
		return finding.Text{}, err
	}
	users := passwd.Users(b)
	i := slices.IndexFunc(users, func(u passwd.User) bool { return u.Name == name })
	if i < 0 {
		return finding.Text{}, fmt.Errorf("user %s: %w", name, fsys.ErrNotExist)
	}
	u := users[i]
	if name == "root" {
		return finding.Text{}, errors.New("root is locked, never removed: the system needs it")
	}
	for _, f := range accountFiles {
		if err := h.change(f, func(b []byte) []byte { return withoutUser(b, name) }); err != nil {
			return finding.Text{}, err
		}
	}
	for _, f := range groupFiles {
		if err := h.change(f, func(b []byte) []byte { return withoutMember(b, u, users) }); err != nil {
			return finding.Text{}, err
		}
	}
	if err := h.sudoers(name); err != nil {
		return finding.Text{}, err
	}
	weaker := false
	for _, p := range belongings {
		note, err := h.drop(fmt.Sprintf(p, name))
		if err != nil {
			return finding.Text{}, err
		}
		weaker = weaker || note != finding.Text{}
	}
	return h.home(u, users, weaker)
}

// home removes a user's home directory if it is nobody else's too.
func (h *hand) home(u passwd.User, users []passwd.User, weaker bool) (finding.Text, error) {
	home := path.Clean("/" + u.Home)
	if strings.Count(home, "/") < 2 {
		return finding.Tf("home %s left: it is no home directory", "保留目录 %s：它不是用户主目录", home), nil
	}
	for _, o := range users {
		if other := path.Clean("/" + o.Home); o.Name != u.Name && (other == home || strings.HasPrefix(other, home+"/")) {
			return finding.Tf("home %s left: %s uses it too", "保留目录 %s：用户 %s 也在使用", home, o.Name), nil
		}
	}
	f, err := h.find("", home, false)
	if errors.Is(err, fsys.ErrNotExist) || errors.Is(err, fsys.ErrNotDir) {
		return finding.Text{}, nil
	}
	if err != nil {
		return finding.Text{}, err
	}
	if h.gone[f.where()] {
		return finding.Text{}, nil
	}
	if f.meta.Kind == fsys.Directory && f.meta.UID != u.UID {
		return finding.Tf("home %s left: it belongs to another uid", "保留目录 %s：其属主是其他 uid", home), nil
	}
	note, err := h.removeTree(f)
	if weaker && note == (finding.Text{}) {
		note = some
	}
	return note, err
}

// change rewrites a file if it exists and the change changes it.
func (h *hand) change(name string, change func([]byte) []byte) error {
	f, err := h.find("", name, true)
	if errors.Is(err, fsys.ErrNotExist) || errors.Is(err, fsys.ErrNotDir) {
		return nil
	}
	if err != nil {
		return err
	}
	if h.gone[f.where()] || f.meta.Kind != fsys.Regular {
		return nil
	}
	same := false
	err = h.rewrite(f, func(b []byte) ([]byte, error) {
		out := change(bytes.Clone(b))
		if same = bytes.Equal(out, b); same {
			return nil, errSame
		}
		return out, nil
	})
	if same {
		return nil
	}
	return err
}

var errSame = errors.New("nothing to change")

// drop removes a file or directory if it exists.
func (h *hand) drop(name string) (finding.Text, error) {
	f, err := h.find("", name, false)
	if errors.Is(err, fsys.ErrNotExist) || errors.Is(err, fsys.ErrNotDir) {
		return finding.Text{}, nil
	}
	if err != nil || h.gone[f.where()] {
		return finding.Text{}, err
	}
	return h.removeTree(f)
}

func withoutUser(b []byte, name string) []byte {
	return filter(b, func(l string) (string, bool) {
		first, _, ok := strings.Cut(l, ":")
		return l, !ok || first != name
	})
}

// withoutMember takes a user out of every group, and drops the group of its
// own name when nobody else is in it.
func withoutMember(b []byte, u passwd.User, users []passwd.User) []byte {
	shared := slices.ContainsFunc(users, func(o passwd.User) bool { return o.Name != u.Name && o.GID == u.GID })
	return filter(b, func(l string) (string, bool) {
		fields := strings.Split(strings.TrimRight(l, "\n"), ":")
		if len(fields) != 4 {
			return l, true
		}
		end := l[len(strings.TrimRight(l, "\n")):]
		fields[3] = without(fields[3], u.Name)
		gshadow := !isNumber(fields[2])
		if gshadow {
			fields[2] = without(fields[2], u.Name)
		}
		if fields[0] == u.Name && fields[3] == "" && !shared && (gshadow || fields[2] == fmt.Sprint(u.GID)) {
			return "", false
		}
		return strings.Join(fields, ":") + end, true
	})
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func without(list, name string) string {
	if list == "" {
		return ""
	}
	return strings.Join(slices.DeleteFunc(strings.Split(list, ","), func(m string) bool { return m == name }), ",")
}

func filter(b []byte, fn func(line string) (string, bool)) []byte {
	var out []byte
	for _, l := range lines(b) {
		if s, ok := fn(string(l)); ok {
			out = append(out, s...)
		}
	}
	return out
}

// sudoers takes the rules of a user out of sudoers and its drop-ins. A rule
// that names others too stays: only the user's own lines go.
func (h *hand) sudoers(name string) error {
	files := []string{"/etc/sudoers"}
	if es, err := h.tree.ReadDir("/etc/sudoers.d"); err == nil {
		for _, e := range es {
			files = append(files, "/etc/sudoers.d/"+e.Name)
		}
	}
	for _, f := range files {
		err := h.change(f, func(b []byte) []byte {
			return filter(b, func(l string) (string, bool) {
				words := strings.Fields(l)
				return l, len(words) < 2 || words[0] != name
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
