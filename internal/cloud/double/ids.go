package double

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// secret makes the throw-away secret of number n. It is the same in every run,
// so that recorded sessions of a test stay comparable; nothing but a double on
// loopback ever takes it.
func secret(n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "assay double %d", n))
	return hex.EncodeToString(sum[:15])
}

// newID makes the id of a new resource: "m-double00000001".
func (c *call) newID(prefix string) string {
	c.s.ids++
	return fmt.Sprintf("%s-double%010d", prefix, c.s.ids)
}
