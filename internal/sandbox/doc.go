// Package sandbox puts the reader of hostile images into a process of its own
// that can do little harm: no files but those handed in, no network, no core
// dump, bounded memory and processor time.
//
// In: what the child may read, its bounds. Out: a command to start the child
// (Child), and the restriction that the child puts on itself before it reads
// the first byte (Enter). May touch: this process' limits, its own executable.
// Never: parses anything. Next room: cmd.
package sandbox
