package secret

import (
	"bytes"
	"encoding/base64"
	"math"

	"assay/internal/standin"
)

// placeholder reports whether v, without knowing where it stands, is no secret
// itself.
func placeholder(v []byte) bool { return standin.Of(v) != standin.Real }

// A mix counts what a value is made of.
type mix struct{ lower, upper, digit, symbol, space, other int }

func mixOf(v []byte) (m mix) {
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z':
			m.lower++
		case c >= 'A' && c <= 'Z':
			m.upper++
		case c >= '0' && c <= '9':
			m.digit++
		case c == ' ' || c == '\t':
			m.space++
		case c > ' ' && c < 0x7f:
			m.symbol++
		default:
			m.other++
		}
	}
	return m
}

// entropy is Shannon's, in bits a byte.
func entropy(v []byte) float64 {
	var count [256]int
	for _, c := range v {
		count[c]++
	}
	h := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(v))
			h -= p * math.Log2(p)
		}
	}
	return h
}

// random reports whether v looks made by a machine: long enough, of several
// kinds of characters well mixed, not of words.
func random(v []byte) bool {
	if len(v) < 12 {
		return false
	}
	m := mixOf(v)
	if m.space > 0 || m.other > 0 {
		return false
	}
	h := entropy(v)
	hexadecimal := len(v) >= 24 && sets["hex"] != nil && shape{set: sets["hex"], min: 1, max: len(v)}.fits(v)
	switch {
	case hexadecimal:
		return h > 2.8 && m.digit > 2
	case m.digit == 0 && (m.upper == 0 || m.lower == 0):
		return false
	case m.digit == 0:
		return h > 3.5 && len(v) >= 20 && switches(v)*3 > len(v)
	}
	return h > min(3.0, math.Log2(float64(len(v)))-0.9) && switches(v)*4 >= len(v)
}

// switches counts where the kind of character changes, but not from a capital
// to the small letters of its word.
func switches(v []byte) int {
	kind := func(c byte) int {
		switch {
		case c >= 'a' && c <= 'z':
			return 1
		case c >= 'A' && c <= 'Z':
			return 2
		case c >= '0' && c <= '9':
			return 3
		}
		return 4
	}
	n := 0
	for i := 1; i < len(v); i++ {
		a, b := kind(v[i-1]), kind(v[i])
		if a != b && !(a == 2 && b == 1 && i >= 2 && kind(v[i-2]) == 1) {
			n++
		}
	}
	return n
}

// grade applies the gate to a captured value.
func (g gate) grade(v []byte) standin.Grade {
	switch g {
	case anyway:
		return standin.Real
	case machine:
		if !random(v) {
			return standin.None
		}
	case basic:
		plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(v)))
		n, err := base64.RawStdEncoding.Decode(plain, bytes.TrimRight(v, "="))
		_, pass, ok := bytes.Cut(plain[:n], []byte(":"))
		if err != nil || !ok || mixOf(plain[:n]).other > 0 {
			return standin.None
		}
		return standin.Of(pass)
	}
	return standin.Of(v)
}
