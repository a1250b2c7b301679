package xfs

// Types of log items, in the first 16 bits of their description.
const (
	itemEFI     = 0x1236 // extents to free: intents are even, the item that finishes one is next to it
	itemEFD     = 0x1237
	itemUnlink  = 0x1238
	itemInode   = 0x123b
	itemBuffer  = 0x123c
	itemDquot   = 0x123d
	itemQuota   = 0x123e
	itemICreate = 0x123f
)

// intentNames is every intent; its done item has the next number.
var intentNames = map[uint16]string{
	itemEFI: "extent free", 0x1240: "reverse map update", 0x1242: "reference count update", 0x1244: "block map update",
	0x1246: "attribute change", 0x1248: "mapping exchange", 0x124a: "realtime extent free",
	0x124c: "realtime reverse map update", 0x124e: "realtime reference count update",
}

// A bufferKey names a buffer as the log does: 512-byte address and length.
type bufferKey struct{ at, n int64 }

type intentKey struct {
	typ uint16
	id  uint64
}

// An intent is work that the kernel would finish after replay.
type intent struct{ frees []blockRun }

// A replayer applies the log to the overlay.
type replayer struct {
	fs      *FS
	log     *ring
	open    map[uint32]*transaction
	pending int // bytes in open
	commit  func(*transaction) error

	cancelled map[bufferKey]int // how often each buffer is still to be freed
	intents   map[intentKey]intent
	kept      int // intents and the extents that they free
}

func newReplayer(fs *FS, l *ring) *replayer {
	return &replayer{fs: fs, log: l, open: map[uint32]*transaction{}, cancelled: map[bufferKey]int{}, intents: map[intentKey]intent{}}
}

// learn is the first pass over a transaction: it counts cancelled buffers.
func (r *replayer) learn(t *transaction) error {
	for _, it := range t.items {
		if !it.full() {
			return r.log.bad(0, "an item with %d of %d regions", len(it.regions), it.total)
		}
		if it.typ() != itemBuffer {
			continue
		}
		f, err := r.bufferFormat(it)
		if err != nil {
			return err
		}
		if f.flags&bufferCancel != 0 {
			if r.cancelled[f.key]++; len(r.cancelled) > maxKept {
				return errLogMemory
			}
		}
	}
	return nil
}

// apply is the second pass: buffers, then everything else, then inode buffers
// (they carry the lists of deleted inodes), then cancellations
// (xlog_recover_reorder_trans).
func (r *replayer) apply(t *transaction) error {
	r.fs.log.Transactions++
	var order [4][]*item
	for _, it := range t.items {
		k := 1
		switch it.typ() {
		case itemICreate:
			k = 0
		case itemBuffer:
			f, err := r.bufferFormat(it)
			switch {
			case err != nil:
				return err
			case f.flags&bufferCancel != 0:
				k = 3
			case f.flags&bufferInodes != 0:
				k = 2
			default:
				k = 0
			}
		}
		order[k] = append(order[k], it)
	}
	for _, items := range order {
		for _, it := range items {
			if err := r.item(it, t.lsn); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *replayer) item(it *item, lsn uint64) error {
	typ := it.typ()
	switch typ {
	case itemBuffer:
		return r.buffer(it, lsn)
	case itemInode:
		return r.inode(it, lsn)
	case itemICreate:
		return r.createInodes(it)
	case itemDquot, itemQuota, itemUnlink: // quota is not read; 0x1238 is obsolete
		return nil
	}
	d := it.desc()
	if len(d) < 16 {
		return r.log.bad(0, "an item of type %#x with %d bytes", typ, len(d))
	}
	if _, ok := intentNames[typ]; ok {
		in := intent{frees: freedExtents(typ, d)}
		if r.kept += 1 + len(in.frees); r.kept > maxKept {
			return errLogMemory
		}
		r.intents[intentKey{typ, le.Uint64(d[8:])}] = in
		return nil
	}
	if _, ok := intentNames[typ-1]; ok {
		k := intentKey{typ - 1, le.Uint64(d[8:])}
		if in, ok := r.intents[k]; ok {
			r.kept -= 1 + len(in.frees)
			delete(r.intents, k)
		}
		return nil
	}
	return r.log.bad(0, "an item of unknown type %#x", typ)
}

// freedExtents decodes struct xfs_efi_log_format: extents of 16 bytes, or 12
// when a 32-bit machine wrote them.
func freedExtents(typ uint16, d []byte) []blockRun {
	n := int64(le.Uint32(d[4:]))
	if typ != itemEFI || n == 0 || n > int64(len(d)) {
		return nil
	}
	each := int64(len(d)-16) / n
	if each != 12 && each != 16 {
		return nil
	}
	var out []blockRun
	for e := d[16:]; int64(len(e)) >= each; e = e[each:] {
		out = append(out, blockRun{le.Uint64(e), uint64(le.Uint32(e[8:]))})
	}
	return out
}

// report leaves behind what was not finished.
func (r *replayer) report() {
	for k, in := range r.intents {
		if r.fs.log.Unfinished == nil {
			r.fs.log.Unfinished = map[string]int{}
		}
		r.fs.log.Unfinished[intentNames[k.typ]]++
		r.fs.log.frees = append(r.fs.log.frees, in.frees...)
	}
}
