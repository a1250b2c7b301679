package openssh

import (
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/crypto/ssh"
)

// A Door is what a server would take from somebody who knocks as a user.
type Door struct {
	Keys     []bool // by key: would the server take it?
	Password bool   // it offers "password" or keyboard-interactive
}

// errKnock ends a handshake as soon as the answer is known.
var errKnock = errors.New("only knocking")

// A knocker is a public key without its private half. The server says whether
// it would take the key before it wants a signature (RFC 4252 section 7): who
// removed a stranger's key can prove that it opens nothing any more.
type knocker struct {
	key   ssh.PublicKey
	taken bool
}

func (k *knocker) PublicKey() ssh.PublicKey { return k.key }

func (k *knocker) Sign(io.Reader, []byte) (*ssh.Signature, error) {
	k.taken = true
	return nil, errKnock
}

// SignWithAlgorithm makes the server be asked with rsa-sha2 as well.
func (k *knocker) SignWithAlgorithm(r io.Reader, b []byte, _ string) (*ssh.Signature, error) {
	return k.Sign(r, b)
}

// knockAtOnce is how many keys are tried in one connection: sshd counts each as
// a failure, and MaxAuthTries is 6 by default.
const knockAtOnce = 4

// Knock asks the server what it would take from user. The keys are tried
// without their private halves, and no password is sent. An error means that
// the question could not be answered.
func (c *Client) Knock(ctx context.Context, user string, keys []ssh.PublicKey) (Door, error) {
	d, err := c.knock(ctx, user, keys, knockAtOnce)
	if err != nil && len(keys) > 1 && ctx.Err() == nil { // MaxAuthTries may be lower here
		return c.knock(ctx, user, keys, 1)
	}
	return d, err
}

func (c *Client) knock(ctx context.Context, user string, keys []ssh.PublicKey, atOnce int) (Door, error) {
	d := Door{Keys: make([]bool, len(keys))}
	asked := false // whether the server came to offering a password, or not to
	for at := 0; at < len(keys); {
		part := keys[at:min(at+atOnce, len(keys))]
		taken, err := c.knockKeys(ctx, user, part, &asked, &d.Password)
		if err != nil {
			return d, err
		}
		if taken < 0 {
			at += len(part)
			continue
		}
		d.Keys[at+taken] = true
		at += taken + 1 // those behind it were not reached
	}
	if asked {
		return d, nil
	}
	_, err := c.knockKeys(ctx, user, nil, &asked, &d.Password)
	return d, err
}

// knockKeys makes one attempt with some keys, then with a password unless that
// was answered. It returns the first key that the server takes, or -1.
func (c *Client) knockKeys(ctx context.Context, user string, keys []ssh.PublicKey, asked, offered *bool) (int, error) {
	ks := make([]*knocker, len(keys))
	signers := make([]ssh.Signer, len(keys))
	for i, k := range keys {
		ks[i] = &knocker{key: k}
		signers[i] = ks[i]
	}
	taken := func() int { return slices.IndexFunc(ks, func(k *knocker) bool { return k.taken }) }
	var auth []ssh.AuthMethod
	if len(keys) > 0 {
		auth = append(auth, ssh.PublicKeys(signers...))
	}
	now := false
	if !*asked {
		auth = append(auth, offers(&now)...)
	}
	err := c.refusal(ctx, user, auth, func() bool { return now || taken() >= 0 })
	*offered = *offered || now
	*asked = *asked || now || err == nil && taken() < 0
	return taken(), err
}

// offers note that the server asks for a password, and send none.
func offers(asked *bool) []ssh.AuthMethod {
	return []ssh.AuthMethod{
		ssh.PasswordCallback(func() (string, error) { *asked = true; return "", errKnock }),
		ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			*asked = *asked || len(questions) > 0
			return nil, errKnock
		})}
}

// refusal makes one attempt that is meant to fail: nil when the server refused
// or answered is true; an error when there was no clear answer.
func (c *Client) refusal(ctx context.Context, user string, auth []ssh.AuthMethod, answered func() bool) error {
	client, closer, err := c.connect(ctx, user, auth)
	if err == nil { // the server wants nothing at all from this user
		client.Close()
		closer()
		return errors.New("the server lets " + user + " in without a credential")
	}
	var denied *DeniedError
	if answered() || errors.As(err, &denied) {
		return nil
	}
	return err
}

// TryPassword reports whether a password opens the door.
func (c *Client) TryPassword(ctx context.Context, user, password string) (bool, error) {
	return c.try(ctx, user, passwordAuth(password))
}

// TryKey reports whether a private key opens the door.
func (c *Client) TryKey(ctx context.Context, user string, key ssh.Signer) (bool, error) {
	return c.try(ctx, user, []ssh.AuthMethod{ssh.PublicKeys(key)})
}

func (c *Client) try(ctx context.Context, user string, auth []ssh.AuthMethod) (bool, error) {
	_, closer, err := c.connect(ctx, user, auth)
	var denied *DeniedError
	switch {
	case err == nil:
		closer()
		return true, nil
	case errors.As(err, &denied):
		return false, nil
	}
	return false, err
}
