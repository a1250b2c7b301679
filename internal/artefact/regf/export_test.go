package regf

// Bytes are those of the hive after recovery.
func (h *Hive) Bytes() []byte { return h.b }
