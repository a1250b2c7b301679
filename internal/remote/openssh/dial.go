package openssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Options say with what to log in.
type Options struct {
	Me         string   // user when neither target nor config name one
	Home       string   // for ~ and the default files
	Config     []string // ssh_config files, the user's first
	KnownHosts []string // known_hosts files, the one that is written to first
	AcceptNew  bool     // remember an unknown host instead of refusing it
	Identities []string // private key files; empty means those of Config
	// Passphrase opens an encrypted identity; nil skips those.
	Passphrase func(file string) ([]byte, error)
	Agent      string // socket of ssh-agent, "" for none
	Password   string // "" never tries one
	// SudoPassword is for sudo where it asks; "" means Password.
	SudoPassword string
	Timeout      time.Duration // of a connection with its login; 0 means 20 s
}

// maxHops bounds a chain of ProxyJump.
const maxHops = 8

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 20 * time.Second
}

// A Client dials one target as often as needed; it keeps what known_hosts and
// the configuration said at first, so that all its connections meet one host.
type Client struct {
	o      Options
	alias  string
	target Target
	config *clientConfig
	hosts  *hostKeys
}

// NewClient reads the configuration and known_hosts.
func NewClient(t Target, o Options) (*Client, error) {
	c := &Client{o: o, alias: t.Host}
	var err error
	if c.config, err = readConfig(o.Config); err != nil {
		return nil, err
	}
	if c.hosts, err = readHostKeys(o.KnownHosts, o.AcceptNew); err != nil {
		return nil, err
	}
	c.target, err = c.config.resolve(t, o.Me)
	return c, err
}

// Target is the resolved target.
func (c *Client) Target() Target { return c.target }

// dialer opens a TCP connection, directly or through a hop.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// connect opens a transport to the target, through its jumps, and logs in with
// auth. The returned function closes everything.
func (c *Client) connect(ctx context.Context, user string, auth []ssh.AuthMethod) (*ssh.Client, func(), error) {
	t := c.target
	t.User = user
	return c.through(ctx, c.alias, t, auth, nil)
}

func (c *Client) through(ctx context.Context, alias string, t Target, auth []ssh.AuthMethod, seen []string) (*ssh.Client, func(), error) {
	dial, closeAll := (&net.Dialer{Timeout: c.o.timeout()}).DialContext, func() {}
	if p := c.config.get(alias, "ProxyCommand"); p != "" && !strings.EqualFold(p, "none") {
		return nil, nil, fmt.Errorf("%s: ProxyCommand is not run: use ProxyJump", alias)
	}
	if hops := c.config.get(alias, "ProxyJump"); hops != "" && !strings.EqualFold(hops, "none") {
		if slices.Contains(seen, alias) || len(seen) >= maxHops {
			return nil, nil, fmt.Errorf("ProxyJump of %s leads in a circle", alias)
		}
		hop, closer, err := c.hops(ctx, strings.Split(hops, ","), append(seen, alias))
		if err != nil {
			return nil, nil, err
		}
		dial, closeAll = hop.DialContext, closer
	}
	client, err := c.login(ctx, dial, t, auth)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return client, sync.OnceFunc(func() { client.Close(); closeAll() }), nil
}

// hops logs in to each hop through the one before it.
func (c *Client) hops(ctx context.Context, names []string, seen []string) (*ssh.Client, func(), error) {
	var last *ssh.Client
	closeAll := func() {}
	for i, name := range names {
		hop, err := jump(strings.TrimSpace(name))
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		t, err := c.config.resolve(hop, c.o.Me)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		auth, done := c.auth(t, hop.Host, "")
		var next *ssh.Client
		closer := func() {}
		if i == 0 {
			next, closer, err = c.through(ctx, hop.Host, t, auth, seen)
		} else {
			next, err = c.login(ctx, last.DialContext, t, auth)
		}
		done()
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("hop %s: %w", t.addr(), err)
		}
		before, this := closeAll, next
		closeAll = func() { this.Close(); closer(); before() }
		last = next
	}
	return last, closeAll, nil
}

