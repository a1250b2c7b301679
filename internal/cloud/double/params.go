package double

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed params.txt
var paramsText string

// An api is what the metadata says of one API.
type api struct {
	product string
	params  map[string]byte // by name with indices as N: 's', 'b', 'i' or 'n'
	needs   []string
}

// apis reads the table: by version, then action. Versions tell the products
// apart, because all of them are served at one address.
func apis(text string) map[string]map[string]*api {
	out := map[string]map[string]*api{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "#" {
			continue
		}
		a := &api{product: f[0], params: map[string]byte{}}
		for _, p := range f[3:] {
			p, required := strings.CutSuffix(p, "!")
			name, kind, typed := strings.Cut(p, ":")
			a.params[name] = 's'
			if typed {
				a.params[name] = kind[0]
			}
			if required {
				a.needs = append(a.needs, name)
			}
		}
		if out[f[1]] == nil {
			out[f[1]] = map[string]*api{}
		}
		out[f[1]][f[2]] = a
	}
	return out
}

// common are the parameters that every API takes: those of the old signature,
// and the region, which clients send to all products.
var common = map[string]bool{"AccessKeyId": true, "Action": true, "Format": true, "RegionId": true, "SecurityToken": true, "Signature": true,
	"SignatureMethod": true, "SignatureNonce": true, "SignatureType": true, "SignatureVersion": true, "Timestamp": true, "Version": true,
	"AcceptLanguage": true}

// general replaces indices by N: "Tag.1.Key" → "Tag.N.Key".
func general(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if n, err := strconv.Atoi(p); err == nil && n > 0 && i > 0 {
			parts[i] = "N"
		}
	}
	return strings.Join(parts, ".")
}

// check refuses what the metadata does not know. The service ignores unknown
// parameters; the double does not, because they are a mistake of the caller.
func (a *api) check(params map[string]string) *fail {
	for name, value := range params {
		kind, known := a.params[general(name)]
		switch {
		case !known && !common[name]:
			return refuse(400, "InvalidParameter.Unknown", "The parameter "+strconv.Quote(name)+" is not a parameter of this API.")
		case kind == 'b' && !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false"):
			return invalid(name, value)
		case kind == 'i':
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				return invalid(name, value)
			}
		case kind == 'n':
			if _, err := strconv.ParseFloat(value, 64); err != nil {
				return invalid(name, value)
			}
		}
	}
	for _, n := range a.needs {
		if first := strings.Replace(n, ".N", ".1", 1); params[first] == "" {
			return missing(first)
		}
	}
	return nil
}

func invalid(name, value string) *fail {
	return refuse(400, "InvalidParameter", "The specified value of parameter "+strconv.Quote(name)+" is not valid: "+strconv.Quote(value)+".")
}

func missing(name string) *fail {
	return refuse(400, "Missing"+name, name+" is mandatory for this action.")
}
