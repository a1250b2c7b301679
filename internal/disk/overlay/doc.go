// Package overlay lays changes over a disk image that is never written.
//
// In: an image.Image, then pieces of bytes and ranges of zeros. Out: the
// changed disk, again an image.Image, and what was changed. May touch: memory
// up to a limit, and beyond it the one spill file that the caller opens.
// Never: writes to the image beneath, opens anything, starts a goroutine.
// Next room: volume (which cuts it into patches of volumes) and the writers of
// raw, qcow2 and vhd.
package overlay
