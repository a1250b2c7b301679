// Package winapitest is a Windows that tests make up: it remembers what it was
// asked to change.
package winapitest
