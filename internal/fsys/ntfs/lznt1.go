package ntfs

import "errors"

var errLZNT1 = errors.New("not valid LZNT1")

// chunkPlain is how many plain bytes one LZNT1 chunk stands for.
const chunkPlain = 4096

// decompress unpacks an LZNT1 stream into out, whose rest stays as it is, and
// returns how many bytes of b the stream has, with its end mark if it has one.
func decompress(out, b []byte) (int, error) {
	p := 0
	for o := 0; o < len(out); o += chunkPlain {
		if p+2 > len(b) {
			return p, nil
		}
		head := int(le.Uint16(b[p:]))
		if p += 2; head == 0 {
			return p, nil
		}
		n := head&0xfff + 1
		if head&0x7000 != 0x3000 || n > len(b)-p {
			return p, errLZNT1
		}
		dst := out[o:min(o+chunkPlain, len(out))]
		if head&0x8000 == 0 {
			copy(dst, b[p:p+n])
		} else if err := unpackChunk(dst, b[p:p+n]); err != nil {
			return p, err
		}
		p += n
	}
	return p, nil
}

// unpackChunk unpacks the data of one compressed chunk.
func unpackChunk(out, b []byte) error {
	o, bits := 0, uint(4) // bits of a displacement: enough for o
	for p := 0; p < len(b); {
		flags := b[p]
		p++
		for i := 0; i < 8 && p < len(b); i++ {
			if flags>>i&1 == 0 {
				if o >= len(out) {
					return errLZNT1
				}
				out[o] = b[p]
				o, p = o+1, p+1
				continue
			}
			if p+2 > len(b) {
				return errLZNT1
			}
			for bits < 12 && o > 1<<bits {
				bits++
			}
			v := int(le.Uint16(b[p:]))
			p += 2
			back, n := v>>(16-bits)+1, v&(1<<(16-bits)-1)+3
			if back > o || n > len(out)-o {
				return errLZNT1
			}
			for ; n > 0; n-- {
				out[o] = out[o-back]
				o++
			}
		}
	}
	return nil
}
