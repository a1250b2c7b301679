package image

import "assay/internal/span"

// MaxSpans bounds the list a Collector keeps: 16 bytes each.
const MaxSpans = 1 << 20

// A Collector gathers ranges in ascending order into a Set of at most MaxSpans
// ranges. When there are more it closes the smallest gaps, so the result may
// cover more than was added but never less. Its zero value is ready.
type Collector struct {
	set span.Set
	gap int64 // ranges this close to each other become one
}

// Add appends [off, off+n). off must not lie before the last range's start;
// an empty range is dropped.
func (c *Collector) Add(off, n int64) {
	if n <= 0 {
		return
	}
	if k := len(c.set); k > 0 && off-c.set[k-1].End() <= c.gap {
		c.set[k-1].Len = max(c.set[k-1].Len, off+n-c.set[k-1].Off)
		return
	}
	c.set = append(c.set, span.Span{Off: off, Len: n})
	for len(c.set) >= MaxSpans {
		c.gap = max(4096, c.gap*4)
		c.close()
	}
}

// close merges what lies within the gap.
func (c *Collector) close() {
	out := c.set[:0]
	for _, s := range c.set {
		if k := len(out); k > 0 && s.Off-out[k-1].End() <= c.gap {
			out[k-1].Len = max(out[k-1].Len, s.End()-out[k-1].Off)
			continue
		}
		out = append(out, s)
	}
	c.set = out
}

// Widened reports whether gaps were closed: the set then covers more than was
// added.
func (c *Collector) Widened() bool { return c.gap > 0 }

// Set returns what was gathered.
func (c *Collector) Set() span.Set { return c.set }
