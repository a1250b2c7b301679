package aliyun_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

// A storm passes: throttled calls wait longer and longer, and get through.
func TestThrottlingPasses(t *testing.T) {
	s, endpoint := start(t, double.Options{State: double.Careless(time.Now())})
	for _, kind := range []*double.Fault{
		{Kind: double.Throttle, Times: 5}, {Kind: double.Throttle, Status: 429, Times: 5}, {Kind: double.Unavailable, Times: 5}, {Kind: double.Refuse, Times: 5},
		{Kind: double.Garbage, Times: 5}, {Kind: double.Truncate, Times: 5}, {Kind: double.Cut, Times: 5},
	} {
		s.Heal()
		s.Fail(kind)
		var waits []time.Duration
		var tries atomic.Int32
		c := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAuditor"), Sleep: quick(&waits), Progress: func(aliyun.Try) { tries.Add(1) }})
		call(t, c, "ecs", "DescribeImages")
		if len(waits) != 5 || tries.Load() != 6 {
			t.Fatalf("kind %d: waits %v, %d tries", kind.Kind, waits, tries.Load())
		}
		for i, w := range waits {
			least := 125 * time.Millisecond
			if kind.Kind == double.Throttle {
				least = 500 * time.Millisecond
			}
			if w < least<<i || w > 20*time.Second {
				t.Errorf("kind %d: wait %d is %s", kind.Kind, i, w)
			}
		}
	}
}

// A storm that does not pass ends with the service's words and a hint.
func TestStormEnds(t *testing.T) {
	s, endpoint := start(t, double.Options{State: double.Careless(time.Now())})
	c := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAuditor"), Sleep: quick(nil), Attempts: 4})
	for _, w := range []struct {
		fault double.Fault
		code  string
		hits  int
	}{
		{double.Fault{Kind: double.Throttle, Status: 429}, "Throttling.User", 4},
		{double.Fault{Kind: double.Unavailable}, "ServiceUnavailable", 4},
		{double.Fault{Kind: double.Garbage}, aliyun.CodeBroken, 4},
		{double.Fault{Kind: double.Truncate}, aliyun.CodeBroken, 4},
		{double.Fault{Kind: double.Cut}, aliyun.CodeLost, 4},
		{double.Fault{Kind: double.Refuse, Status: 403, Code: "Forbidden.RAM"}, "Forbidden.RAM", 1},
	} {
		s.Heal()
		s.Fail(&w.fault)
		e := refused(t, w.code, c, "ecs", "DescribeImages")
		s.View(func(*double.State) {
			if w.fault.Hits != w.hits {
				t.Errorf("%s: %d tries, want %d", w.code, w.fault.Hits, w.hits)
			}
		})
		if e.Hint.EN == "" || e.Hint.ZH == "" {
			t.Errorf("%s has no hint", w.code)
		}
	}
}

// A write is not done twice: it is repeated only if the service did not look
// at it, or knows it again by its ClientToken.
func TestWritesAreNotRepeated(t *testing.T) {
	s, endpoint := start(t, double.Options{State: double.Careless(time.Now())})
	c := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin"), Sleep: quick(nil)})
	tasks := func() (n int) {
		s.View(func(st *double.State) { n = len(st.Accounts[0].Regions["cn-hangzhou"].Tasks) })
		return n
	}
	before := tasks()
	s.Fail(&double.Fault{Kind: double.CutAfter, Action: "ecs:ExportImage"})
	refused(t, aliyun.CodeLost, c, "ecs", "ExportImage", "ImageId", "m-careless001", "OSSBucket", "b")
	if n := tasks(); n != before+1 {
		t.Errorf("%d exports of one call", n-before)
	}
	s.Heal()
	s.Fail(&double.Fault{Kind: double.Throttle, Action: "ecs:ExportImage", Times: 2})
	call(t, c, "ecs", "ExportImage", "ImageId", "m-careless001", "OSSBucket", "b")
	if n := tasks(); n != before+2 {
		t.Errorf("%d exports of one throttled call", n-before-1)
	}
	s.Heal()
	s.Fail(&double.Fault{Kind: double.CutAfter, Action: "ecs:RunInstances", Times: 2})
	got := call(t, c, "ecs", "RunInstances", "ImageId", "m-careless001", "InstanceType", "ecs.g7.large")
	id := got["InstanceIdSets"].(map[string]any)["InstanceIdSet"].([]any)[0]
	s.View(func(st *double.State) {
		list := st.Accounts[0].Regions["cn-hangzhou"].Instances
		if len(list) != 5 || list[4].ID != id {
			t.Errorf("%d instances, the last is not %v", len(list), id)
		}
	})
}

