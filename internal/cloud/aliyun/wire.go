package aliyun

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

// maxAnswer bounds an answer. The largest page seen, 100 instances with all
// their details, has about 400 KiB.
const maxAnswer = 32 << 20

// inBody are parameters that always travel in the body: secrets, and texts
// that are too long for a URL. The gateway merges body and query; the metadata
// says query for all.
const inBody = "Password CommandContent UserData PolicyDocument NewPolicyDocument Policy PublicKeyBody EncodedDiagnosticMessage Parameters"

// errTooLarge is an answer over maxAnswer.
var errTooLarge = errors.New("the answer has more than 32 MiB")

// An exchange is one HTTP request and its answer. It stands in for the HTTP
// client of the official client, which then only signs.
type exchange struct {
	http   *http.Client
	status int
	header http.Header
	body   []byte
}

// Call sends the signed request and keeps the answer's bytes for itself: the
// official client would turn numbers into floats and read without a bound.
func (x *exchange) Call(r *http.Request, _ *http.Transport) (*http.Response, error) {
	resp, err := x.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	x.status, x.header = resp.StatusCode, resp.Header
	x.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(x.body) > maxAnswer {
		err = errTooLarge
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody}, nil
}

// newHTTP makes the connection pool of a run. Redirects are not followed: a
// signed request goes where it was meant to go or nowhere.
func newHTTP(plain bool, timeout time.Duration, parallel int) *http.Client {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: parallel, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
	}
	if !plain { // the double is on this machine: no proxy
		t.Proxy = http.ProxyFromEnvironment
	}
	return &http.Client{Transport: t, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send signs and sends one request to one address. An error below HTTP comes
// without its URL.
func (c *Client) send(ctx context.Context, a *API, host string, params map[string]string, secret []string) (*exchange, error) {
	cred, err := c.source.get(ctx)
	if err != nil {
		return nil, err
	}
	x := &exchange{http: c.http}
	protocol := "https"
	if c.opts.Endpoint != "" {
		protocol = "http"
	}
	client, err := openapi.NewClient(&openapiutil.Config{Credential: cred, Endpoint: &host, Protocol: &protocol, HttpClient: x, UserAgent: dara.String("assay")})
	if err != nil {
		return nil, err
	}
	query, body := map[string]*string{}, map[string]any{}
	for k, v := range params {
		base, _, _ := strings.Cut(k, ".")
		if has(inBody, base) || slices.Contains(secret, k) {
			body[k] = v
		} else {
			query[k] = dara.String(v)
		}
	}
	request := &openapiutil.OpenApiRequest{Query: query}
	if len(body) > 0 {
		request.Body = body
	}
	_, err = client.CallApiWithCtx(ctx, &openapiutil.Params{
		Action: &a.Action, Version: &a.Version, Protocol: &protocol, Pathname: dara.String("/"), Method: dara.String("POST"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("none"),
	}, request, &dara.RuntimeOptions{})
	if x.status != 0 && err == nil {
		return x, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, below(err)
}

// below strips an error down to its cause: a *url.Error tells the whole URL,
// and with it the query.
func below(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}
