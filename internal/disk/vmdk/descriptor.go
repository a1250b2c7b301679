package vmdk

import (
	"strconv"
	"strings"

	"assay/internal/binread"
)

const (
	maxDescriptor = 1 << 20
	maxExtents    = 1024 // 2 TiB in the usual parts of 2 GiB
)

// descriptor is the text that describes a disk: a file of its own, or
// embedded in a sparse extent.
type descriptor struct {
	createType string
	hasParent  bool
	extents    []extent
}

// extent is a line such as
//
//	RW 4192256 SPARSE "disk-s001.vmdk"
//	RW 20480 FLAT "disk-flat.vmdk" 0
type extent struct {
	access string
	size   int64 // bytes
	kind   string
	name   string
	offset int64 // bytes, of FLAT: where in the file the extent starts
}

func isDescriptor(b []byte) bool {
	const first = "# disk descriptorfile"
	return len(b) >= len(first) && strings.EqualFold(string(b[:len(first)]), first)
}

func parseDescriptor(text string) (*descriptor, error) {
	d := &descriptor{}
	text, _, _ = strings.Cut(text, "\x00")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		switch word, _, _ := strings.Cut(line, " "); word {
		case "RW", "RDONLY", "NOACCESS":
			e, err := parseExtent(line)
			if err != nil {
				return nil, err
			}
			if d.extents = append(d.extents, e); len(d.extents) > maxExtents {
				return nil, binread.Errorf(format, -1, "over %d extents", maxExtents)
			}
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "createtype":
			d.createType = value
		case "parentcid":
			d.hasParent = !strings.EqualFold(value, "ffffffff")
		}
	}
	if d.hasParent {
		return nil, binread.Unsupported(format, "a disk with a parent")
	}
	return d, nil
}

func parseExtent(line string) (extent, error) {
	before, rest, quoted := strings.Cut(line, `"`)
	name, after, closed := strings.Cut(rest, `"`)
	f := strings.Fields(before)
	if len(f) != 3 || quoted != closed {
		return extent{}, binread.Errorf(format, -1, "extent line %q", line)
	}
	e := extent{access: f[0], kind: f[2], name: name}
	var err error
	if e.size, err = sectors(f[1]); err != nil {
		return extent{}, err
	}
	if a := strings.Fields(after); len(a) > 0 && e.kind != "SPARSE" {
		if e.offset, err = sectors(a[0]); err != nil {
			return extent{}, err
		}
	}
	return e, nil
}

// sectors turns a number of sectors into bytes.
func sectors(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<52 {
		return 0, binread.Errorf(format, -1, "%q is no number of sectors", s)
	}
	return n * sector, nil
}

// plain reports whether name is a file name and nothing more: no folder, no
// drive, no device.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 && !strings.ContainsAny(name, "/\\:\x00")
}
