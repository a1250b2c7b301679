package btrfs

import (
	"container/list"
	"sync"
)

// A cache keeps the values used last, within a budget of bytes. It is safe for
// concurrent use; values must not be changed once they are in it.
type cache[V any] struct {
	budget int

	mu    sync.Mutex
	used  int
	order *list.List // of *cached[V], latest first
	byKey map[uint64]*list.Element
}

type cached[V any] struct {
	key   uint64
	value V
	cost  int
}

func newCache[V any](budget int) *cache[V] {
	return &cache[V]{budget: budget, order: list.New(), byKey: map[uint64]*list.Element{}}
}

func (c *cache[V]) get(k uint64) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[k]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[V]).value, true
}

func (c *cache[V]) put(k uint64, v V, cost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[k]; ok {
		c.drop(e)
	}
	c.byKey[k] = c.order.PushFront(&cached[V]{k, v, cost})
	c.used += cost
	for c.used > c.budget {
		c.drop(c.order.Back())
	}
}

func (c *cache[V]) drop(e *list.Element) {
	old := c.order.Remove(e).(*cached[V])
	delete(c.byKey, old.key)
	c.used -= old.cost
}
