package need

import (
	"runtime"
	"testing"
	"time"
)

// TestCPU: work counts, waiting does not.
func TestCPU(t *testing.T) {
	before := CPU()
	for sum := 0; CPU()-before < 20*time.Millisecond; sum++ {
	}
	if runtime.GOOS == "windows" {
		return
	}
	before = CPU()
	time.Sleep(300 * time.Millisecond)
	if used := CPU() - before; used > 150*time.Millisecond {
		t.Errorf("%v while asleep", used)
	}
}
