package aliyun

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"assay/internal/cloud"
)

// Options say whom to ask and how hard.
type Options struct {
	Profile string // profile of the aliyun CLI; "" asks the official chain
	Key     *Key   // instead of Profile
	Region  string // where global questions are asked from; "" is cn-hangzhou
	// Endpoint, "127.0.0.1:34567", sends every call there, by plain HTTP: for
	// the double. Only loopback addresses are taken.
	Endpoint string
	Parallel int           // calls of one product at the same time; 0 is 8
	Attempts int           // tries of one call; 0 is 8
	Timeout  time.Duration // of one try; 0 is 30 s
	// Progress hears of every try, from several goroutines at once.
	Progress func(Try)
	// Sleep waits between tries; nil is real time.
	Sleep func(context.Context, time.Duration) error
}

// A Try is one try of one call, when it has ended.
type Try struct {
	Product, Action, Region string
	N                       int           // from 1
	Err                     *cloud.Error  // nil if it was answered
	Wait                    time.Duration // before the next try; 0 if there is none
}

// A Client asks Alibaba Cloud. It is a cloud.Caller, safe for concurrent use.
type Client struct {
	opts   Options
	source *source
	http   *http.Client
	apis   map[string]*API

	mu     sync.Mutex
	limits map[string]chan struct{}
	hosts  map[string]string // product and region → the address that exists
}

// New makes a client. It asks nothing yet; wrong credentials show at the first
// call.
func New(o Options) (*Client, error) {
	if o.Endpoint != "" {
		host, _, err := net.SplitHostPort(o.Endpoint)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return nil, fmt.Errorf("%q is no loopback address with a port, such as 127.0.0.1:8080: requests to it would not be encrypted", o.Endpoint)
		}
	}
	if o.Region == "" {
		o.Region = "cn-hangzhou"
	}
	if o.Parallel == 0 {
		o.Parallel = 8 // the services allow some tens a second; a call takes about 0.2 s
	}
	if o.Attempts == 0 {
		o.Attempts = 8 // 1+2+4+8+16+20+20 s at most: a minute of throttling passes
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	s, err := newSource(o.Key, o.Profile)
	if err != nil {
		return nil, credentialFault("", "", "", err)
	}
	c := &Client{opts: o, source: s, http: newHTTP(o.Endpoint != "", o.Timeout, o.Parallel), apis: map[string]*API{}, limits: map[string]chan struct{}{}, hosts: map[string]string{}}
	for _, a := range Table() {
		c.apis[a.Product+":"+a.Action] = &a
	}
	return c, nil
}

// Call asks once, and again where that is safe, and returns the answer's JSON
// as it came. Errors are *cloud.Error.
func (c *Client) Call(ctx context.Context, r cloud.Request) (json.RawMessage, error) {
	a := c.apis[r.Product+":"+r.Action]
	if a == nil {
		return nil, unknown(r)
	}
	params := maps.Clone(r.Params)
	if params == nil {
		params = map[string]string{}
	}
	region := r.Region
	if region == "" {
		region = c.opts.Region
	}
	if regional(r.Product) && a.Action != "DescribeRegions" {
		params["RegionId"] = region
	}
	if a.Token && params["ClientToken"] == "" && params["DryRun"] == "" {
		params["ClientToken"] = newToken()
	}
	free, err := c.enter(ctx, r.Product)
	if err != nil {
		return nil, c.lost(r, err)
	}
	defer free()
	for n := 1; ; n++ {
		answer, fault := c.once(ctx, a, r, region, params)
		t := Try{Product: r.Product, Action: r.Action, Region: r.Region, N: n, Err: fault}
		if fault != nil && n < c.opts.Attempts && worth(a, params, fault) {
			t.Wait = backoff(n, fault)
		}
		if c.opts.Progress != nil {
			c.opts.Progress(t)
		}
		switch {
		case fault == nil:
			return answer, nil
		case t.Wait == 0:
			return nil, fault
		}
		if err := c.opts.Sleep(ctx, t.Wait); err != nil {
			return nil, c.lost(r, err)
		}
	}
}

// enter waits until fewer than Parallel calls of a product are under way.
func (c *Client) enter(ctx context.Context, product string) (free func(), err error) {
	c.mu.Lock()
	limit := c.limits[product]
	if limit == nil {
		limit = make(chan struct{}, c.opts.Parallel)
		c.limits[product] = limit
	}
	c.mu.Unlock()
	select {
	case limit <- struct{}{}:
		return func() { <-limit }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// once is one try: it finds the address, sends, and reads the answer.
func (c *Client) once(ctx context.Context, a *API, r cloud.Request, region string, params map[string]string) (json.RawMessage, *cloud.Error) {
	hide := secrets(r, params)
	var x *exchange
	var err error
	for _, host := range c.addresses(r.Product, region) {
		x, err = c.send(ctx, a, host, params, r.Secret)
		var dns *net.DNSError
		if err == nil {
			c.remember(r.Product, region, host)
		}
		if !errors.As(err, &dns) || !dns.IsNotFound {
			break
		}
	}
	if err != nil {
		return nil, hide.clean(c.lost(r, err))
	}
	if fault := read(r, x, time.Now()); fault != nil {
		return nil, hide.clean(fault)
	}
	return x.body, nil
}

func (c *Client) addresses(product, region string) []string {
	if c.opts.Endpoint != "" {
		return []string{c.opts.Endpoint}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.hosts[product+" "+region]; h != "" {
		return []string{h}
	}
	return candidates(product, region)
}

func (c *Client) remember(product, region, host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts[product+" "+region] = host
}

// longest is the longest wait between two tries.
const longest = 20 * time.Second

// backoff grows with every try; the second half of it is left to chance, so
// that those who were refused together do not come back together.
func backoff(n int, e *cloud.Error) time.Duration {
	base := 250 * time.Millisecond
	if throttled(e) {
		base = time.Second
	}
	d := min(base<<min(n-1, 10), longest)
	return d/2 + mathrand.N(d/2)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newToken is a ClientToken: at most 64 ASCII characters.
func newToken() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return "assay-" + hex.EncodeToString(b)
}
