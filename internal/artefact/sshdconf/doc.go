// Package sshdconf reads sshd_config(5): lines into keyword and arguments, and
// the patterns of its Match criteria.
//
// In: the bytes of one file. Out: its lines as values. May touch: memory.
// Never: opens an included file, resolves what wins, or judges. Next room:
// guest, which does both.
package sshdconf
