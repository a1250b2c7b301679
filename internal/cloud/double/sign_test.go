package double_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud/double"
)

// now is the time of the double's clock in these tests.
var now = time.Date(2026, 11, 22, 8, 29, 52, 0, time.UTC)

func serve(t testing.TB, o double.Options) (*double.Server, *httptest.Server) {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	if o.State == nil {
		o.State = double.Careless(now)
	}
	s := double.New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, srv
}

// percent is RFC 3986, written out byte by byte: the signature's own rule.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// query sorts by name, encodes, and joins.
func query(p map[string]string) string {
	var names []string
	for k := range p {
		names = append(names, k)
	}
	slices.Sort(names)
	var out []string
	for _, k := range names {
		out = append(out, percent(k)+"="+percent(p[k]))
	}
	return strings.Join(out, "&")
}

// signV1 signs as the public text on the RPC mechanism says: HMAC-SHA1 of
// METHOD&%2F&query, with the secret and "&" as key.
func signV1(method, id, secret, nonce string, at time.Time, p map[string]string) map[string]string {
	all := map[string]string{"Format": "JSON", "AccessKeyId": id, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": nonce,
		"Timestamp": at.UTC().Format("2006-01-02T15:04:05Z")}
	for k, v := range p {
		all[k] = v
	}
	h := hmac.New(sha1.New, []byte(secret+"&"))
	io.WriteString(h, method+"&"+percent("/")+"&"+percent(query(all)))
	all["Signature"] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	return all
}

