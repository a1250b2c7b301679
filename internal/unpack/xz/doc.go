// Package xz decodes .xz files and LZMA streams in bounded memory.
//
// In: a buffered reader of compressed bytes, and a function that grants
// memory. Out: a reader. May touch: what it is granted. Never: reserves a
// dictionary because a header asks for it (the window grows with the output,
// and a match beyond a window that may not grow is an error), starts a
// goroutine, or panics on hostile bytes. Next room: unpack.
//
// Own code, because the module at hand allocates the dictionary that the
// header declares, up to 4 GiB, and is several times slower.
//
// Sources: "The .xz File Format" 1.1.0 (tukaani.org), and lzma-specification.txt
// of the LZMA SDK; LZMA2's chunk headers as in xz-embedded, xz_dec_lzma2.c.
package xz
