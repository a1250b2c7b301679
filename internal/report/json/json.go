package json

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"assay/internal/report"
)

// New makes a handler that writes to w. Progress is left out unless asked for.
func New(w io.Writer, progress bool) report.Handler {
	e := json.NewEncoder(quiet{w})
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

// quiet writes JSON so that no terminal obeys it: encoding/json escapes C0
// controls only, and leaves DEL, the C1 controls (U+009B begins a sequence)
// and the marks that turn the direction of text around. All of these can only
// stand inside of strings.
type quiet struct{ w io.Writer }

func (q quiet) Write(b []byte) (int, error) {
	if !bytes.ContainsFunc(b, obeyed) {
		return q.w.Write(b)
	}
	out := make([]byte, 0, len(b)+64)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	if _, err := q.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// obeyed reports whether a terminal may act on r; all such runes are below
// U+10000, so that one escape is enough.
func obeyed(r rune) bool {
	return r >= 0x7f && r < 0xa0 || r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
