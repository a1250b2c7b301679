package sig

// named finds the formats that assay only knows by name.
func named(w *window) *Content {
	for _, f := range formats() {
		if !w.is(f.at, f.magic) {
			continue
		}
		c := &Content{Name: f.name, Refuse: f.refuse}
		b := w.buf(0, headLen)
		if f.uuid != 0 {
			c.UUID = uuid(b.Bytes(f.uuid, 16))
		}
		if f.label != 0 {
			c.Label = label(b.Bytes(f.label, f.labelLen))
		}
		return c
	}
	return nil
}

type fixed struct {
	name            string
	at              int64
	magic           string
	uuid            int // byte offsets; 0 when not read
	label, labelLen int
	refuse          string
}

// formats lists signatures at fixed places. Sources: the headers of Linux'
// fs/ folder for its file systems, and libblkid for the rest.
func formats() []fixed {
	return []fixed{
		{name: "refs", at: 0, magic: "\x00\x00\x00ReFS\x00"},
		{name: "f2fs", at: 1024, magic: "\x10\x20\xf5\xf2", uuid: 1024 + 108},
		{name: "erofs", at: 1024, magic: "\xe2\xe1\xf5\xe0", uuid: 1024 + 48, label: 1024 + 64, labelLen: 16},
		{name: "squashfs", at: 0, magic: "hsqs"},
		{name: "squashfs", at: 0, magic: "sqsh"},
		{name: "iso9660", at: 32769, magic: "CD001", label: 32768 + 40, labelLen: 32},
		{name: "udf", at: 32769, magic: "BEA01"},
		{name: "udf", at: 32769, magic: "NSR02"},
		{name: "udf", at: 32769, magic: "NSR03"},
		{name: "bcachefs", at: 4096 + 24, magic: "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"},
		{name: "bcache", at: 4096 + 24, magic: "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", refuse: "a device behind a cache (bcache)"},
		{name: "reiserfs", at: 65536 + 52, magic: "ReIsErFs", uuid: 65536 + 84, label: 65536 + 100, labelLen: 16},
		{name: "reiserfs", at: 65536 + 52, magic: "ReIsEr2Fs", uuid: 65536 + 84, label: 65536 + 100, labelLen: 16},
		{name: "reiserfs", at: 65536 + 52, magic: "ReIsEr3Fs", uuid: 65536 + 84, label: 65536 + 100, labelLen: 16},
		{name: "jfs", at: 32768, magic: "JFS1", uuid: 32768 + 136, label: 32768 + 152, labelLen: 16},
		{name: "nilfs2", at: 1024, magic: "\x02\x00\x00\x00\x00\x00\x34\x34", uuid: 1024 + 152, label: 1024 + 168, labelLen: 80},
		{name: "ocfs2", at: 8192, magic: "OCFSV2"},
		{name: "gfs2", at: 65536, magic: "\x01\x16\x19\x70\x00\x00\x00\x01"},
		{name: "hfsplus", at: 1024, magic: "H+\x00\x04"},
		{name: "hfsplus", at: 1024, magic: "HX\x00\x05"},
		{name: "apfs", at: 32, magic: "NXSB"},
		{name: "cramfs", at: 0, magic: "\x45\x3d\xcd\x28"},
		{name: "romfs", at: 0, magic: "-rom1fs-"},
		{name: "verity", at: 0, magic: "verity\x00\x00", uuid: 16, refuse: "the hash tree of a dm-verity device"},
		{name: "snapshot-cow", at: 0, magic: "SnAp\x01\x00\x00\x00", refuse: "the exceptions of a device-mapper snapshot"},
		{name: "vdo", at: 0, magic: "dmvdo001", refuse: "a VDO device (deduplicated)"},
		{name: "stratis", at: 512 + 4, magic: "!Stra0tis\x86\xff\x02^\x41rh", refuse: "a member of a Stratis pool"},
		{name: "vmfs", at: 1 << 20, magic: "\x0d\xd0\x01\xc0", refuse: "a member of a VMFS volume"},
	}
}

// ufs: magic 0x00011954 (UFS1) or 0x19540119 (UFS2) at byte 1372 of a
// superblock at 8, 64 or 256 KiB, in either byte order (FreeBSD ufs/ffs/fs.h).
func ufs(w *window) *Content {
	for _, at := range []int64{8 << 10, 64 << 10, 256 << 10} {
		switch string(w.at(at+1372, 4)) {
		case "\x54\x19\x01\x00", "\x00\x01\x19\x54", "\x19\x01\x54\x19", "\x19\x54\x01\x19":
			return &Content{Name: "ufs"}
		}
	}
	return nil
}
