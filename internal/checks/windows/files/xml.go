package files

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
)

// maxElements bounds one XML file.
const maxElements = 200_000

// utf8Text turns a file that Windows wrote in UTF-16, or in UTF-8 with a mark,
// into plain UTF-8.
func utf8Text(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	u := make([]uint16, (len(b)-2)/2)
	for i := range u {
		u[i] = order.Uint16(b[2+2*i:])
	}
	return []byte(string(utf16.Decode(u)))
}

// An element is one element of an XML file that has text or attributes.
type element struct {
	path string // names from the root in lower case, "/" between
	text string
	raw  []byte            // text as it comes
	attr map[string]string // names in lower case
	line int
}

// elements calls fn for each element of an XML file when it ends, until the
// file ends or breaks; it returns the error of a broken one.
func elements(b []byte, fn func(element)) error {
	b = utf8Text(b)
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // decoded above
	var open []element
	for n := 0; n < maxElements; n++ {
		tok, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			e := element{path: strings.ToLower(tok.Name.Local), attr: map[string]string{}}
			e.line, _ = d.InputPos()
			if len(open) > 0 {
				e.path = open[len(open)-1].path + "/" + e.path
			}
			for _, a := range tok.Attr {
				e.attr[strings.ToLower(a.Name.Local)] = a.Value
			}
			if len(open) >= maxNested || len(e.path) > maxXMLPath {
				return errNested
			}
			open = append(open, e)
		case xml.CharData:
			if len(open) > 0 {
				e := &open[len(open)-1]
				e.raw = append(e.raw, tok[:min(len(tok), maxXMLText-len(e.raw))]...)
			}
		case xml.EndElement:
			if len(open) > 0 {
				e := open[len(open)-1]
				open = open[:len(open)-1]
				e.text = strings.TrimSpace(string(e.raw))
				fn(e)
			}
		}
	}
	return nil
}

// Bounds of elements within each other, of the names that lead to one, and of
// the text of one, in bytes.
const (
	maxNested  = 200
	maxXMLPath = 4096
	maxXMLText = 64 << 10
)

var errNested = errors.New("too many elements within each other")
