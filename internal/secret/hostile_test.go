package secret

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"assay/internal/need"
)

// TestRepeatedKeywords: bytes made of nothing but one keyword cost a bounded
// number of tries, and the stream says that not all were made.
func TestRepeatedKeywords(t *testing.T) {
	e, err := NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	s := e.NewScanner()
	tooMuch := 0
	start := need.CPU()
	for _, w := range []string{"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "LTAI", "AKIA", "eyJ", "password=", "-----BEGIN RSA PRIVATE KEY-----", "://", "auth", "secret"} {
		b := bytes.Repeat([]byte(w), (256<<10)/len(w))
		err := s.Scan(context.Background(), Source{Path: "x.txt", Size: int64(len(b))}, bytes.NewReader(b), func(Candidate) {})
		if errors.Is(err, ErrTooMuch) {
			tooMuch++
		} else if err != nil {
			t.Errorf("%q: %v", w, err)
		}
		t.Logf("%q: %v, %v", w, need.CPU()-start, err)
	}
	if tooMuch == 0 {
		t.Error("no stream was too much: the bound is not tested")
	}
	if d := need.CPU() - start; d > 3*time.Minute {
		t.Errorf("took %v", d)
	}
}
