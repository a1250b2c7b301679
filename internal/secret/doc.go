// Package secret finds credentials in the bytes of files: keys and tokens of
// providers, and the passwords that people write into configuration, scripts
// and histories.
//
// In: a stream of bytes and its name. Out: candidates with rule, place,
// confidence and reason; the secret itself is lent to one call and masked in
// everything else. May touch: memory, about 300 KiB a Scanner. Never: opens
// files, tries a passphrase, asks a provider, starts a goroutine. Next room:
// checks.
//
// # Rules
//
// A rule is a block of text in rules/*.txt; a new rule is text alone, and its
// "+" and "-" lines are its tests. rules/README says what a block may hold.
//
// # Why not a library
//
// Measured on 1 GiB of a Linux root and a source tree with 232 keywords,
// a core: the engines of existing scanners lower-case a copy of the input and
// run an Aho-Corasick automaton at 64 to 80 MB/s; the fastest automaton in Go
// does 314 MB/s, Hyperscan 2.9 GB/s but needs cgo; a case-insensitive
// alternation in package regexp 1.7 MB/s. A table of the keywords' trigrams
// looked up at every second byte (filter.go) does about 1 GB/s in plain Go,
// and finds the same. The regular expressions behind it see a few hundred
// bytes around a hit; what is hot (assignments, URLs, command lines, tokens) is
// matched by hand, 0.04 µs against 25 to 67 µs of the expressions in use
// elsewhere. And those look for what machines make: three of four credentials
// on a machine image are passwords of people, which only their place betrays.
package secret
