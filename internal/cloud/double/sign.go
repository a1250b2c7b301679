package double

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// skew is how far a request's clock may be off, and how long a nonce counts.
const skew = 15 * time.Minute

// A signed is what the signature of a request says, before it is checked.
type signed struct {
	key, token, nonce, signature, when string
	toSign                             string
	mac                                func(secret, text string) string
}

// readV3 reads an ACS3-HMAC-SHA256 signature. Source: "Request syntax and
// signature method V3" of Alibaba Cloud's SDK documentation.
func readV3(r *http.Request, body []byte) (*signed, *fail) {
	algorithm, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if algorithm != "ACS3-HMAC-SHA256" {
		return nil, refuse(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards: unknown algorithm.")
	}
	parts := map[string]string{}
	for p := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[k] = v
	}
	names := strings.Split(parts["SignedHeaders"], ";")
	if !slices.IsSorted(names) || !slices.Contains(names, "host") {
		return nil, refuse(400, "IncompleteSignature", "SignedHeaders must be sorted and hold host.")
	}
	for name := range r.Header { // the rule: host, content-type and every x-acs- header
		n := strings.ToLower(name)
		if (strings.HasPrefix(n, "x-acs-") || n == "content-type") && !slices.Contains(names, n) {
			return nil, refuse(400, "IncompleteSignature", "The header "+n+" is not signed.")
		}
	}
	sum := sha256.Sum256(body)
	if hash := hex.EncodeToString(sum[:]); r.Header.Get("X-Acs-Content-Sha256") != hash {
		return nil, refuse(400, "SignatureDoesNotMatch", "The specified x-acs-content-sha256 does not match the body.")
	}
	var headers strings.Builder
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.Host
		}
		headers.WriteString(n + ":" + strings.TrimSpace(v) + "\n")
	}
	canonical := strings.Join([]string{r.Method, path(r), canonicalQuery(r.URL.Query()), headers.String(), parts["SignedHeaders"], hex.EncodeToString(sum[:])}, "\n")
	sum = sha256.Sum256([]byte(canonical))
	return &signed{
		key: parts["Credential"], signature: parts["Signature"], token: r.Header.Get("X-Acs-Security-Token"),
		nonce: r.Header.Get("X-Acs-Signature-Nonce"), when: r.Header.Get("X-Acs-Date"),
		toSign: algorithm + "\n" + hex.EncodeToString(sum[:]),
		mac: func(secret, text string) string {
			h := hmac.New(sha256.New, []byte(secret))
			h.Write([]byte(text))
			return hex.EncodeToString(h.Sum(nil))
		},
	}, nil
}

func path(r *http.Request) string {
	if p := r.URL.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

// readV1 reads a signature of the old RPC kind, HMAC-SHA1 over all parameters.
// Source: "RPC mechanism: signature" of the same documentation.
func readV1(r *http.Request, params url.Values) (*signed, *fail) {
	if params.Get("SignatureMethod") != "HMAC-SHA1" || params.Get("SignatureVersion") != "1.0" {
		return nil, refuse(400, "InvalidParameter", "The specified SignatureMethod or SignatureVersion is not supported.")
	}
	rest := url.Values{}
	for k, v := range params {
		if k != "Signature" {
			rest[k] = v
		}
	}
	return &signed{
		key: params.Get("AccessKeyId"), signature: params.Get("Signature"), token: params.Get("SecurityToken"),
		nonce: params.Get("SignatureNonce"), when: params.Get("Timestamp"),
		toSign: r.Method + "&%2F&" + encode(canonicalQuery(rest)),
		mac: func(secret, text string) string {
			h := hmac.New(sha1.New, []byte(secret+"&"))
			h.Write([]byte(text))
			return base64.StdEncoding.EncodeToString(h.Sum(nil))
		},
	}, nil
}

// canonicalQuery sorts and encodes parameters as both kinds of signature want:
// by name alone, so that InstanceId.1 stands before InstanceId.10.
func canonicalQuery(q url.Values) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(q)) {
		for _, v := range q[k] {
			pairs = append(pairs, encode(k)+"="+encode(v))
		}
	}
	return strings.Join(pairs, "&")
}

// encode is RFC 3986: everything but unreserved characters.
func encode(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// authenticate finds out who calls, or why nobody does.
func (s *Server) authenticate(sig *signed, now time.Time) (*AccessKey, *fail) {
	if sig.key == "" || sig.signature == "" {
		return nil, refuse(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
	}
	if sig.nonce == "" {
		return nil, refuse(400, "MissingParameter", "SignatureNonce is mandatory for this action.")
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", sig.when)
	if err != nil {
		return nil, refuse(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	}
	if at.Before(now.Add(-skew)) || at.After(now.Add(skew)) {
		return nil, refuse(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	key := s.key(sig.key)
	switch {
	case key == nil:
		return nil, refuse(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case key.Inactive:
		return nil, refuse(404, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
	case key.Token != "" && sig.token == "":
		return nil, refuse(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
	case key.Token != sig.token:
		return nil, refuse(400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.")
	case key.Token != "" && !now.Before(key.Expires):
		return nil, refuse(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
	}
	if !hmac.Equal([]byte(sig.mac(key.Secret, sig.toSign)), []byte(sig.signature)) {
		return nil, refuse(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. server string to sign is:"+sig.toSign)
	}
	return key, s.freshNonce(sig.key+" "+sig.nonce, now)
}

// freshNonce refuses a nonce that was used while its time stamp was valid.
func (s *Server) freshNonce(nonce string, now time.Time) *fail {
	if until, used := s.nonces[nonce]; used && now.Before(until) {
		return refuse(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	if len(s.nonces) >= maxNonces {
		for n, until := range s.nonces {
			if !now.Before(until) {
				delete(s.nonces, n)
			}
		}
	}
	s.nonces[nonce] = now.Add(2 * skew)
	return nil
}

// maxNonces is when old nonces are looked for; a double under load may hold
// more, all of which are younger than 2·skew.
const maxNonces = 1 << 16

func (s *Server) key(id string) *AccessKey {
	for _, a := range s.state.Accounts {
		for _, k := range a.Keys {
			if k.ID == id {
				return k
			}
		}
	}
	for _, k := range s.state.Sessions {
		if k.ID == id {
			return k
		}
	}
	return nil
}
