// Package crypt reads crypt(3) strings, the form in which Unix keeps a
// password, and says whether a given password fits.
//
// In: a password field, or the bytes of any file. Out: the scheme, its cost,
// where in the bytes such strings stand, and whether a password fits. May
// touch: memory, at most MaxMemory a call. Never: guesses, judges, or spends
// more than the caller was told a call costs. Next room: guest and checks.
//
// The schemes are those of crypt(5) of libxcrypt.
package crypt