// A secret is nowhere but in the body: not in the URL, not in an error of a
// connection that breaks.
func TestSecretsStayHidden(t *testing.T) {
	const password = "Hunter2+/&=Geheim 9"
	var lines bytes.Buffer
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 100)
	go func() { // a server that reads a request and cuts the connection
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 64<<10)
			_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
			n, _ := conn.Read(b)
			for !bytes.Contains(b[:n], []byte("Hunter2")) && n < len(b) {
				m, err := conn.Read(b[n:])
				if n += m; err != nil {
					break
				}
			}
			got <- string(b[:n])
			_ = conn.Close()
		}
	}()
	c := client(t, aliyun.Options{Endpoint: l.Addr().String(), Key: &aliyun.Key{ID: "AK", Secret: "very-secret-key"}, Sleep: quick(nil), Attempts: 2,
		Progress: func(x aliyun.Try) { fmt.Fprintln(&lines, x.Err, x.Err.Message, x.Err.Err) }})
	for _, r := range []cloud.Request{
		{Product: "ecs", Action: "ModifyInstanceAttribute", Params: map[string]string{"InstanceId": "i-1", "Password": password}},
		{Product: "ecs", Action: "DescribeImages", Params: map[string]string{"ImageId": password}, Secret: []string{"ImageId"}},
	} {
		_, err := c.Call(t.Context(), r)
		var e *cloud.Error
		if !errors.As(err, &e) || e.Code != aliyun.CodeLost {
			t.Fatal(err)
		}
		var u *url.Error
		if errors.As(err, &u) {
			t.Errorf("the error holds a URL: %v", err)
		}
		all := fmt.Sprintf("%v %+v %#v %v %s", err, e, e, e.Err, lines.String())
		for _, bad := range []string{password, "Hunter2", url.QueryEscape(password), "very-secret-key", "?", "RegionId"} {
			if strings.Contains(all, bad) {
				t.Errorf("the error tells %q: %s", bad, all)
			}
		}
		seen := <-got
		head, _, _ := strings.Cut(seen, "\r\n")
		if strings.Contains(head, "Hunter2") {
			t.Errorf("the URL tells it: %s", head)
		}
		if !strings.Contains(seen, "Hunter2") {
			t.Errorf("it was not sent at all: %s", seen)
		}
	}
}

// What the service says back is cleaned, too.
func TestEchoIsCleaned(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		_ = r.ParseForm()
		_ = json.NewEncoder(w).Encode(map[string]string{"Code": "InvalidPassword.Malformed", "Message": "bad: " + r.Form.Get("Password"), "RequestId": "1"})
	}))
	defer srv.Close()
	c := client(t, aliyun.Options{Endpoint: srv.Listener.Addr().String(), Key: &aliyun.Key{ID: "a", Secret: "b"}})
	e := refused(t, "InvalidPassword.Malformed", c, "ecs", "ModifyInstanceAttribute", "InstanceId", "i-1", "Password", "Hunter2-Geheim")
	if strings.Contains(e.Error(), "Hunter2") || !strings.Contains(e.Message, "******") {
		t.Error(e)
	}
}

func TestCredentialsAndClock(t *testing.T) {
	now := time.Now()
	state := double.Careless(now)
	state.Sessions = []*double.AccessKey{{ID: "STS.old", Secret: "s", Token: "t", Account: double.CarelessAccount, Role: "image-pipeline", Session: "x", Expires: now.Add(-time.Minute)}}
	state.Accounts[0].Keys = append(state.Accounts[0].Keys, &double.AccessKey{ID: "off", Secret: "s", User: "admin", Inactive: true})
	_, endpoint := start(t, double.Options{State: state})
	for _, w := range []struct {
		key  aliyun.Key
		code string
	}{
		{aliyun.Key{ID: "nobody", Secret: "s"}, "InvalidAccessKeyId.NotFound"},
		{aliyun.Key{ID: "off", Secret: "s"}, "InvalidAccessKeyId.Inactive"},
		{aliyun.Key{ID: "DoubleAdmin", Secret: "wrong"}, "SignatureDoesNotMatch"},
		{aliyun.Key{ID: "STS.old", Secret: "s", Token: "t"}, "InvalidSecurityToken.Expired"},
		{aliyun.Key{ID: "STS.old", Secret: "s", Token: "u"}, "InvalidSecurityToken.MismatchWithAccessKey"},
	} {
		c := client(t, aliyun.Options{Endpoint: endpoint, Key: &w.key, Sleep: quick(nil)})
		if e := refused(t, w.code, c, "sts", "GetCallerIdentity"); e.Hint.EN == "" || e.Hint.ZH == "" {
			t.Errorf("%s has no hint", w.code)
		}
	}
	_, late := start(t, double.Options{State: double.Careless(now), Now: func() time.Time { return time.Now().Add(time.Hour) }})
	c := client(t, aliyun.Options{Endpoint: late, Key: login(t, "DoubleAdmin"), Sleep: quick(nil)})
	if e := refused(t, "InvalidTimeStamp.Expired", c, "sts", "GetCallerIdentity"); !strings.Contains(e.Hint.EN, "clock") {
		t.Error(e.Hint)
	}
}

