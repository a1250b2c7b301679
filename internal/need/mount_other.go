//go:build !unix

package need

import "testing"

// Mount needs Linux.
func Mount(t testing.TB, img, dir, options string, more ...string) {
	t.Helper()
	miss(t, "needs Linux to mount %s", img)
}

// Unmount needs Linux.
func Unmount(t testing.TB, dir string) { t.Helper(); miss(t, "needs Linux") }

// Unlocked needs Linux.
func Unlocked(t testing.TB, img string) { t.Helper(); miss(t, "needs Linux") }