// requestV3 signs as the public text on signature V3 says.
func requestV3(t testing.TB, srv, id, secret, nonce string, at time.Time, action, version string, inQuery map[string]string, body string) *http.Request {
	t.Helper()
	u, err := url.Parse(srv)
	if err != nil {
		t.Fatal(err)
	}
	u.Path, u.RawQuery = "/", strings.ReplaceAll(query(inQuery), "%20", "+") // on the wire a space may be "+"
	r, err := http.NewRequest("POST", u.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("x-acs-action", action)
	r.Header.Set("x-acs-version", version)
	r.Header.Set("x-acs-date", at.UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("x-acs-signature-nonce", nonce)
	r.Header.Set("x-acs-content-sha256", hex.EncodeToString(sum[:]))
	names := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	if body != "" {
		r.Header.Set("content-type", "application/x-www-form-urlencoded")
		names = append([]string{"content-type"}, names...)
	}
	canonical := "POST\n/\n" + query(inQuery) + "\n"
	for _, n := range names {
		v := r.Header.Get(n)
		if n == "host" {
			v = u.Host
		}
		canonical += n + ":" + v + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + hex.EncodeToString(sum[:])
	digest := sha256.Sum256([]byte(canonical))
	h := hmac.New(sha256.New, []byte(secret))
	io.WriteString(h, "ACS3-HMAC-SHA256\n"+hex.EncodeToString(digest[:]))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+id+",SignedHeaders="+strings.Join(names, ";")+",Signature="+hex.EncodeToString(h.Sum(nil)))
	return r
}

// answer sends a request and decodes what comes back.
func answer(t testing.TB, r *http.Request) (int, map[string]any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return resp.StatusCode, out
}

func get(t testing.TB, srv string, p map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", srv+"/?"+query(p), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func admin() (id, secret string) {
	l := double.Logins()[0]
	return l.ID, l.Secret
}

func TestSignatureV1(t *testing.T) {
	_, srv := serve(t, double.Options{})
	id, secret := admin()
	params := map[string]string{"Action": "DescribeSnapshots", "Version": "2014-05-26", "RegionId": "cn-hangzhou", "SnapshotName": "a b*c~é/+", "Tag.1.Key": "k&="}
	code, got := answer(t, get(t, srv.URL, signV1("GET", id, secret, "n1", now, params)))
	if code != 200 || got["TotalCount"] != 0.0 {
		t.Fatalf("%d %v", code, got)
	}
	// In the body of a POST, too.
	signed := signV1("POST", id, secret, "n2", now, params)
	r, _ := http.NewRequest("POST", srv.URL, strings.NewReader(query(signed)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if code, got := answer(t, r); code != 200 {
		t.Fatalf("%d %v", code, got)
	}
	// A changed parameter is noticed.
	signed = signV1("GET", id, secret, "n3", now, params)
	signed["RegionId"] = "cn-beijing"
	if code, got := answer(t, get(t, srv.URL, signed)); code != 400 || got["Code"] != "SignatureDoesNotMatch" {
		t.Fatalf("%d %v", code, got)
	}
}

// The example of the public text on the RPC mechanism (DescribeRegions of
// 2016, key "testid", secret "testsecret") has a known signature.
func TestSignatureV1Published(t *testing.T) {
	p := map[string]string{"Timestamp": "2016-02-23T12:46:24Z", "Format": "XML", "AccessKeyId": "testid", "Action": "DescribeRegions", "SignatureMethod": "HMAC-SHA1",
		"SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "Version": "2014-05-26", "SignatureVersion": "1.0", "Signature": "OLeaidS1JvxuMvnyHOwuJ+uX5qY="}
	state := &double.State{Accounts: []*double.Account{{ID: "1", Keys: []*double.AccessKey{{ID: "testid", Secret: "testsecret"}}}}}
	_, srv := serve(t, double.Options{State: state, Now: func() time.Time { return time.Date(2016, 2, 23, 12, 47, 0, 0, time.UTC) }})
	if code, got := answer(t, get(t, srv.URL, p)); code != 200 {
		t.Fatalf("%d %v", code, got)
	}
}

func TestSignatureV3(t *testing.T) {
	_, srv := serve(t, double.Options{})
	id, secret := admin()
	ask := func(nonce string, at time.Time, change func(*http.Request)) (int, any) {
		r := requestV3(t, srv.URL, id, secret, nonce, at, "DescribeSnapshots", "2014-05-26", map[string]string{"RegionId": "cn-hangzhou", "Tag.1.Key": "a b*~"}, "SnapshotName=x+y")
		if change != nil {
			change(r)
		}
		code, got := answer(t, r)
		return code, got["Code"]
	}
	for i, w := range []struct {
		nonce  string
		at     time.Time
		change func(*http.Request)
		status int
		code   any
	}{
		{"a", now, nil, 200, nil},
		{"a", now, nil, 400, "SignatureNonceUsed"},
		{"b", now.Add(-16 * time.Minute), nil, 400, "InvalidTimeStamp.Expired"},
		{"c", now.Add(16 * time.Minute), nil, 400, "InvalidTimeStamp.Expired"},
		{"d", now.Add(-14 * time.Minute), nil, 200, nil},
		{"e", now, func(r *http.Request) { r.URL.RawQuery += "&DiskId=d-1" }, 400, "SignatureDoesNotMatch"},
		{"f", now, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("SnapshotName=x+z")) }, 400, "SignatureDoesNotMatch"},
		{"g", now, func(r *http.Request) { r.Header.Set("x-acs-action", "DescribeImages") }, 400, "SignatureDoesNotMatch"},
		{"h", now, func(r *http.Request) { r.Header.Set("x-acs-extra", "1") }, 400, "IncompleteSignature"},
		{"i", now, func(r *http.Request) { r.Header.Set("Authorization", "ACS3-RSA Credential=x") }, 400, "IncompleteSignature"},
		{"j", now, func(r *http.Request) { r.Header.Del("x-acs-signature-nonce") }, 400, "MissingParameter"},
		{"k", now, func(r *http.Request) { r.Header.Set("x-acs-date", "yesterday") }, 400, "InvalidTimeStamp.Format"},
		{"l", now, func(r *http.Request) { r.Header.Set("x-acs-version", "1999-01-01") }, 404, "InvalidAction.NotFound"},
		{"m", now, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 415, "UnsupportedHTTPMethod"},
	} {
		if status, code := ask(w.nonce, w.at, w.change); status != w.status || code != w.code {
			t.Errorf("%d: %d %v, want %d %v", i, status, code, w.status, w.code)
		}
	}
	r := requestV3(t, srv.URL, id, secret, "z", now, "DescribeRegions", "2014-05-26", nil, "")
	r.Body = io.NopCloser(bytes.NewReader(make([]byte, 2<<20)))
	resp, err := http.DefaultClient.Do(r)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("2 MiB: %d", resp.StatusCode)
		}
	}
}

// FuzzStranger: whoever cannot sign is refused, whatever is said.
func FuzzStranger(f *testing.F) {
	f.Add("ACS3-HMAC-SHA256 Credential=DoubleAdmin,SignedHeaders=host;x-acs-action,Signature=00", "a=b", "c=d", "application/x-www-form-urlencoded")
	f.Add("", "AccessKeyId=DoubleAdmin&Signature=AAAA&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1&Timestamp=2026-11-22T08:29:52Z&Action=DescribeImages&Version=2014-05-26", "", "")
	f.Add("ACS3-HMAC-SHA256 ,,==;", "%zz", "%zz", "text/plain")
	s := double.New(double.Options{State: double.Careless(now), Now: func() time.Time { return now }})
	f.Fuzz(func(t *testing.T, authorization, raw, body, kind string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.RawQuery = raw
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Acs-Action", "DescribeImages")
		r.Header.Set("X-Acs-Version", "2014-05-26")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code < 400 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
	})
}
