//go:build unix

package need

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the processor time that this process has used up to now, by all its
// threads. A test that bounds work measures that: the clock also counts what
// others do on the machine. It says nothing of a test that waits; the limit of
// go test ends those.
func CPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err) // every Unix has this clock
	}
	return time.Duration(ts.Nano())
}