func TestCancelAndTimeout(t *testing.T) {
	s, endpoint := start(t, double.Options{State: double.Careless(time.Now())})
	s.Fail(&double.Fault{Kind: double.Hang})
	c := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin"), Timeout: 100 * time.Millisecond, Attempts: 2, Sleep: quick(nil)})
	if e := refused(t, aliyun.CodeTimeout, c, "ecs", "DescribeImages"); e.Hint.EN == "" {
		t.Error("no hint")
	}
	s.Heal()
	s.Fail(&double.Fault{Kind: double.Slow, Delay: 5 * time.Second})
	refused(t, aliyun.CodeTimeout, c, "ecs", "DescribeImages")
	s.Heal()
	s.Fail(&double.Fault{Kind: double.Hang})
	ctx, stop := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, stop)
	c = client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin")})
	begin := time.Now()
	_, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeImages"})
	var e *cloud.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Code != aliyun.CodeCanceled || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
	ctx, stop = context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer stop()
	if _, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeImages"}); !errors.As(err, &e) || e.Code != aliyun.CodeCanceled {
		t.Errorf("the caller's deadline: %v", err)
	}
	// While it waits for the next try, too.
	s.Heal()
	s.Fail(&double.Fault{Kind: double.Throttle})
	ctx, stop = context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer stop()
	if _, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeImages"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// No more calls of one product than Parallel are under way at a time; other
// products do not wait for it.
func TestParallelIsBounded(t *testing.T) {
	var now, most atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
		_, _ = io.WriteString(w, "{}")
	}))
	defer srv.Close()
	c := client(t, aliyun.Options{Endpoint: srv.Listener.Addr().String(), Key: &aliyun.Key{ID: "a", Secret: "b"}, Parallel: 3})
	done := make(chan error, 40)
	for range cap(done) {
		go func() {
			_, err := c.Call(context.Background(), cloud.Request{Product: "ecs", Action: "DescribeImages"})
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() > 3 || most.Load() < 2 {
		t.Errorf("%d calls at a time", most.Load())
	}
}

func TestHugeAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := bytes.Repeat([]byte(" "), 1<<20)
		for range 40 {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	var tries atomic.Int32
	c := client(t, aliyun.Options{Endpoint: srv.Listener.Addr().String(), Key: &aliyun.Key{ID: "a", Secret: "b"}, Sleep: quick(nil), Progress: func(aliyun.Try) { tries.Add(1) }})
	refused(t, aliyun.CodeBroken, c, "ecs", "DescribeImages")
	if tries.Load() != 1 {
		t.Errorf("%d tries", tries.Load())
	}
}

// The endpoint of a double is on this machine, or refused: it is not encrypted.
func TestEndpointIsLoopback(t *testing.T) {
	for _, bad := range []string{"10.0.0.1:80", "example.com:80", "127.0.0.1", "localhost:80", "0.0.0.0:1"} {
		if _, err := aliyun.New(aliyun.Options{Endpoint: bad, Key: &aliyun.Key{}}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	c := client(t, aliyun.Options{Endpoint: "127.0.0.1:1", Key: &aliyun.Key{ID: "a", Secret: "b"}})
	refused(t, aliyun.CodeUnknown, c, "ecs", "DeleteInstance", "InstanceId", "i-1")
}

// A redirect is not followed: the signed request would go somewhere else.
func TestRedirectIsNotFollowed(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := client(t, aliyun.Options{Endpoint: srv.Listener.Addr().String(), Key: &aliyun.Key{ID: "a", Secret: "b"}, Attempts: 1})
	refused(t, aliyun.CodeBroken, c, "ecs", "DescribeImages")
	if asked {
		t.Error("it was followed")
	}
}
