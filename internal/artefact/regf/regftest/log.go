package regftest

import "math/bits"

// NewLog makes a log of the new format with one entry for each step: the bins
// that differ between one hive and the next, which has the same length or is
// longer. Entries are numbered from seq on.
func NewLog(seq uint32, steps ...[]byte) []byte {
	log := append([]byte(nil), steps[0][:512]...)
	le.PutUint32(log[4:], seq)
	le.PutUint32(log[8:], seq)
	le.PutUint32(log[28:], 6)
	Seal(log)
	for i := 1; i < len(steps); i++ {
		log = append(log, entry(seq+uint32(i)-1, steps[i-1], steps[i])...)
	}
	return log
}

func entry(seq uint32, old, now []byte) []byte {
	var refs, data []byte
	n := uint32(0)
	size := int(le.Uint32(now[40:])) // of the bins: padding behind them is in no log
	for off := 0; off < size; off += 512 {
		p := now[page+off : page+off+512]
		if page+off+512 <= len(old) && string(old[page+off:page+off+512]) == string(p) {
			continue
		}
		refs = le.AppendUint32(le.AppendUint32(refs, uint32(off)), 512)
		data = append(data, p...)
		n++
	}
	e := make([]byte, 40)
	copy(e, "HvLE")
	e = append(append(e, refs...), data...)
	e = append(e, make([]byte, -len(e)&511)...)
	le.PutUint32(e[4:], uint32(len(e)))
	le.PutUint32(e[12:], seq)
	le.PutUint32(e[16:], uint32(size))
	le.PutUint32(e[20:], n)
	le.PutUint64(e[24:], Marvin(e[40:]))
	le.PutUint64(e[32:], Marvin(e[:32]))
	return e
}

// OldLog makes a log of the old format that turns old into now.
func OldLog(old, now []byte) []byte {
	log := append([]byte(nil), now[:512]...)
	le.PutUint32(log[28:], 1)
	Seal(log)
	size := int(le.Uint32(now[40:])) // of the bins: padding behind them is in no log
	vector := make([]byte, (size/512+7)/8)
	var data []byte
	for i := range size / 512 {
		p := now[page+512*i : page+512*i+512]
		if page+512*i+512 > len(old) || string(old[page+512*i:page+512*i+512]) != string(p) {
			vector[i/8] |= 1 << (i % 8)
			data = append(data, p...)
		}
	}
	log = append(append(log, "DIRT"...), vector...)
	log = append(log, make([]byte, -len(log)&511)...)
	return append(log, data...)
}

// Begin marks a hive as being written: its second sequence number becomes seq,
// its first one more.
func Begin(hive []byte, seq uint32) []byte {
	hive = append([]byte(nil), hive...)
	le.PutUint32(hive[4:], seq+1)
	le.PutUint32(hive[8:], seq)
	Seal(hive)
	return hive
}

// Marvin is the checksum of log entries: Marvin32 (US patent 20130262421) with
// the kernel's seed.
func Marvin(b []byte) uint64 {
	const seed = 0x82EF4D887A4E55C5
	lo, hi := uint32(seed&0xffffffff), uint32(seed>>32)
	b = append(append([]byte(nil), b...), 0x80)
	b = append(b, make([]byte, -len(b)&3)...)
	b = append(b, 0, 0, 0, 0)
	for i := 0; i < len(b); i += 4 {
		lo += le.Uint32(b[i:])
		hi ^= lo
		lo = bits.RotateLeft32(lo, 20) + hi
		hi = bits.RotateLeft32(hi, 9) ^ lo
		lo = bits.RotateLeft32(lo, 27) + hi
		hi = bits.RotateLeft32(hi, 19)
	}
	return uint64(hi)<<32 | uint64(lo)
}
