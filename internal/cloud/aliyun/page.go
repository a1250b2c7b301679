package aliyun

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"assay/internal/cloud"
)

// maxPages bounds a listing: a million entries in pages of 100.
const maxPages = 10_000

// Pages calls yield with every page of a listing in order; see cloud.Pager.
func (c *Client) Pages(ctx context.Context, r cloud.Request, yield func(page json.RawMessage) error) error {
	return Pages(ctx, c, r, yield)
}

// Pages walks a listing through any Caller, in the style that Table knows for
// it, with the largest pages that the service gives.
func Pages(ctx context.Context, caller cloud.Caller, r cloud.Request, yield func(page json.RawMessage) error) error {
	p, ok := paging(r)
	if !ok {
		return unknown(r)
	}
	w := walk{paging: p, seen: map[string]bool{}}
	params := maps.Clone(r.Params)
	if params == nil {
		params = map[string]string{}
	}
	w.first(params)
	for n := 1; ; n++ {
		r.Params = maps.Clone(params)
		page, err := caller.Call(ctx, r)
		if err != nil {
			return err
		}
		more, err := w.next(page, params)
		if err != nil {
			return &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Code: CodePaging, Message: err.Error()}
		}
		if err := yield(page); err != nil {
			return err
		}
		if !more {
			return nil
		}
		if n == maxPages {
			return &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Code: CodePaging, Message: fmt.Sprintf("the listing has more than %d pages", maxPages)}
		}
	}
}

// Items is Pages for the single entries.
func Items(ctx context.Context, caller cloud.Caller, r cloud.Request, yield func(item json.RawMessage) error) error {
	p, ok := paging(r)
	if !ok || p.Items == "" {
		return unknown(r)
	}
	return Pages(ctx, caller, r, func(page json.RawMessage) error {
		list, err := dig(page, p.Items)
		if err != nil {
			return &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Code: CodeBroken, Message: err.Error()}
		}
		for _, item := range list {
			if err := yield(item); err != nil {
				return err
			}
		}
		return nil
	})
}

func paging(r cloud.Request) (Paging, bool) {
	for _, a := range Table() {
		if a.Product == r.Product && a.Action == r.Action {
			return a.Paging, true
		}
	}
	return Paging{}, false
}

// dig finds the list at a path: "Images.Image". A list that is absent is
// empty: the services leave out what they have none of.
func dig(page json.RawMessage, path string) ([]json.RawMessage, error) {
	for name := range strings.SplitSeq(path, ".") {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(page, &o); err != nil {
			return nil, fmt.Errorf("no object holds %s: %w", path, err)
		}
		if page = o[name]; page == nil || bytes.Equal(page, []byte("null")) {
			return nil, nil
		}
	}
	var list []json.RawMessage
	if err := json.Unmarshal(page, &list); err != nil {
		return nil, fmt.Errorf("%s is no list: %w", path, err)
	}
	return list, nil
}

// A walk is a listing on its way.
type walk struct {
	paging Paging
	seen   map[string]bool // tokens that were given
	number int
	got    int // entries so far
	last   json.RawMessage
}

// first asks for the first page.
func (w *walk) first(params map[string]string) {
	size := strconv.Itoa(w.paging.Most)
	switch w.paging.Style {
	case Number:
		w.number = 1
		params["PageNumber"], params["PageSize"] = "1", size
	case Token:
		params["MaxResults"] = size
	case Marker:
		params["MaxItems"] = size
	}
}

// more is what an answer tells of the pages that follow.
type more struct {
	NextToken   string
	TotalCount  int
	IsTruncated bool
	Marker      string
	Invocation  struct{ NextToken string } // DescribeInvocationResults nests it
}

// next reads what comes after a page and asks for it.
func (w *walk) next(page json.RawMessage, params map[string]string) (bool, error) {
	if w.paging.Style == Whole {
		return false, nil
	}
	var m more
	if err := json.Unmarshal(page, &m); err != nil {
		return false, err
	}
	switch w.paging.Style {
	case Number:
		return w.turn(page, m, params)
	case Token:
		if m.NextToken == "" {
			m.NextToken = m.Invocation.NextToken
		}
		return w.follow("NextToken", m.NextToken, params)
	}
	if !m.IsTruncated {
		return false, nil
	}
	if m.Marker == "" {
		return false, fmt.Errorf("the listing is truncated and names no marker")
	}
	return w.follow("Marker", m.Marker, params)
}

// follow asks for what a token names; a token that was there before would go
// round for ever.
func (w *walk) follow(name, token string, params map[string]string) (bool, error) {
	if token == "" {
		return false, nil
	}
	if w.seen[token] {
		return false, fmt.Errorf("the listing goes round: its %s came before", name)
	}
	w.seen[token] = true
	params[name] = token
	return true, nil
}

// turn asks for the next numbered page. The total is asked for anew on every
// page, because things come and go meanwhile; an empty page ends the walk.
func (w *walk) turn(page json.RawMessage, m more, params map[string]string) (bool, error) {
	list, err := dig(page, w.paging.Items)
	if err != nil {
		return false, err
	}
	if len(list) > 0 && bytes.Equal(list[0], w.last) {
		return false, fmt.Errorf("page %d is page %d again", w.number, w.number-1)
	}
	w.got += len(list)
	if len(list) == 0 || w.got >= m.TotalCount {
		return false, nil
	}
	w.last = list[0]
	w.number++
	params["PageNumber"] = strconv.Itoa(w.number)
	return true, nil
}
