package guest

import (
	"io/fs"
	"slices"
	"strings"
)

var skipDir = fs.SkipDir

// loginShell reports whether a shell lets a person in.
func loginShell(shell string) bool {
	base := shell[strings.LastIndexByte(shell, '/')+1:]
	return !slices.Contains([]string{"nologin", "false", "sync", "halt", "shutdown", "true"}, base)
}
