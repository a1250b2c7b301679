// Package openssh is remote.Shell over SSH, with the habits of the ssh command:
// agent, known_hosts, ~/.ssh/config with ProxyJump, identity files, passwords;
// and the attacker's view of a server: which keys and methods it would accept.
//
// In: a target such as ssh://user@host:22. Out: a Conn, a Door. May touch: the
// network, the agent's socket, ~/.ssh. Never: runs a program of this host
// (ProxyCommand, Match exec), accepts a changed host key, keeps a password
// longer than the connection, prints. Next room: fleet, the verbs.
package openssh
