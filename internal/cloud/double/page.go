package double

import (
	"strconv"
	"strings"
)

// numbered cuts one page out of a list of n, in the style of PageNumber and
// PageSize, and fills in what such an answer tells of itself.
func numbered(c *call, n, otherwise, most int, out obj) (from, to int, f *fail) {
	page, size := c.num("PageNumber", 1), c.num("PageSize", otherwise)
	if page < 1 {
		return 0, 0, invalid("PageNumber", c.p["PageNumber"])
	}
	if size < 1 || size > most {
		return 0, 0, invalid("PageSize", c.p["PageSize"])
	}
	out["PageNumber"], out["PageSize"], out["TotalCount"] = page, size, n
	if page > n/size+1 {
		return n, n, nil
	}
	from = min((page-1)*size, n)
	return from, min(from+size, n), nil
}

// tokened cuts one page in the style of NextToken and MaxResults.
func tokened(c *call, n, otherwise, most int, out obj) (from, to int, f *fail) {
	size := c.num("MaxResults", otherwise)
	if size < 1 || size > most {
		return 0, 0, invalid("MaxResults", c.p["MaxResults"])
	}
	if t := c.p["NextToken"]; t != "" {
		if from, f = place(t, "t-", n, "NextToken"); f != nil {
			return 0, 0, f
		}
	}
	to = min(from+size, n)
	out["NextToken"] = ""
	if to < n {
		out["NextToken"] = "t-" + strconv.Itoa(to)
	}
	return from, to, nil
}

// either is for listings that know both styles: a token, or the wish for one,
// chooses it.
func either(c *call, n, most int, out obj) (from, to int, f *fail) {
	if c.p["NextToken"] != "" || c.p["MaxResults"] != "" {
		if from, to, f = tokened(c, n, 10, most, out); f == nil {
			out["TotalCount"], out["PageNumber"], out["PageSize"] = n, 1, to-from
		}
		return from, to, f
	}
	out["NextToken"] = ""
	return numbered(c, n, 10, most, out)
}

// marked cuts one page in RAM's style: Marker and MaxItems, at most 1,000.
func marked(c *call, n int, out obj) (from, to int, f *fail) {
	size := c.num("MaxItems", 100)
	if size < 1 || size > 1000 {
		return 0, 0, invalid("MaxItems", c.p["MaxItems"])
	}
	if m := c.p["Marker"]; m != "" {
		if from, f = place(m, "m-", n, "Marker"); f != nil {
			return 0, 0, f
		}
	}
	to = min(from+size, n)
	out["IsTruncated"] = to < n
	if to < n {
		out["Marker"] = "m-" + strconv.Itoa(to)
	}
	return from, to, nil
}

// place reads a token of ours: a prefix and where in the list of n to go on.
func place(token, prefix string, n int, name string) (int, *fail) {
	text, ours := strings.CutPrefix(token, prefix)
	at, err := strconv.Atoi(text)
	if !ours || err != nil || at < 0 || at > n {
		return 0, refuse(400, "InvalidParameter."+name, "The specified "+name+" is invalid.")
	}
	return at, nil
}

// some maps a part of a list, never to null.
func some[T any](list []T, from, to int, f func(T) obj) []obj {
	out := make([]obj, 0, to-from)
	for _, x := range list[from:to] {
		out = append(out, f(x))
	}
	return out
}

// filter keeps what fulfils keep, in order.
func filter[T any](list []T, keep func(T) bool) []T {
	var out []T
	for _, x := range list {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}
