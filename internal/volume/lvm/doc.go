// Package lvm reads the on-disk metadata of LVM2.
//
// In: the bytes of a physical volume. Out: PV: its label, where its metadata
// lies, and VG: the volume group as the newest metadata text describes it. May
// touch: what it is handed. Never: maps extents to bytes, reads what is inside
// a logical volume. Next room: volume.
//
// Source of all offsets: LVM2 lib/label/label.h and lib/format_text/layout.h.
package lvm