// login shakes hands over one connection. The deadline covers the handshake: a
// server that accepts and then says nothing must not hold us.
func (c *Client) login(ctx context.Context, dial dialer, t Target, auth []ssh.AuthMethod) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.timeout())
	defer cancel()
	conn, err := dial(ctx, "tcp", t.addr())
	if err != nil {
		return nil, &NetError{t.addr(), err}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	var hostErr error
	cfg := &ssh.ClientConfig{User: t.User, Auth: auth, HostKeyAlgorithms: c.hosts.algorithms(t.addr()),
		HostKeyCallback: func(addr string, remote net.Addr, key ssh.PublicKey) error {
			hostErr = c.hosts.check(addr, remote, key)
			return hostErr
		}}
	sc, chans, reqs, err := ssh.NewClientConn(conn, t.addr(), cfg)
	if !stop() && err == nil {
		sc.Close()
		err = ctx.Err()
	}
	switch {
	case hostErr != nil:
		conn.Close()
		return nil, hostErr
	case err != nil && ctx.Err() != nil:
		conn.Close()
		return nil, &NetError{t.addr(), ctx.Err()}
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"):
		conn.Close()
		return nil, &DeniedError{t.User, t.addr(), err}
	case err != nil:
		conn.Close()
		return nil, &NetError{t.addr(), err}
	}
	return ssh.NewClient(sc, chans, reqs), nil
}

// A NetError says that the server could not be talked to.
type NetError struct {
	Addr string
	Err  error
}

func (e *NetError) Error() string { return e.Addr + ": " + e.Err.Error() }
func (e *NetError) Unwrap() error { return e.Err }

// A DeniedError says that the server was reached and refused every login.
type DeniedError struct {
	User, Addr string
	Err        error
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("%s refuses the login of %s", e.Addr, e.User)
}
func (e *DeniedError) Unwrap() error { return e.Err }

// auth lists the ways to log in: identities, agent, password. done closes the
// agent's socket after the handshake.
func (c *Client) auth(t Target, alias, password string) (methods []ssh.AuthMethod, done func()) {
	names := c.o.Identities
	if len(names) == 0 {
		names = c.config.identities(t, alias, c.o.Home)
	}
	done = func() {}
	var signers []ssh.Signer
	for _, n := range names {
		if s, err := ReadIdentity(n, c.o.Passphrase); err == nil {
			signers = append(signers, s)
		}
	}
	if c.o.Agent != "" {
		if conn, err := net.Dial("unix", c.o.Agent); err == nil {
			held, err := agent.NewClient(conn).Signers()
			if err == nil {
				signers = append(signers, held...)
			}
			done = func() { conn.Close() }
		}
	}
	if len(signers) > 0 {
		methods = append(methods, ssh.PublicKeys(signers...))
	}
	if password != "" {
		methods = append(methods, passwordAuth(password)...)
	}
	return methods, done
}

// passwordAuth answers "password", and the first hidden question of
// keyboard-interactive, as PAM asks it.
func passwordAuth(password string) []ssh.AuthMethod {
	return []ssh.AuthMethod{ssh.Password(password),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, echos []bool) ([]string, error) {
			out := make([]string, len(questions))
			for i := range questions {
				if !echos[i] {
					out[i] = password
				}
			}
			return out, nil
		})}
}

// ReadIdentity reads a private key file. An encrypted one needs passphrase.
func ReadIdentity(name string, passphrase func(string) ([]byte, error)) (ssh.Signer, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfig || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no private key file", name)
	}
	b, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	defer clear(b)
	s, err := ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) && passphrase != nil {
		word, e := passphrase(name)
		if e != nil {
			return nil, e
		}
		defer clear(word)
		return ssh.ParsePrivateKeyWithPassphrase(b, word)
	}
	return s, err
}
