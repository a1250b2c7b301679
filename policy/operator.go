package policy

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A family is a group of operators that compare the same type of value.
type family int

const (
	strings_ family = iota + 1
	numbers
	dates
	booleans
	addresses
)

// An operator is one condition operator of the language.
type operator struct {
	name   string
	family family
	negate bool // matches when no value does
	fold   bool
	like   bool
	orders [3]bool // for numbers and dates: which of less, equal, greater match
}

var (
	less, equal, greater   = [3]bool{true, false, false}, [3]bool{false, true, false}, [3]bool{false, false, true}
	lessEqual, greaterThan = [3]bool{true, true, false}, [3]bool{false, true, true}
)

// operators is the complete list. There is no Null, no …IfExists and no set
// operator (ForAnyValue, ForAllValues): the service refuses a document with one.
var operators = []operator{
	{name: "StringEquals", family: strings_},
	{name: "StringNotEquals", family: strings_, negate: true},
	{name: "StringEqualsIgnoreCase", family: strings_, fold: true},
	{name: "StringNotEqualsIgnoreCase", family: strings_, fold: true, negate: true},
	{name: "StringLike", family: strings_, like: true},
	{name: "StringNotLike", family: strings_, like: true, negate: true},
	{name: "NumericEquals", family: numbers, orders: equal},
	{name: "NumericNotEquals", family: numbers, orders: equal, negate: true},
	{name: "NumericLessThan", family: numbers, orders: less},
	{name: "NumericLessThanEquals", family: numbers, orders: lessEqual},
	{name: "NumericGreaterThan", family: numbers, orders: greater},
	{name: "NumericGreaterThanEquals", family: numbers, orders: greaterThan},
	{name: "DateEquals", family: dates, orders: equal},
	{name: "DateNotEquals", family: dates, orders: equal, negate: true},
	{name: "DateLessThan", family: dates, orders: less},
	{name: "DateLessThanEquals", family: dates, orders: lessEqual},
	{name: "DateGreaterThan", family: dates, orders: greater},
	{name: "DateGreaterThanEquals", family: dates, orders: greaterThan},
	{name: "Bool", family: booleans},
	{name: "IpAddress", family: addresses},
	{name: "NotIpAddress", family: addresses, negate: true},
}

func findOperator(name string) *operator {
	for i := range operators {
		if operators[i].name == name {
			return &operators[i]
		}
	}
	return nil
}

// A Match is a three-valued truth.
type Match int8

// The truths.
const (
	No Match = iota
	Maybe
	Yes
)

func (m Match) not() Match { return Yes - m }

// An operand is a condition's value, made ready once.
type operand struct {
	text     string
	variable bool
	valid    bool // it has the operator's type
	glob     glob
	number   number64
	prefix   netip.Prefix
}

func (o *operator) operand(v string) operand {
	x := operand{text: v, variable: strings.Contains(v, "${"), valid: true}
	switch o.family {
	case strings_:
		if o.like {
			x.glob = compile(v, false)
		}
	case numbers:
		x.number, x.valid = parseNumber(v)
	case dates:
		x.number, x.valid = parseDate(v)
	case booleans:
		x.valid = v == "true" || v == "false"
	case addresses:
		x.prefix, x.valid = parsePrefix(v)
	}
	return x
}

// test compares a value of the request with the operator's values, which are
// alternatives, and then applies the negation: NOT of any.
func (o *operator) test(have string, want []operand) (Match, Why) {
	m, why := o.any(have, want)
	if o.negate {
		m = m.not()
	}
	return m, why
}

func (o *operator) any(have string, want []operand) (Match, Why) {
	var num number64
	var addr netip.Addr
	ok := true
	switch o.family {
	case numbers:
		num, ok = parseNumber(have)
	case dates:
		num, ok = parseDate(have)
	case booleans:
		ok = have == "true" || have == "false"
	case addresses:
		a, err := netip.ParseAddr(have)
		addr, ok = a.Unmap(), err == nil
	}
	if !ok {
		return Maybe, WhyType
	}
	best, why := No, WhyNone
	for i := range want {
		w := &want[i]
		switch {
		case w.variable:
			best, why = Maybe, WhyVariable
		case !w.valid:
			best, why = Maybe, WhyType
		case o.one(have, num, addr, w):
			return Yes, WhyNone
		}
	}
	return best, why
}

func (o *operator) one(have string, num number64, addr netip.Addr, w *operand) bool {
	switch o.family {
	case strings_:
		switch {
		case o.like:
			return w.glob.match(have)
		case o.fold:
			return strings.EqualFold(have, w.text)
		}
		return have == w.text
	case numbers, dates:
		return o.orders[num.compare(w.number)+1]
	case booleans:
		return have == w.text
	}
	return w.prefix.Contains(addr)
}

// A number64 is an integer where that is exact (account IDs have 16 digits and
// more), else a floating-point number.
type number64 struct {
	i       int64
	f       float64
	integer bool
}

func (a number64) compare(b number64) int {
	if a.integer && b.integer {
		return cmpOf(a.i < b.i, a.i > b.i)
	}
	return cmpOf(a.f < b.f, a.f > b.f)
}

func cmpOf(less, greater bool) int {
	switch {
	case less:
		return -1
	case greater:
		return 1
	}
	return 0
}

// parseNumber reads a decimal number; no hexadecimal, no infinity.
func parseNumber(s string) (number64, bool) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
		return number64{i, float64(i), true}, true
	}
	if !number(s) {
		return number64{}, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return number64{f: f}, err == nil && !math.IsInf(f, 0)
}

// parseDate reads ISO 8601 as the service documents it: 2012-11-11T23:59:59Z,
// or with an offset from UTC.
func parseDate(s string) (number64, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return number64{}, false
	}
	return number64{i: t.Unix(), f: float64(t.Unix()), integer: true}, true
}

// parsePrefix reads an address or a CIDR block; bits after the prefix do not
// count.
func parsePrefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
