package image

import (
	"container/list"
	"sync"
)

// A Cache keeps the values used last, up to a number of bytes. It is safe for
// concurrent use; its values must not be changed.
type Cache[K comparable] struct {
	mu    sync.Mutex
	limit int
	used  int
	order *list.List // of entry[K], most recent first
	items map[K]*list.Element
}

type entry[K comparable] struct {
	key   K
	value []byte
}

// NewCache makes a cache of at most limit bytes of values. A single value
// over the limit is not kept.
func NewCache[K comparable](limit int) *Cache[K] {
	return &Cache[K]{limit: limit, order: list.New(), items: map[K]*list.Element{}}
}

// Get returns the value of key, or calls load for it without holding the
// cache's lock: two callers may load the same value at the same time, which
// costs time but never correctness. A failed load is not kept.
func (c *Cache[K]) Get(key K, load func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	if e, ok := c.items[key]; ok {
		c.order.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(entry[K]).value, nil
	}
	c.mu.Unlock()
	v, err := load()
	if err != nil {
		return nil, err
	}
	c.put(key, v)
	return v, nil
}

func (c *Cache[K]) put(key K, v []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[key]; ok || len(v) > c.limit {
		return
	}
	c.items[key] = c.order.PushFront(entry[K]{key, v})
	// The fixed part keeps tiny values from making an endless list.
	c.used += len(v) + overhead
	for c.used > c.limit && c.order.Len() > 1 {
		last := c.order.Back()
		old := c.order.Remove(last).(entry[K])
		delete(c.items, old.key)
		c.used -= len(old.value) + overhead
	}
}

// overhead is about what an entry costs beside its value.
const overhead = 160
