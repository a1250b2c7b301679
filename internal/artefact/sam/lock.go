package sam

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"assay/internal/artefact/regf"
)

// ErrNoRoom says that an account without a password cannot be given one: there
// is no room for a hash. It can only be disabled.
var ErrNoRoom = errors.New("the account has no password, and no room for one")

// extras are values of an account that hold its password in another form, or
// help to guess it.
var extras = []string{"SupplementalCredentials", "UserPasswordHint", "ResetData", "InternetUserName", "InternetUID", "InternetSID", "InternetProviderAttributes", "InternetProviderGUID"}

// Lock makes the password of account rid one that nobody knows: its hash
// becomes a random one, encrypted as Windows does with the machine's own keys;
// what was kept of older and other forms goes. With disable the account is also
// disabled. The hive stays as long as it is; on an error it must be thrown
// away.
//
// Who can read the image can read the new hash too, as any hash in it, and
// present it in place of a password until the first start sets a new one. Only
// a disabled account is safe from that.
func Lock(e *regf.Editor, boot Key, rid uint32, disable bool, random io.Reader) error {
	domain, err := boot.domainKey(e.Hive())
	if err != nil {
		return err
	}
	list, err := records(e.Hive())
	i := slices.IndexFunc(list, func(r record) bool { return r.rid == rid })
	if i < 0 {
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: account %d", regf.ErrNotFound, rid)
	}
	r := list[i]
	r.f, r.v = slices.Clone(r.f), slices.Clone(r.v)
	if err := r.scramble(boot, domain, random); err != nil && !(disable && errors.Is(err, ErrNoRoom)) {
		return err
	}
	for _, at := range []int{vLM, vNTOld, vLMOld} {
		r.forget(at)
	}
	if disable {
		le.PutUint16(r.f[fFlags:], le.Uint16(r.f[fFlags:])|acbDisabled)
	}
	if err := e.SetValue(r.path, "V", r.v); err != nil {
		return err
	}
	if err := e.SetValue(r.path, "F", r.f); err != nil {
		return err
	}
	for _, name := range extras {
		if err := e.DeleteValue(r.path, name); err != nil && !errors.Is(err, regf.ErrNotFound) {
			return err
		}
	}
	return nil
}

// noiseLen is how much of a locked account's hash is random.
const noiseLen = 8

// nobodys makes the hash of a locked account: noise, and as much that follows
// from it with the boot key. So Accounts can tell it from that of a password,
// for which somebody would have to try 2^64 passwords.
func (k Key) nobodys(rid uint32, noise []byte) []byte {
	mac := hmac.New(sha256.New, k.boot)
	mac.Write(le.AppendUint32([]byte("locked account"), rid))
	mac.Write(noise)
	return mac.Sum(slices.Clone(noise))[:16]
}

// scramble replaces the NT hash by a random one.
func (r record) scramble(boot Key, domain []byte, random io.Reader) error {
	b := r.bytes(vNT)
	if len(r.hidden(vNT)) < 16 {
		return ErrNoRoom
	}
	noise := make([]byte, noiseLen+16) // of the hash, and a salt
	if _, err := io.ReadFull(random, noise); err != nil {
		return fmt.Errorf("no randomness for a new hash: %w", err)
	}
	inner, salt := byRID(r.rid, boot.nobodys(r.rid, noise[:noiseLen]), true), noise[noiseLen:]
	switch {
	case head(b) == rc4Head && len(b) == rc4Head+16:
		copy(b[rc4Head:], hashRC4(domain, r.rid, inner))
	case head(b) == aesHead && len(b) >= aesHash:
		padded := append(inner, slices.Repeat([]byte{16}, 16)...) // PKCS #7: a whole block of padding
		copy(b[8:24], salt)
		copy(b[aesHead:aesHash], cbc(domain, salt, padded, true))
	default:
		return fmt.Errorf("%w: a hash of %d bytes", regf.ErrCannot, len(b))
	}
	return nil
}

// forget makes the hash or history at an absent one: only its head stays.
func (r record) forget(at int) {
	b := r.bytes(at)
	n := head(b)
	if len(b) <= n {
		return
	}
	clear(b[n:])
	if n == aesHead {
		clear(b[4:]) // offset of the data, salt
	}
	le.PutUint32(r.v[at+4:], uint32(n))
}

// ForgetComment empties the description and the full name of the account with
// this RID: people write its password there. The record stays as long as it is.
func ForgetComment(e *regf.Editor, rid uint32) error {
	list, err := records(e.Hive())
	i := slices.IndexFunc(list, func(r record) bool { return r.rid == rid })
	if i < 0 {
		return errors.Join(err, fmt.Errorf("%w: account %d", regf.ErrNotFound, rid))
	}
	r := list[i]
	r.v = slices.Clone(r.v)
	for _, at := range []int{vFull, vComment} {
		clear(r.bytes(at))
		le.PutUint32(r.v[at+4:], 0)
	}
	return e.SetValue(r.path, "V", r.v)
}

// A slot that was never used is zero but for its revision.
const (
	slotRevisionAt = 0x28
	slotRevision   = 0x00010004
)

// ForgetLogons empties all slots of cached domain logons in SECURITY and
// returns how many it emptied.
func ForgetLogons(e *regf.Editor) (int, error) {
	list := Logons(e.Hive())
	for _, l := range list {
		b := make([]byte, e.Hive().Key(cacheKey).Value(l.Value).Size())
		if len(b) >= slotRevisionAt+4 {
			le.PutUint32(b[slotRevisionAt:], slotRevision)
		}
		if err := e.SetValue(cacheKey, l.Value, b); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}
