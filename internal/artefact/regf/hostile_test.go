package regf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
)

// node is where the key node of a name begins in a hive of regftest.
func node(b []byte, name string) int { return bytes.Index(b, []byte(name)) - 76 }

// A hive that leads in circles, or names one thing many times, is read to an
// end, says so, and is not edited.
func TestHostile(t *testing.T) {
	le := binary.LittleEndian
	good := regftest.Build(sample(), regftest.Options{Leaf: 7})
	for name, change := range map[string]func([]byte){
		"loop": func(b []byte) { copy(b[node(b, "Gamma")+20:][:12], b[node(b, "ROOT")+20:][:12]) },
		"same key many times": func(b []byte) {
			i := bytes.Index(b, append(le.AppendUint16([]byte("lh"), 7), b[bytes.Index(b, []byte("lh\x07\x00"))+4:][:4]...))
			for k := 1; k < 7; k++ {
				copy(b[i+4+8*k:][:4], b[i+4:][:4])
			}
		},
		"same list many times": func(b []byte) {
			i := bytes.Index(b, []byte("ri"))
			for k := range int(le.Uint16(b[i+2:])) {
				copy(b[i+4+4*k:][:4], b[i+4:][:4])
			}
		},
		"countless keys":   func(b []byte) { le.PutUint32(b[node(b, "Many")+20:], 0xffffffff) },
		"countless values": func(b []byte) { le.PutUint32(b[node(b, "Beta")+36:], 0xffffffff) },
		"endless data":     func(b []byte) { le.PutUint32(b[bytes.Index(b, []byte("Blob"))-20+4:], 0x7fffffff) },
		"shared cell": func(b []byte) {
			copy(b[node(b, "Classy")+48:][:4], b[node(b, "Gamma")+44:][:4]) // its class is a security descriptor
		},
		"inside a cell": func(b []byte) { b[node(b, "Beta")+40] += 8 },
	} {
		b := slices.Clone(good)
		change(b)
		if bytes.Equal(b, good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		h, err := regf.Open(slices.Clone(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := len(dump(h))
		if n > 200 || len(h.Faults()) == 0 && name != "shared cell" {
			t.Errorf("%s: %d lines, faults %v", name, n, h.Faults())
		}
		if _, err := regf.Edit(b); !errors.Is(err, regf.ErrUnsafe) {
			t.Errorf("%s: it can be edited: %v", name, err)
		}
	}
}
