package fleet

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"
	"time"

	"assay/internal/cloud"
)

// The rules of ModifyInstanceAttribute for Password: 8 to 30 characters of at
// least three of the four classes, not beginning with "/" on Windows. Letters
// and digits that look alike are left out, for whoever types it.
const (
	passwordLen = 24
	lower       = "abcdefghijkmnpqrstuvwxyz"
	upper       = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits      = "23456789"
	special     = "!@#$%^*-_+="
)

// NewPassword makes a password that meets the rules, with characters of every
// class.
func NewPassword() (string, error) {
	var b []byte
	for _, class := range []string{lower, upper, digits, special} {
		c, err := pick(class)
		if err != nil {
			return "", err
		}
		b = append(b, c)
	}
	for len(b) < passwordLen {
		c, err := pick(lower + upper + digits + special)
		if err != nil {
			return "", err
		}
		b = append(b, c)
	}
	for i := len(b) - 1; i > 0; i-- { // shuffle: the classes must not stand in order
		j, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			return "", err
		}
		b[i], b[j.Int64()] = b[j.Int64()], b[i]
	}
	return string(b), nil
}

func pick(from string) (byte, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(from))))
	if err != nil {
		return 0, err
	}
	return from[n.Int64()], nil
}

// settled is how often an instance must be called Running after its restart:
// no login proves here that it happened.
const settled = 3

// ResetWindows gives a Windows instance a password of its own and restarts it:
// key pairs do not apply to Windows.
func ResetWindows(ctx context.Context, c cloud.Caller, i ECS, password string, poll time.Duration) error {
	_, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "ModifyInstanceAttribute", Region: i.Region,
		Params: map[string]string{"InstanceId": i.ID, "Password": password}, Secret: []string{"Password"}})
	if err != nil {
		return err
	}
	return restartECS(ctx, c, i, poll, settled)
}

// Valid reports whether a password meets the rules for Windows instances.
func Valid(password string) bool {
	classes := 0
	for _, ok := range []func(rune) bool{
		func(r rune) bool { return r >= 'a' && r <= 'z' }, func(r rune) bool { return r >= 'A' && r <= 'Z' }, func(r rune) bool { return r >= '0' && r <= '9' },
		func(r rune) bool { return strings.ContainsRune("()`~!@#$%^&*-_+=|{}[]:;'<>,.?/", r) },
	} {
		if strings.ContainsFunc(password, ok) {
			classes++
		}
	}
	return len(password) >= 8 && len(password) <= 30 && classes >= 3 && !strings.HasPrefix(password, "/")
}
