// Package standin tells a secret from what stands in its place: a template, a
// reference to where it is kept, a word that only speaks of one.
//
// In: a value without its quotes. Out: a grade. May touch: nothing. Never:
// knows where the value stands; whoever asks does. Next rooms: secret, and the
// checks that know a file.
package standin
