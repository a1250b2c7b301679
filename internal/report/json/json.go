// Package json writes the stream as JSON Lines: one message a line. It is the
// one format that loses nothing; any other can be made of it with "assay render".
//
// In: messages. Out: lines on a writer. May touch: that writer. Never: keeps a
// message, escapes HTML, writes a secret (messages hold none).
// Next room: whoever reads the file.
package json

import (
	"encoding/json"
	"io"

	"assay/internal/report"
)

// New makes a handler that writes to w. Progress is left out unless asked for.
func New(w io.Writer, progress bool) report.Handler {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &handler{e, progress}
}

type handler struct {
	e        *json.Encoder
	progress bool
}

func (h *handler) Handle(m report.Message) error {
	if m.Progress != nil && !h.progress {
		return nil
	}
	return h.e.Encode(m)
}

func (h *handler) Close() error { return nil }
