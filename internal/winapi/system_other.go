//go:build !windows

package winapi

// System is the Windows that this process runs on: nil, it is another system.
func System() API { return nil }
