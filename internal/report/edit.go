package report

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf16"

	"assay/finding"
)

// EditPath is the place that an edit is about, a key or value of the registry
// included, without line or account.
func EditPath(e finding.Edit) string {
	if e.Key == "" || e.Path == "" || e.Op == finding.LockPassword || e.Op == finding.ForgetComment { // those name the account
		return e.Path
	}
	s := e.Path + "!/" + e.Key
	if e.Value != "" {
		s += `\` + e.Value
	}
	return s
}

// dword is the length of a number in the registry.
const dword = 4

// EditWith is what an edit writes, for people: registry data, which is
// hexadecimal in a plan, as the number or text that it is.
func EditWith(e finding.Edit) string {
	b, err := hex.DecodeString(e.With)
	if e.Op != finding.RegSetValue || err != nil || len(b)%2 != 0 {
		return e.With
	}
	// A text of one digit and its NUL is as long as a number.
	if len(b) == dword && b[len(b)-1] == 0 && b[1] == 0 && b[2] == 0 && (b[0] < '0' || b[0] > '9') {
		return strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b)), 10)
	}
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(u)), "\x00")
}
