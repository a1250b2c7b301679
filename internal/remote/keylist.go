package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxKeyList bounds a list of keys from the web.
const maxKeyList = 1 << 20

// FetchKeys gets a list of public keys, one a line, from an address such as
// https://github.com/NAME.keys. Only https, without redirection to another
// host: who can change the list decides who stays.
func FetchKeys(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no https address", address)
	}
	c := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" || r.URL.Host != u.Host || len(via) > 3 {
			return errors.New("redirected to another host")
		}
		return nil
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", u.Host, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxKeyList+1))
	if err == nil && len(b) > maxKeyList {
		err = fmt.Errorf("%s sent more than %d bytes", u.Host, maxKeyList)
	}
	return b, err
}
