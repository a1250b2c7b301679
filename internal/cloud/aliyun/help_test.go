package aliyun_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

// start serves a double on loopback while the test runs.
func start(t testing.TB, o double.Options) (*double.Server, string) {
	t.Helper()
	s := double.New(o)
	ctx, stop := context.WithCancel(context.Background())
	endpoint, done, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, endpoint
}

func client(t testing.TB, o aliyun.Options) *aliyun.Client {
	t.Helper()
	c, err := aliyun.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// login is one of the seeds' credentials.
func login(t testing.TB, id string) *aliyun.Key {
	t.Helper()
	for _, l := range double.Logins() {
		if l.ID == id {
			return &aliyun.Key{ID: l.ID, Secret: l.Secret}
		}
	}
	t.Fatalf("no login %s", id)
	return nil
}

// quick waits for nothing and remembers how long it should have waited.
func quick(waits *[]time.Duration) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if waits != nil {
			*waits = append(*waits, d)
		}
		return ctx.Err()
	}
}

// careless starts a double of the careless company and logs in.
func careless(t testing.TB, id string) (*double.Server, *aliyun.Client) {
	t.Helper()
	s, endpoint := start(t, double.Options{State: double.Careless(time.Now())})
	return s, client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, id), Sleep: quick(nil)})
}

// call asks and decodes into a tree of plain values.
func call(t testing.TB, c cloud.Caller, product, action string, params ...string) map[string]any {
	t.Helper()
	text, err := try(c, product, action, params...)
	if err != nil {
		t.Fatalf("%s:%s %q: %v", product, action, params, err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func try(c cloud.Caller, product, action string, params ...string) (json.RawMessage, error) {
	r := cloud.Request{Product: product, Action: action, Params: map[string]string{}}
	for i := 0; i+1 < len(params); i += 2 {
		r.Params[params[i]] = params[i+1]
	}
	return c.Call(context.Background(), r)
}

// refused asks for something that must be refused.
func refused(t testing.TB, code string, c cloud.Caller, product, action string, params ...string) *cloud.Error {
	t.Helper()
	_, err := try(c, product, action, params...)
	var e *cloud.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("%s:%s %q: %v, want %s", product, action, params, err, code)
	}
	return e
}
