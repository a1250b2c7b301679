package cloudconfig

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"assay/internal/binread"
)

// Bounds on what one user data may cost.
const (
	maxUnpacked = 4 << 20 // bytes of one part; ECS takes 32 KiB of user data
	maxParts    = 256
	maxDepth    = 8 // archives inside each other
)

// A Kind is what cloud-init does with a part, by its first line. See
// cloudinit/handlers/__init__.py, INCLUSION_TYPES_MAP.
type Kind string

// The kinds.
const (
	CloudConfig Kind = "cloud-config"
	Script      Kind = "script"  // starts with "#!"
	Include     Kind = "include" // a list of URLs
	Boothook    Kind = "boothook"
	Other       Kind = ""
)

// A Part is one piece of user data. Line is where its body starts in what was
// given, 0 when it was packed and lines mean nothing.
type Part struct {
	Kind Kind
	Body []byte
	Line int
}

var kinds = []struct {
	start string
	kind  Kind
}{
	{"#cloud-config-archive", Other}, {"#cloud-config", CloudConfig}, {"#!", Script}, {"#include", Include}, {"#cloud-boothook", Boothook}, {"## template: jinja", CloudConfig}, {"## template:jinja", CloudConfig},
}

func kindOf(b []byte) Kind {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\r\n")
	for _, k := range kinds {
		if bytes.HasPrefix(b, []byte(k.start)) {
			return k.kind
		}
	}
	return Other
}

// Parts takes user data apart. Beside an error it returns what came before.
func Parts(b []byte) ([]Part, error) {
	s := splitter{}
	err := s.add(b, "", 1, 0)
	return s.out, err
}

type splitter struct{ out []Part }

// add unwraps b and appends what is in it; mimeType is what the archive around
// it says, line where b starts, 0 when that is not known.
func (s *splitter) add(b []byte, mimeType string, line, depth int) error {
	if len(s.out) >= maxParts || depth > maxDepth {
		return binread.Errorf("user-data", -1, "too many parts, or too deep inside each other")
	}
	switch {
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return binread.Errorf("user-data", 0, "not valid gzip")
		}
		plain, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
		if len(plain) > maxUnpacked {
			return binread.Errorf("user-data", 0, "more than %d bytes when unpacked", maxUnpacked)
		}
		if aerr := s.add(plain, mimeType, 0, depth+1); aerr != nil || err == nil {
			return aerr
		}
		return binread.Errorf("user-data", 0, "gzip ends early")
	case archive(b):
		return s.archive(b, line, depth)
	}
	k := kindOf(b)
	if k == Other && strings.HasSuffix(mimeType, "cloud-config") {
		k = CloudConfig
	}
	if k == Other && strings.Contains(mimeType, "shellscript") {
		k = Script
	}
	if k == Other && depth < maxDepth {
		if plain, ok := decode64(b); ok {
			return s.add(plain, mimeType, 0, depth+1)
		}
	}
	if len(bytes.TrimSpace(b)) > 0 {
		s.out = append(s.out, Part{k, b, line})
	}
	return nil
}

func archive(b []byte) bool {
	head := strings.ToLower(string(b[:min(len(b), 512)]))
	return strings.HasPrefix(head, "content-type: multipart/") || strings.HasPrefix(head, "mime-version:") || strings.HasPrefix(head, "from nobody ")
}

func decode64(b []byte) ([]byte, bool) {
	t := bytes.Join(bytes.Fields(b), nil)
	if len(t) < 16 || len(t)%4 != 0 || len(t) > maxUnpacked {
		return nil, false
	}
	plain, err := base64.StdEncoding.DecodeString(string(t))
	if err != nil || kindOf(plain) == Other && !archive(plain) && !bytes.HasPrefix(plain, []byte("\x1f\x8b")) {
		return nil, false
	}
	return plain, true
}

func (s *splitter) archive(b []byte, line, depth int) error {
	if bytes.HasPrefix(bytes.ToLower(b[:min(len(b), 12)]), []byte("from nobody ")) { // an mbox line in front
		_, b, _ = bytes.Cut(b, []byte{'\n'})
	}
	r := bufio.NewReader(bytes.NewReader(b))
	h, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return binread.Errorf("user-data", 0, "not a valid MIME header")
	}
	typ, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(typ, "multipart/") || params["boundary"] == "" {
		body, _ := io.ReadAll(io.LimitReader(r, maxUnpacked))
		return s.add(transfer(h, body), typ, 0, depth+1)
	}
	m := multipart.NewReader(r, params["boundary"])
	at := 0 // where the search for a part's body goes on
	for {
		p, err := m.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return binread.Errorf("user-data", 0, "not a valid MIME archive")
		}
		body, err := io.ReadAll(io.LimitReader(p, maxUnpacked))
		if err != nil {
			return binread.Errorf("user-data", 0, "the MIME archive ends early")
		}
		where := 0
		if i := bytes.Index(b[at:], body); line > 0 && i >= 0 && len(body) > 0 {
			where = line + bytes.Count(b[:at+i], []byte{'\n'})
			at += i
		}
		plain := transfer(textproto.MIMEHeader(p.Header), body)
		if !bytes.Equal(plain, body) {
			where = 0
		}
		pt, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err := s.add(plain, pt, where, depth+1); err != nil {
			return err
		}
	}
}

// transfer undoes the encoding that a MIME header names; what cannot be
// undone stays as it is.
func transfer(h textproto.MIMEHeader, b []byte) []byte {
	if strings.EqualFold(strings.TrimSpace(h.Get("Content-Transfer-Encoding")), "base64") {
		if plain, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(b), nil))); err == nil {
			return plain
		}
	}
	return b
}
