package xfs

import (
	"encoding/binary"
	"errors"
)

const (
	// Flags of struct xlog_op_header.
	opStart    = 0x01
	opCommit   = 0x02
	opContinue = 0x04
	opWasCont  = 0x08
	opEnd      = 0x10

	clientTransaction = 0x69
	clientLog         = 0xaa

	opHeader    = 12         // struct xlog_op_header
	transHeader = 16         // struct xfs_trans_header
	transMagic  = 0x5452414e // "TRAN"
	maxRegions  = 1 << 14    // of one item; XLOG_MAX_REGIONS_IN_ITEM is 65536/128*2+1
	maxOpen     = 1 << 12    // transactions at once
	maxPending  = 128 << 20  // bytes of transactions that have not committed
	regionCost  = 64         // bytes in memory of a region besides its data
	maxKept     = 1 << 20    // cancelled buffers, intents and extents that they free
)

var (
	le = binary.LittleEndian

	errLogMemory = errors.New("xfs: the log's unfinished transactions are more than what is kept in memory")
)

// A transaction collects the items of one checkpoint until it commits.
type transaction struct {
	lsn    uint64 // of the record in which it began: the age of its items
	header []byte
	items  []*item
	bytes  int
}

// An item is one logged change: regions[0] describes it.
type item struct {
	total   int
	regions [][]byte
}

func (it *item) typ() uint16  { return le.Uint16(it.regions[0]) }
func (it *item) full() bool   { return it.total > 0 && it.total == len(it.regions) }
func (it *item) desc() []byte { return it.regions[0] }

// run replays everything between the tail and the head, in the kernel's two
// passes: the first learns which buffers were freed (cancelled), the second
// applies the rest.
func (r *replayer) run(ends logEnds) error {
	if r.fs.logIncompat&^logIncompatXattrs != 0 {
		return r.log.bad(0, "log feature bits %#x are not supported", r.fs.logIncompat)
	}
	for _, pass := range []func(*transaction) error{r.learn, r.apply} {
		clear(r.open)
		r.pending = 0
		r.commit = pass
		for at := ends.tail; at != ends.head; {
			h, err := r.log.header(at)
			if err != nil {
				return err
			}
			if h.blocks() > r.log.distance(at, ends.head) {
				return r.log.bad(at, "a record reaches over the head of the log")
			}
			if err := r.record(h); err != nil {
				return err
			}
			at = (at + h.blocks()) % r.log.n
		}
	}
	r.report()
	return nil
}

// record takes the operations of one record (xlog_recover_process_data).
func (r *replayer) record(h *recordHeader) error {
	b, good, err := r.log.data(h)
	if err != nil {
		return err
	}
	if !good && (h.sum != 0 || r.fs.v5) {
		return r.log.bad(h.at, "bad checksum of a record")
	}
	if !h.littleOp {
		return r.log.bad(h.at, "written by a big-endian machine: not supported")
	}
	if string(h.raw[304:320]) != string(r.fs.uuid[:]) {
		return r.log.bad(h.at, "a record of another file system")
	}
	for ops := h.ops; len(b) > 0 && ops > 0; ops-- {
		if len(b) < opHeader {
			return r.log.bad(h.at, "an operation ends outside of its record")
		}
		tid, n, client, flags := be.Uint32(b), be.Uint32(b[4:]), b[8], b[9]
		b = b[opHeader:]
		if uint64(n) > uint64(len(b)) || client != clientTransaction && client != clientLog {
			return r.log.bad(h.at, "an impossible operation of %d bytes", n)
		}
		if err := r.op(h, tid, flags, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// op adds one operation to its transaction (xlog_recovery_process_trans).
func (r *replayer) op(h *recordHeader, tid uint32, flags byte, data []byte) error {
	t := r.open[tid]
	if t == nil {
		if flags&opStart != 0 {
			if len(r.open) >= maxOpen {
				return errLogMemory
			}
			r.open[tid] = &transaction{lsn: h.lsn}
		}
		return nil // the rest of a transaction that is older than the tail
	}
	flags &^= opEnd
	if flags&opWasCont != 0 {
		flags &^= opContinue
	}
	r.pending += len(data) + regionCost
	t.bytes += len(data) + regionCost
	if r.pending > maxPending {
		return errLogMemory
	}
	ok := true
	switch flags {
	case 0, opContinue:
		ok = t.add(data)
	case opWasCont:
		ok = t.extend(data)
	case opCommit, opUnmount:
		delete(r.open, tid)
		r.pending -= t.bytes
		if flags == opCommit {
			return r.commit(t)
		}
	default:
		ok = false
	}
	if !ok {
		return r.log.bad(h.at, "a malformed transaction %#x", tid)
	}
	return nil
}

// add takes a new region: the transaction header first, then items.
func (t *transaction) add(data []byte) bool {
	if len(data) == 0 {
		return true
	}
	if len(t.header) == 0 {
		t.header = append(t.header, data...)
		return len(data) <= transHeader && len(data) >= 4 && le.Uint32(data) == transMagic
	}
	if n := len(t.items); n == 0 || t.items[n-1].full() {
		t.items = append(t.items, &item{})
	}
	it := t.items[len(t.items)-1]
	if it.total == 0 {
		if len(data) < 4 {
			return false
		}
		it.total = int(le.Uint16(data[2:])) // xxx_size is the second field of every description
		if it.total == 0 || it.total > maxRegions {
			return false
		}
	}
	it.regions = append(it.regions, append([]byte(nil), data...))
	return true
}

// extend continues the last region, which a record's end had cut.
func (t *transaction) extend(data []byte) bool {
	n := len(t.items)
	if n == 0 {
		t.header = append(t.header, data...)
		return len(t.header) <= transHeader
	}
	it := t.items[n-1]
	k := len(it.regions) - 1
	it.regions[k] = append(it.regions[k], data...)
	return true
}
