package aliyun

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
)

// roundTrip is a network of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The next address is tried where a name does not exist, and remembered; any
// other failure stays with the address.
func TestEndpointFallback(t *testing.T) {
	c, err := New(Options{Key: &Key{ID: "a", Secret: "b"}, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	exists := "ecs-cn-new.aliyuncs.com"
	c.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		if r.URL.Scheme != "https" {
			t.Errorf("%s is asked without TLS", r.URL.Host)
		}
		if r.URL.Host != exists {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}}, nil
	})
	ask := cloud.Request{Product: "ecs", Action: "DescribeImages", Region: "cn-new"}
	for range 2 {
		if _, err := c.Call(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"ecs.cn-new.aliyuncs.com", exists, exists}; !slices.Equal(hosts, want) {
		t.Errorf("%v, want %v", hosts, want)
	}
	hosts = nil
	_, err = c.Call(t.Context(), cloud.Request{Product: "ram", Action: "ListUsers"})
	var e *cloud.Error
	if !errors.As(err, &e) || e.Code != CodeNoHost || e.Hint.EN == "" || !slices.Equal(hosts, []string{"ram.aliyuncs.com"}) {
		t.Errorf("%v %v", hosts, err)
	}
	for product := range versions {
		if len(candidates(product, "cn-hangzhou")) == 0 {
			t.Errorf("%s has no address", product)
		}
	}
}

// A Client is what the rooms to the right take.
var _ cloud.Caller = (*Client)(nil)

// FuzzRead: whatever an endpoint says is nil or an error of bounded size.
func FuzzRead(f *testing.F) {
	f.Add(200, `{"RequestId":"1"}`)
	f.Add(403, `{"Code":"Forbidden.RAM","Message":"no","AccessDeniedDetail":{"NoPermissionType":"ExplicitDeny","PolicyType":"ControlPolicy"}}`)
	f.Add(400, `{"Code":"InvalidTimeStamp.Expired"}`)
	f.Add(503, `<html>`)
	f.Add(200, `{"Images":{"Image":[{"ImageId`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := read(cloud.Request{Product: "ecs", Action: "X"}, &exchange{status: status, body: []byte(body), header: http.Header{"Date": {"Sun, 22 Nov 2026 08:00:00 GMT"}}}, time.Unix(1795334400, 0))
		if ok := status >= 200 && status < 300 && json.Valid([]byte(body)) && strings.HasPrefix(strings.TrimLeft(body, " \r\n\t"), "{"); (e == nil) != ok {
			t.Fatalf("%d %q: %v", status, body, e)
		}
		if e != nil && (e.Code == "" || len(e.Message) > 5000 || len(e.Code) > 300) {
			t.Fatalf("%d %q: %+v", status, body, e)
		}
	})
}

func TestBackoff(t *testing.T) {
	for n := 1; n < 100; n++ {
		if d := backoff(n, &cloud.Error{Code: "Throttling"}); d <= 0 || d > longest {
			t.Errorf("try %d waits %s", n, d)
		}
	}
}
