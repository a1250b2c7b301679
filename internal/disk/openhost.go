package disk

import "os"

// OpenHost opens an image file for OpenReader, read only, without changing its
// access time where the kernel allows that. It refuses what Open refuses:
// directories, FIFOs, sockets and character devices.
func OpenHost(path string) (*os.File, error) { return openHost(path, true) }
