package openssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// maxConfig bounds a configuration file.
const maxConfig = 1 << 20

// A clientConfig answers what ssh_config(5) says of a host.
type clientConfig struct{ files []*ssh_config.Config }

// readConfig reads the user's file and the system's; one that is absent says
// nothing. Match is not understood: such a file is refused rather than half
// obeyed, because what it hides may be a ProxyJump.
func readConfig(names []string) (*clientConfig, error) {
	c := &clientConfig{}
	for _, name := range names {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Size() > maxConfig {
			return nil, fmt.Errorf("%s has more than %d bytes", name, maxConfig)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		cfg, err := ssh_config.DecodeBytes(b)
		if err != nil {
			return nil, &ConfigError{Path: name, Err: err}
		}
		c.files = append(c.files, cfg)
	}
	return c, nil
}

// A ConfigError is an ssh_config that this package cannot follow.
type ConfigError struct {
	Path string
	Err  error
}

func (e *ConfigError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// get is the first value of a keyword for a host, "" when no line sets it.
func (c *clientConfig) get(host, key string) string {
	for _, f := range c.files {
		if v, err := f.Get(host, key); err == nil && v != "" {
			return v
		}
	}
	return ""
}

func (c *clientConfig) all(host, key string) (out []string) {
	for _, f := range c.files {
		vs, _ := f.GetAll(host, key)
		out = append(out, vs...)
	}
	return out
}

// resolve fills what the user left open. alias is the name as written.
func (c *clientConfig) resolve(t Target, me string) (Target, error) {
	alias := t.Host
	if h := c.get(alias, "HostName"); h != "" {
		t.Host = strings.NewReplacer("%%", "%", "%h", alias).Replace(h)
	}
	if t.Port == "" {
		t.Port = c.get(alias, "Port")
	}
	if t.Port == "" {
		t.Port = "22"
	}
	if t.User == "" {
		t.User = c.get(alias, "User")
	}
	if t.User == "" {
		t.User = me
	}
	return target(t.User, t.Host, t.Port)
}

// identities are the IdentityFiles for a host, or ssh's default ones, with
// tokens replaced. They need not exist.
func (c *clientConfig) identities(t Target, alias, home string) (out []string) {
	names := c.all(alias, "IdentityFile")
	if len(names) == 0 {
		for _, n := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			names = append(names, "~/.ssh/"+n)
		}
	}
	for _, n := range names {
		n = strings.NewReplacer("%%", "%", "%d", home, "%h", t.Host, "%r", t.User, "%p", t.Port, "%n", alias).Replace(n)
		if n == "none" {
			continue
		}
		out = append(out, expand(n, home))
	}
	return out
}

func expand(name, home string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		return filepath.Join(home, rest)
	}
	if !filepath.IsAbs(name) {
		return filepath.Join(home, name)
	}
	return name
}
