// Package sshdtest runs the host's own OpenSSH server in throw-away machines:
// an overlay of the host's files in namespaces of its own, on a loopback port.
//
// In: a script that plants users, keys and settings. Out: a Machine with an
// address. May touch: namespaces, mounts and processes of its own, which end
// with the test. Never: is imported by product code. Next room: the tests of
// openssh, fleet and the verbs.
package sshdtest
