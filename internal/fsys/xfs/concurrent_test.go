//go:build linux

package xfs

import (
	"sync"
	"testing"
)

// TestConcurrentUse calls everything from several goroutines on one FS; it
// means something under the race detector.
func TestConcurrentUse(t *testing.T) {
	s := plain(t)
	fs := opened(t, s)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 20 {
				useAll(t, fs)
			}
		})
	}
	workers.Wait()
}
