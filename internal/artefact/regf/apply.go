package regf

import "fmt"

// An Op names what a Change does.
type Op string

// The operations on a hive.
const (
	DeleteValue Op = "delete-value"
	DeleteKey   Op = "delete-key" // and all below it
	SetValue    Op = "set-value"  // to Data; at most as long as the old data, or up to 4 bytes
	ZeroValue   Op = "zero-value" // keep name, type and length
)

// A Change is one step of an edit as data.
type Change struct {
	Op    Op
	Key   string // path from the root, without the root's own name
	Value string // name; "" is the default value
	Data  []byte
}

// Apply makes all changes to the hive b, after recovery from its logs, and
// returns the bytes of the new hive, as many as b has. The first change that
// fails ends it; then there is no new hive.
func Apply(b []byte, logs [][]byte, changes []Change) ([]byte, Residue, error) {
	e, err := Edit(b, logs...)
	if err != nil {
		return nil, Residue{}, err
	}
	for _, c := range changes {
		if err := e.Change(c); err != nil {
			return nil, Residue{}, err
		}
	}
	return e.Finish()
}

// Change makes one change.
func (e *Editor) Change(c Change) error {
	switch c.Op {
	case DeleteValue:
		return e.DeleteValue(c.Key, c.Value)
	case DeleteKey:
		return e.DeleteKey(c.Key)
	case SetValue:
		return e.SetValue(c.Key, c.Value, c.Data)
	case ZeroValue:
		return e.ZeroValue(c.Key, c.Value)
	}
	return fmt.Errorf("%w: operation %q", ErrCannot, c.Op)
}
