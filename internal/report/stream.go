package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLine bounds one message of a stored stream.
const MaxLine = 16 << 20

// Tee hands every message to each handler, and closes them all.
func Tee(hs ...Handler) Handler { return tee(hs) }

type tee []Handler

func (t tee) Handle(m Message) error {
	var errs []error
	for _, h := range t {
		errs = append(errs, h.Handle(m))
	}
	return errors.Join(errs...)
}

func (t tee) Close() error {
	var errs []error
	for _, h := range t {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

// Decode reads a stored stream and hands each message to h, which it does not
// close. It stops at the first line that is no message and names it.
func Decode(r io.Reader, h Handler) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), MaxLine)
	n := 0
	for s.Scan() {
		n++
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 {
			continue
		}
		var m Message
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&m); err != nil {
			return fmt.Errorf("line %d is not a message of assay: %w", n, err)
		}
		if m.fields() != 1 {
			return fmt.Errorf("line %d is not a message of assay: it has %d keys, one is wanted", n, m.fields())
		}
		if err := h.Handle(m); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("after line %d: %w", n, err)
	}
	return nil
}

func (m Message) fields() (n int) {
	for _, set := range []bool{m.Config != nil, m.Inventory != nil, m.Progress != nil, m.Finding != nil,
		m.Gap != nil, m.Action != nil, m.Verdict != nil} {
		if set {
			n++
		}
	}
	return n
}
