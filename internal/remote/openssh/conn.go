package openssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"assay/internal/remote"
)

// A Conn is a login on a machine, and a root shell there.
type Conn struct {
	client *ssh.Client
	close  func()
	user   string
	sudo   string // password for sudo, "" for none
	wrap   string // what makes a command root's: "", "sudo -n", "sudo -S"
	asks   bool   // wrap reads the password from standard input first
	ready  bool
}

// Login logs in with what the options name: identities, agent, password.
func (c *Client) Login(ctx context.Context) (*Conn, error) {
	auth, done := c.auth(c.target, c.alias, c.o.Password)
	defer done()
	return c.conn(ctx, auth)
}

// LoginWith logs in with exactly one key.
func (c *Client) LoginWith(ctx context.Context, key ssh.Signer) (*Conn, error) {
	return c.conn(ctx, []ssh.AuthMethod{ssh.PublicKeys(key)})
}

func (c *Client) conn(ctx context.Context, auth []ssh.AuthMethod) (*Conn, error) {
	client, closer, err := c.connect(ctx, c.target.User, auth)
	if err != nil {
		return nil, err
	}
	sudo := c.o.SudoPassword
	if sudo == "" {
		sudo = c.o.Password
	}
	return &Conn{client: client, close: closer, user: c.target.User, sudo: sudo}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { c.close(); return nil }

// Private implements remote.Shell: nobody else sees what travels here.
func (c *Conn) Private() bool { return true }

// UsesSudoPassword reports, after the first Run, whether root is reached only
// with a password that sudo asks for.
func (c *Conn) UsesSudoPassword() bool { return c.asks }

// Run implements remote.Shell.
func (c *Conn) Run(ctx context.Context, s remote.Script) (remote.Result, error) {
	if !c.ready {
		if err := c.becomeRoot(ctx); err != nil {
			return remote.Result{}, err
		}
		c.ready = true
	}
	return c.run(ctx, c.wrap, c.asks, s)
}

// becomeRoot finds what makes us root. -k makes sudo forget that it was asked
// a moment ago, so that it does not read, now or later, a script for a
// password.
func (c *Conn) becomeRoot(ctx context.Context) error {
	who := remote.Script{Name: "id", Text: "id -u"}
	r, err := c.run(ctx, "", false, who)
	if err != nil {
		return err
	}
	if isRoot(r) {
		return nil
	}
	if r, err = c.run(ctx, "sudo -k -n", false, who); err != nil {
		return err
	}
	if isRoot(r) {
		c.wrap = "sudo -k -n"
		return nil
	}
	if c.sudo == "" {
		return &remote.AccessError{User: c.user, Reason: "sudo asks for a password, or does not allow it"}
	}
	if r, err = c.run(ctx, "sudo -k -S -p ''", true, who); err != nil {
		return err
	}
	if !isRoot(r) {
		return &remote.AccessError{User: c.user, Reason: "sudo does not take the password, or does not allow it"}
	}
	c.wrap, c.asks = "sudo -k -S -p ''", true
	return nil
}

func isRoot(r remote.Result) bool {
	return r.Exit == 0 && strings.TrimSpace(string(r.Stdout)) == "0"
}

// bootstrap reads a script of n bytes from standard input and runs it; what
// follows is the script's own input. So the script meets no login shell's
// quoting, no length limit, and no process list. dd reads byte by byte, because
// what it reads too much would be lost to the script.
const bootstrap = `IFS= read -r n && s=$(dd bs=1 count="$n" 2>/dev/null) && eval "$s"`

func (c *Conn) run(ctx context.Context, wrap string, asks bool, s remote.Script) (remote.Result, error) {
	if len(s.Text) > remote.MaxScript {
		return remote.Result{}, fmt.Errorf("%s: the script is too long", s.Name)
	}
	sess, err := c.client.NewSession()
	if err != nil {
		return remote.Result{}, &NetError{"session", err}
	}
	defer sess.Close()
	stop := context.AfterFunc(ctx, func() { c.client.Close() })
	defer stop()
	var in bytes.Buffer
	if asks {
		in.WriteString(c.sudo + "\n")
	}
	fmt.Fprintf(&in, "%d\n%s", len(s.Text), s.Text)
	in.Write(s.Stdin)
	limit := s.Limit
	if limit == 0 {
		limit = remote.DefaultLimit
	}
	out, errs := &bounded{limit: limit, full: func() { c.client.Close() }}, &bounded{limit: 64 << 10}
	sess.Stdin, sess.Stdout, sess.Stderr = &in, out, errs
	err = sess.Run(strings.TrimSpace("exec " + wrap + " sh -c '" + bootstrap + "'"))
	res := remote.Result{Stdout: out.buf.Bytes(), Stderr: errs.buf.Bytes()}
	var exit *ssh.ExitError
	switch {
	case out.over:
		return res, fmt.Errorf("%s: more than %d bytes of output", s.Name, limit)
	case ctx.Err() != nil:
		return res, ctx.Err()
	case errors.As(err, &exit):
		if res.Exit = exit.ExitStatus(); res.Exit == 0 {
			return res, &NetError{s.Name, errors.New("killed by signal " + exit.Signal())}
		}
		return res, nil
	case err != nil:
		return res, &NetError{s.Name, err}
	}
	return res, nil
}

// bounded keeps the first limit bytes. What comes after them calls full, once
// (closing a session does not stop what prints without end, closing the
// connection does),
// or is dropped where that is nil.
type bounded struct {
	buf   bytes.Buffer // not embedded: io.Copy would prefer its ReadFrom to Write
	limit int
	full  func()
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - b.buf.Len()
	if len(p) <= room {
		return b.buf.Write(p)
	}
	b.buf.Write(p[:max(room, 0)])
	if b.full != nil && !b.over {
		b.full()
	}
	b.over = true
	return len(p), nil
}
