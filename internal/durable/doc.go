// Package durable writes files that are whole or not there.
//
// In: a path and bytes. Out: a file that appears under its name only when all
// its bytes are on the disk. May touch: that file, a temporary one beside it,
// and their folder. Never: overwrites before the new content is safe, leaves
// debris when it is told to stop. Next room: none.
package durable
