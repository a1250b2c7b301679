// Package winapi is what assay asks of a running Windows beside its files: the
// registry, accounts, secrets, event logs and how the machine is set up.
//
// In: names of keys, accounts, logs. Out: one small interface, API, and its
// implementation by Win32 calls when built for Windows. May touch: everything
// that the interface names, each method one change. Never: decides what is to
// be changed, reads the contents of files, keeps state. Next room: the root
// package; tests use winapitest.
package winapi
