package cloudconfig

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay/internal/binread"
)

// A What says which kind of credential a cloud-config sets.
type What string

// The kinds of credentials.
const (
	Password      What = "password"
	PasswordHash  What = "password-hash"
	AuthorizedKey What = "authorized-key"
	PrivateKey    What = "private-key"
)

// maxItems bounds what one cloud-config gives.
const maxItems = 10_000

// An Item is one credential that a cloud-config sets.
type Item struct {
	What  What
	Key   string // where it stands: "chpasswd", "users", "ssh_keys", …
	User  string // "" for the default user
	Value string
	Line  int // 1-based, in the text that was given
}

// A Config is what matters of one cloud-config.
type Config struct {
	Items []Item
	// Commands are the words and lines of runcmd and bootcmd, and the contents
	// of write_files, as text with their first lines.
	Commands []Command
}

// A Command is a text that cloud-init runs or writes.
type Command struct {
	Text string
	Line int
}

// Parse reads a cloud-config: the module reference of cloud-init names the
// keys (chpasswd, password, users, ssh_authorized_keys, ssh_keys,
// write_files, runcmd, bootcmd). Curtin's and autoinstall's user-data key are
// looked into as well.
func Parse(b []byte) (c Config, err error) {
	defer func() {
		if recover() != nil { // the library is not ours, and the file is a stranger's
			err = binread.Errorf("cloud-config", -1, "not valid YAML")
		}
	}()
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(b)).Decode(&doc); err != nil {
		if len(bytes.TrimSpace(stripComments(b))) == 0 {
			return c, nil
		}
		return c, binread.Errorf("cloud-config", -1, "not valid YAML") // yaml's own message may quote the file
	}
	if len(doc.Content) > 0 {
		c.top(doc.Content[0], 0)
	}
	return c, nil
}

func stripComments(b []byte) []byte {
	var out []byte
	for l := range bytes.Lines(b) {
		if t := bytes.TrimSpace(l); len(t) > 0 && t[0] != '#' {
			out = append(out, l...)
		}
	}
	return out
}

// pairs calls f for each key of a mapping.
func pairs(n *yaml.Node, f func(key string, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i].Value, n.Content[i+1])
	}
}

// list calls f for each element of a sequence, or for n itself.
func list(n *yaml.Node, f func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		f(n)
		return
	}
	for _, c := range n.Content {
		f(c)
	}
}

func (c *Config) add(what What, key, user string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" && n.Tag != "!!bool" {
		c.put(what, key, user, n.Value, n.Line)
	}
}

func (c *Config) put(what What, key, user, value string, line int) {
	if value = strings.TrimSpace(value); value != "" && len(c.Items) < maxItems {
		c.Items = append(c.Items, Item{what, key, user, value, line})
	}
}

func (c *Config) top(n *yaml.Node, depth int) {
	pairs(n, func(key string, v *yaml.Node) {
		switch key {
		case "password":
			c.add(passwordKind(v.Value), key, "", v)
		case "chpasswd":
			c.chpasswd(v)
		case "ssh_authorized_keys":
			list(v, func(k *yaml.Node) { c.add(AuthorizedKey, key, "", k) })
		case "ssh_keys":
			pairs(v, func(name string, k *yaml.Node) {
				if strings.HasSuffix(name, "_private") {
					c.add(PrivateKey, key, "", k)
				}
			})
		case "user", "default_user":
			c.user(v)
		case "users":
			list(v, func(u *yaml.Node) { c.user(u) })
		case "write_files":
			list(v, func(w *yaml.Node) {
				pairs(w, func(k string, content *yaml.Node) {
					if k == "content" {
						c.command(content)
					}
				})
			})
		case "runcmd", "bootcmd":
			list(v, c.command)
		case "system_info", "autoinstall", "identity", "user-data", "ssh", "datasource", "NoCloud", "None", "userdata_raw":
			if v.Kind == yaml.ScalarNode && depth < 4 {
				inner, _ := Parse([]byte(v.Value)) // what is not a cloud-config inside gives nothing
				for _, it := range inner.Items {
					c.put(it.What, it.Key, it.User, it.Value, v.Line+it.Line)
				}
				return
			}
			if depth < 4 {
				c.top(v, depth+1)
			}
		case "authorized-keys":
			list(v, func(k *yaml.Node) { c.add(AuthorizedKey, key, "", k) })
		}
	})
}

func (c *Config) command(n *yaml.Node) {
	text := n.Value
	if n.Kind == yaml.SequenceNode {
		var words []string
		for _, w := range n.Content {
			words = append(words, w.Value)
		}
		text = strings.Join(words, " ")
	}
	if text != "" && len(c.Commands) < maxItems {
		line := n.Line
		if n.Style == yaml.LiteralStyle || n.Style == yaml.FoldedStyle {
			line++ // the text starts below its "|"
		}
		c.Commands = append(c.Commands, Command{text, line})
	}
}

// passwordKind tells a crypt(3) hash from a password.
func passwordKind(v string) What {
	if strings.HasPrefix(v, "$") && strings.Count(v, "$") >= 3 {
		return PasswordHash
	}
	return Password
}

// user reads one element of users: its passwords and keys.
func (c *Config) user(n *yaml.Node) {
	name := ""
	pairs(n, func(k string, v *yaml.Node) {
		if k == "name" || k == "username" {
			name = v.Value
		}
	})
	pairs(n, func(k string, v *yaml.Node) {
		switch k {
		case "passwd", "hashed_passwd", "hashed-passwd":
			if !strings.HasPrefix(v.Value, "*") && !strings.HasPrefix(v.Value, "!") {
				c.add(PasswordHash, "users", name, v)
			}
		case "plain_text_passwd", "plain-text-passwd":
			c.add(Password, "users", name, v)
		case "password":
			c.add(passwordKind(v.Value), "users", name, v)
		case "ssh_authorized_keys", "ssh-authorized-keys":
			list(v, func(k *yaml.Node) { c.add(AuthorizedKey, "users", name, k) })
		}
	})
}

// chpasswd reads list, as text or as a sequence of "user:password", and users.
// A password of "R" or "RANDOM" is made at boot.
func (c *Config) chpasswd(n *yaml.Node) {
	pairs(n, func(k string, v *yaml.Node) {
		switch k {
		case "list":
			list(v, func(e *yaml.Node) {
				line := e.Line
				if e.Style == yaml.LiteralStyle || e.Style == yaml.FoldedStyle {
					line++
				}
				for i, l := range strings.Split(e.Value, "\n") {
					user, pass, ok := strings.Cut(strings.TrimSpace(l), ":")
					if ok && pass != "R" && pass != "RANDOM" {
						c.put(passwordKind(pass), "chpasswd", user, pass, line+i)
					}
				}
			})
		case "users":
			list(v, c.user)
		}
	})
}
