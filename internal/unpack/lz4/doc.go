// Package lz4 decodes LZ4 blocks and frames in bounded memory.
//
// In: a buffered reader of a frame, or the bytes of one block. Out: a reader,
// or bytes. May touch: memory for one block (4 MiB, in the kernel's legacy
// frames 8 MiB) and 64 KiB before it. Never: panics on hostile bytes, or gives
// more than was asked for. Next room: unpack.
//
// Sources: lz4_Block_format.md and lz4_Frame_format.md 1.6.4 of the lz4
// project. Checksums are passed over, not checked.
package lz4
