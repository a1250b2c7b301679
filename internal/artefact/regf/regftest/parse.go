package regftest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Parse adds to root what a text describes. A line "[Path\Of\Key]" begins a
// key; the lines after it are its values:
//
//	Name = text            REG_SZ
//	Name = dword:5         REG_DWORD
//	Name = hex:00ff        REG_BINARY
//	Name = multi:one|two   REG_MULTI_SZ
//	@ = text               the default value
//	#class = text          the key's class name
func Parse(root *Key, text string) error {
	k := root
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			k = root.At(line[1 : len(line)-1])
			continue
		}
		name, value, ok := strings.Cut(line, " = ")
		if !ok {
			return fmt.Errorf("%q is no value", line)
		}
		if err := k.parse(strings.TrimSpace(name), value); err != nil {
			return err
		}
	}
	return nil
}

func (k *Key) parse(name, value string) error {
	if name == "@" {
		name = ""
	}
	kind, rest, _ := strings.Cut(value, ":")
	switch {
	case name == "#class":
		k.Class = value
	case kind == "dword":
		n, err := strconv.ParseUint(rest, 0, 32)
		if err != nil {
			return err
		}
		k.Set(name, int(n))
	case kind == "hex":
		b, err := hex.DecodeString(rest)
		if err != nil {
			return err
		}
		k.Set(name, b)
	case kind == "multi":
		k.Set(name, strings.Split(rest, "|"))
	default:
		k.Set(name, value)
	}
	return nil
}
