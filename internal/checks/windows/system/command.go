package system

import "strings"

// commandPath takes the program out of a service's command line.
func commandPath(command string) string {
	if rest, ok := strings.CutPrefix(command, `"`); ok {
		command, _, _ = strings.Cut(rest, `"`)
		return command
	}
	if i := strings.Index(strings.ToLower(command), ".exe"); i >= 0 {
		return command[:i+len(".exe")]
	}
	return command
}
