package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"assay/finding"
)

// A Paging says how a list is walked.
type Paging int

// The styles of the RPC APIs.
const (
	Whole    Paging = iota // one answer holds everything
	ByNumber               // PageNumber, PageSize, TotalCount
	ByToken                // NextToken, MaxResults
	ByMarker               // Marker, MaxItems, IsTruncated
)

// An API is one reading call, as data.
type API struct {
	Product string // as in Request
	Action  string
	Paging  Paging
	Size    int    // entries a page: the most that the service gives
	Items   string // member of the answer that holds the list; "" for no list
	Free    bool   // needs no permission
}

// Needs is the permission that a caller needs, "" for none.
func (a API) Needs() string {
	if a.Free {
		return ""
	}
	return a.Product + ":" + a.Action
}

// Bounds of one list: what is beyond is no account but a loop.
const (
	maxItems = 2_000_000
	maxPages = 20_000
)

// A page is what all styles of paging tell, as far as they tell it.
type page struct {
	TotalCount  flexInt
	NextToken   string
	Marker      string
	IsTruncated bool
}

// Each calls each for every entry of a list, page after page. Params are those
// of the call besides paging. A token that comes back, a page that never ends
// and an answer that is no list are errors.
func (a API) Each(ctx context.Context, c Caller, region string, params map[string]string, each func(json.RawMessage) error) error {
	r := Request{Product: a.Product, Action: a.Action, Region: region, Params: map[string]string{}}
	for k, v := range params {
		r.Params[k] = v
	}
	seen := map[string]bool{}
	total := 0
	var first json.RawMessage // of the page before
	for n := 1; n <= maxPages; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		a.ask(r.Params, n)
		p, items, err := a.fetch(ctx, c, r)
		if err != nil {
			return err
		}
		if total += len(items); total > maxItems {
			break
		}
		if a.Paging == ByNumber && len(items) > 0 {
			if bytes.Equal(items[0], first) {
				return a.endless(region, "page %d is page %d again", n, n-1)
			}
			first = items[0]
		}
		for _, it := range items {
			if err := each(it); err != nil {
				return err
			}
		}
		token, more := a.next(p, total, len(items))
		if a.Paging == ByMarker && p.IsTruncated && p.Marker == "" {
			return a.endless(region, "the list is cut, and its answer names no marker to go on from")
		}
		if !more {
			return nil
		}
		if token != "" && seen[token] {
			return a.endless(region, "the page token %.40q came twice: the list has no end", token)
		}
		seen[token] = true
		a.follow(r.Params, token)
	}
	return a.endless(region, "no end after %d entries", total)
}

// CodePaging is the Code of an Error for a list that cannot be walked to its
// end.
const CodePaging = "assay.Paging"

func (a API) endless(region, format string, args ...any) error {
	return &Error{Product: a.Product, Action: a.Action, Region: region, Code: CodePaging, Message: fmt.Sprintf(format, args...),
		Hint: finding.T("the list could not be read to its end; what was read is used. Try again, and tell the service if it stays so", "列表未能完整读取，已读取的部分仍会使用。请重试；如仍如此，请联系云服务")}
}

// Get makes one call that has no pages and decodes the answer into out.
func (a API) Get(ctx context.Context, c Caller, region string, params map[string]string, out any) error {
	b, err := c.Call(ctx, Request{Product: a.Product, Action: a.Action, Region: region, Params: params})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s:%s: the answer is not as documented: %w", a.Product, a.Action, err)
	}
	return nil
}

// ask writes the parameters of the n-th page.
func (a API) ask(params map[string]string, n int) {
	size := strconv.Itoa(a.Size)
	switch a.Paging {
	case ByNumber:
		params["PageNumber"], params["PageSize"] = strconv.Itoa(n), size
	case ByToken:
		params["MaxResults"] = size
	case ByMarker:
		params["MaxItems"] = size
	}
}

// next tells whether there is a further page, and by which token. The total is
// read anew on every page, because things come and go meanwhile, and pages may
// be shorter than asked for: only an empty one, or the total, ends the walk.
func (a API) next(p page, total, got int) (token string, more bool) {
	switch a.Paging {
	case ByNumber:
		return "", got > 0 && total < int(p.TotalCount)
	case ByToken:
		return p.NextToken, p.NextToken != ""
	case ByMarker:
		return p.Marker, p.IsTruncated && p.Marker != ""
	}
	return "", false
}

func (a API) follow(params map[string]string, token string) {
	switch a.Paging {
	case ByToken:
		params["NextToken"] = token
	case ByMarker:
		params["Marker"] = token
	}
}

func (a API) fetch(ctx context.Context, c Caller, r Request) (page, []json.RawMessage, error) {
	var p page
	b, err := c.Call(ctx, r)
	if err != nil {
		return p, nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return p, nil, fmt.Errorf("%s:%s: the answer is no JSON object: %w", a.Product, a.Action, err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, nil, fmt.Errorf("%s:%s: %w", a.Product, a.Action, err)
	}
	items, err := list(all[a.Items])
	if err != nil {
		return p, nil, fmt.Errorf("%s:%s: %s: %w", a.Product, a.Action, a.Items, err)
	}
	return p, items, nil
}

// list reads a list. Older APIs wrap it: {"Images": {"Image": […]}}; newer ones
// do not. A list that is absent is empty.
func list(b json.RawMessage) ([]json.RawMessage, error) {
	if len(b) == 0 || string(b) == "null" {
		return nil, nil
	}
	var out []json.RawMessage
	if b[0] == '[' {
		return out, json.Unmarshal(b, &out)
	}
	var wrap map[string]json.RawMessage
	if err := json.Unmarshal(b, &wrap); err != nil {
		return nil, err
	}
	for _, inner := range wrap {
		if len(inner) > 0 && inner[0] == '[' {
			return out, json.Unmarshal(inner, &out)
		}
	}
	if len(wrap) == 0 {
		return nil, nil
	}
	return nil, fmt.Errorf("no list in it")
}

// flexInt is a number that some APIs write as a string.
type flexInt int64

func (f *flexInt) UnmarshalJSON(b []byte) error {
	s := unquote(b)
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	*f = flexInt(n)
	return err
}

// flexBool is a boolean that some APIs write as a string ("True").
type flexBool bool

func (f *flexBool) UnmarshalJSON(b []byte) error {
	s := unquote(b)
	if s == "" {
		return nil
	}
	v, err := strconv.ParseBool(s)
	*f = flexBool(v)
	return err
}

// flexText is a string that some APIs write as a number (an account's ID).
type flexText string

func (f *flexText) UnmarshalJSON(b []byte) error {
	*f = flexText(unquote(b))
	return nil
}

// unquote is the text of a scalar; "" for null.
func unquote(b []byte) string {
	if len(b) > 0 && b[0] == '"' {
		var s string
		_ = json.Unmarshal(b, &s) // a decoder hands over valid JSON only
		return s
	}
	if string(b) == "null" {
		return ""
	}
	return string(b)
}
