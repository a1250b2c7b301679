package files

import (
	"path"
	"strings"
)

// lower is the last element of a path in lower case.
func lower(name string) string { return strings.ToLower(path.Base(name)) }
