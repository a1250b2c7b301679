package crypt

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
)

// Rounds of SHA-crypt ("Unix crypt using SHA-256 and SHA-512", U. Drepper).
const (
	shaRounds    = 5000
	shaMinRounds = 1000
	shaMaxRounds = 999999999
)

// encode24 appends n characters of three bytes, least significant first.
func encode24(out []byte, b2, b1, b0 byte, n int) []byte {
	w := uint(b2)<<16 | uint(b1)<<8 | uint(b0)
	for ; n > 0; n-- {
		out = append(out, alphabet[w&0x3f])
		w >>= 6
	}
	return out
}

// repeat feeds n bytes of block, over and over.
func repeat(h hash.Hash, block []byte, n int) {
	for ; n > len(block); n -= len(block) {
		h.Write(block)
	}
	h.Write(block[:n])
}

// shaCrypt computes SHA-crypt of the given digest: sha256crypt, sha512crypt,
// and sm3crypt of libxcrypt, which is sha256crypt over SM3.
func shaCrypt(ctx context.Context, newHash func() hash.Hash, password, salt []byte, rounds int64) ([]byte, error) {
	h := newHash()
	h.Write(password)
	h.Write(salt)
	h.Write(password)
	alt := h.Sum(nil)

	h.Reset()
	h.Write(password)
	h.Write(salt)
	repeat(h, alt, len(password))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write(alt)
		} else {
			h.Write(password)
		}
	}
	sum := h.Sum(nil)

	h.Reset()
	for range len(password) {
		h.Write(password)
	}
	p := stretch(h.Sum(nil), len(password))
	h.Reset()
	for range 16 + int(sum[0]) {
		h.Write(salt)
	}
	s := stretch(h.Sum(nil), len(salt))

	for i := range rounds {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h.Reset()
		mix(h, i&1 != 0, p, sum)
		if i%3 != 0 {
			h.Write(s)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		mix(h, i&1 == 0, p, sum)
		sum = h.Sum(sum[:0])
	}
	return sum, nil
}

func mix(h hash.Hash, first bool, a, b []byte) {
	if first {
		h.Write(a)
	} else {
		h.Write(b)
	}
}

// stretch repeats block to n bytes.
func stretch(block []byte, n int) []byte {
	out := make([]byte, 0, n+len(block))
	for len(out) < n {
		out = append(out, block...)
	}
	return out[:n]
}

// encode32 writes a digest of 32 bytes in the order of sha256crypt.
func encode32(sum []byte) string {
	var out []byte
	for i, j, k := 0, 10, 20; i != 30; i, j, k = k+1, i+1, j+1 {
		out = encode24(out, sum[i], sum[j], sum[k], 4)
	}
	return string(encode24(out, 0, sum[31], sum[30], 3))
}

// encode64 writes a digest of 64 bytes in the order of sha512crypt.
func encode64(sum []byte) string {
	var out []byte
	for i, j, k := 0, 21, 42; i != 21; i, j, k = j+1, k+1, i+1 {
		out = encode24(out, sum[i], sum[j], sum[k], 4)
	}
	return string(encode24(out, 0, 0, sum[63], 2))
}

func cryptSHA(ctx context.Context, h Hash, password []byte) (string, error) {
	newHash, encode := sha256.New, encode32
	switch h.Scheme {
	case SHA512:
		newHash, encode = sha512.New, encode64
	case SM3:
		newHash = newSM3
	}
	head, rest := split(h.text)
	n, _, rest := rounds(rest, shaRounds, shaMinRounds, shaMaxRounds)
	salt, _, _ := strings.Cut(rest, "$")
	sum, err := shaCrypt(ctx, newHash, password, []byte(salt), n)
	if err != nil {
		return "", err
	}
	return head + h.text[len(head):strings.LastIndexByte(h.text, '$')+1] + encode(sum), nil
}

// split cuts "$id$" from a crypt string.
func split(text string) (head, rest string) {
	at := strings.IndexByte(text[1:], '$') + 2
	return text[:at], text[at:]
}

// cryptMD5 is md5crypt of FreeBSD (P.-H. Kamp), as in libcrypt/crypt-md5.c.
func cryptMD5(text string, password []byte) string {
	_, rest := split(text)
	salt, _, _ := strings.Cut(rest, "$")
	h := md5.New()
	h.Write(password)
	h.Write([]byte(salt))
	h.Write(password)
	sum := h.Sum(nil)

	h.Reset()
	h.Write(password)
	h.Write([]byte("$1$" + salt))
	repeat(h, sum, len(password))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write([]byte{0})
		} else {
			h.Write(password[:1])
		}
	}
	sum = h.Sum(sum[:0])
	for i := range 1000 {
		h.Reset()
		mix(h, i&1 != 0, password, sum)
		if i%3 != 0 {
			h.Write([]byte(salt))
		}
		if i%7 != 0 {
			h.Write(password)
		}
		mix(h, i&1 == 0, password, sum)
		sum = h.Sum(sum[:0])
	}
	var out []byte
	for i := range 4 {
		out = encode24(out, sum[i], sum[i+6], sum[i+12], 4)
	}
	out = encode24(out, sum[4], sum[10], sum[5], 4)
	return "$1$" + salt + "$" + string(encode24(out, 0, 0, sum[11], 2))
}
