package crypt

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/openwall/yescrypt-go"
	"golang.org/x/crypto/bcrypt"

	"assay/internal/binread"
)

// MaxMemory bounds what one call of Verify allocates. It holds the default of
// every distribution (yescrypt j9T: 16 MiB) four times.
const MaxMemory = 64 << 20

// maxPassword is the longest password that libxcrypt takes.
const maxPassword = 512

// Cost estimates the processor time of one Verify on a slow core. It is
// computed from the string alone, so it is the same everywhere. Callers bound
// the sum: a string can ask for days.
func (h Hash) Cost() time.Duration {
	switch h.Scheme {
	case DES:
		return 500 * time.Microsecond
	case MD5:
		return time.Millisecond
	case SHA256, SHA512, SM3:
		_, rest := split(h.text)
		n, _, _ := rounds(rest, shaRounds, shaMinRounds, shaMaxRounds)
		return time.Duration(n) * time.Microsecond
	case Bcrypt:
		return time.Duration(100<<bcryptCost(h.text)) * time.Microsecond
	case Yescrypt, Scrypt:
		if n, ok := h.memory(); ok {
			return time.Duration(n*p2(h)) * 4 * time.Nanosecond
		}
	}
	return 1000 * time.Hour
}

// p2 is scrypt's parallelism, 1 for others.
func p2(h Hash) int64 {
	if h.Scheme != Scrypt {
		return 1
	}
	return int64(number30(h.text[9:14]))
}

// bcryptCost reads the two digits of a string that matches bcrypt's form.
func bcryptCost(text string) int {
	_, rest := split(text)
	return int(rest[0]-'0')*10 + int(rest[1]-'0')
}

func value(c byte) int64 { return int64(strings.IndexByte(alphabet, c)) }

// number30 reads 30 bits from five characters, least significant first.
func number30(s string) uint32 {
	n := uint32(0)
	for i := range 5 {
		n |= uint32(value(s[i])) << (6 * i)
	}
	return n
}

// memory is N·r·128, the bytes that yescrypt and scrypt fill; false when the
// parameters are of a kind that is not computed.
func (h Hash) memory() (int64, bool) {
	_, rest := split(h.text)
	if h.Scheme == Scrypt {
		n, r := value(rest[0]), int64(number30(rest[1:6]))
		if n < 1 || n > 24 || r < 1 || r > 1<<16 || p2(h) < 1 || p2(h) > 1<<10 {
			return 1 << 50, false
		}
		return 128 * r << n, true
	}
	params, _, _ := strings.Cut(rest, "$")
	if len(params) != 3 || params[0] != 'j' { // the flavour that every distribution uses: RW, no ROM, p and t default
		return 1 << 50, false
	}
	n, r := value(params[1])+1, value(params[2])+1
	if n < 10 || n > 18 || r < 1 || r > 32 {
		return 1 << 50, false
	}
	return 128 * r << n, true
}

// Computable reports whether Verify can answer for h at all, within MaxMemory.
func (h Hash) Computable() bool {
	switch h.Scheme {
	case DES, MD5, SHA256, SHA512, SM3:
		return true
	case Bcrypt:
		c := bcryptCost(h.text)
		return c >= bcrypt.MinCost && c <= bcrypt.MaxCost && !strings.HasPrefix(h.text, "$2x$")
	case Yescrypt, Scrypt:
		n, ok := h.memory()
		return ok && n <= MaxMemory
	}
	return false
}

// Verify reports whether password fits h. It takes about Cost; the context is
// asked between rounds where the scheme has any. It fails with an
// UnsupportedError for what Computable denies.
func (h Hash) Verify(ctx context.Context, password []byte) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if !h.Computable() {
		return false, binread.Unsupported("crypt", "%s with these parameters", h.Scheme)
	}
	if len(password) > maxPassword {
		return false, nil
	}
	if h.Scheme == Bcrypt {
		return verifyBcrypt(h.text, password)
	}
	got, err := h.compute(ctx, password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(h.text)) == 1, nil
}

func (h Hash) compute(ctx context.Context, password []byte) (string, error) {
	switch h.Scheme {
	case DES:
		return cryptDES(h.text, password), nil
	case MD5:
		return cryptMD5(h.text, password), nil
	case Yescrypt:
		b, err := yescrypt.Hash(password, []byte(h.text))
		return string(b), err
	case Scrypt:
		return cryptScrypt(h.text, password)
	}
	return cryptSHA(ctx, h, password)
}

// verifyBcrypt: $2a$, $2b$ and $2y$ are the same algorithm for passwords that
// hold no NUL, and so is $2$ but for the NUL at the end, which x/crypto knows.
// bcrypt reads 72 bytes.
func verifyBcrypt(text string, password []byte) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(text), password[:min(len(password), 72)])
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

// cryptScrypt is $7$ of libxcrypt: N as a power of two in one character, r and
// p in five each, then the salt as text.
func cryptScrypt(text string, password []byte) (string, error) {
	at := strings.LastIndexByte(text, '$')
	_, rest := split(text[:at])
	key, err := yescrypt.ScryptKey(password, []byte(rest[11:]), 1<<value(rest[0]), int(number30(rest[1:6])), int(number30(rest[6:11])), 32)
	if err != nil {
		return "", err
	}
	var out []byte
	for i := 0; i+3 <= 30; i += 3 {
		out = encode24(out, key[i+2], key[i+1], key[i], 4)
	}
	return text[:at+1] + string(encode24(out, 0, key[31], key[30], 3)), nil
}
