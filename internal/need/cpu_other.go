//go:build !unix

package need

import "time"

var start = time.Now()

// CPU is the time since the process began: what it used of it is not known
// here.
func CPU() time.Duration { return time.Since(start) }
