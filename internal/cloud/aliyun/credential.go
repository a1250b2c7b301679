package aliyun

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"

	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/credentials-go/credentials/providers"
)

// A Key is an AccessKey given by hand: for the double, and for a credential
// that a run made itself. Token is "" for keys that do not expire.
type Key struct{ ID, Secret, Token string }

// source finds credentials, one caller at a time: the official chain is not
// safe for concurrent use.
type source struct {
	mu    sync.Mutex
	inner credentials.Credential
}

// newSource chooses where credentials come from: a key, a profile of the
// aliyun CLI, or the official chain (environment, OIDC, CLI profile,
// credentials file, role of this instance, URI).
func newSource(key *Key, profile string) (*source, error) {
	if key != nil {
		m := credentials.CredentialModel{AccessKeyId: &key.ID, AccessKeySecret: &key.Secret}
		kind := "access_key"
		if key.Token != "" {
			kind, m.SecurityToken = "sts", &key.Token
		}
		m.Type = &kind
		return &source{inner: fixed{&m}}, nil
	}
	if profile != "" {
		p, err := providers.NewCLIProfileCredentialsProviderBuilder().WithProfileName(profile).Build()
		if err != nil {
			return nil, errors.New(mild(err))
		}
		return &source{inner: credentials.FromCredentialsProvider("cli_profile", p)}, nil
	}
	c, err := credentials.NewCredential(nil)
	if err != nil {
		return nil, errors.New(mild(err))
	}
	return &source{inner: c}, nil
}

// get finds credentials, or gives up when ctx ends: the official chain may
// wait long for a metadata service that is not there, and knows no context.
func (s *source) get(ctx context.Context) (fixed, error) {
	type result struct {
		fixed
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := s.find()
		done <- result{f, err}
	}()
	select {
	case r := <-done:
		return r.fixed, r.err
	case <-ctx.Done():
		return fixed{}, ctx.Err()
	}
}

func (s *source) find() (fixed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.inner.GetCredential()
	if err != nil {
		return fixed{}, &credentialError{mild(err)}
	}
	if m.AccessKeyId == nil || m.AccessKeySecret == nil || *m.AccessKeyId == "" || *m.AccessKeySecret == "" {
		return fixed{}, &credentialError{"the source of credentials gave none"}
	}
	return fixed{m}, nil
}

var (
	errorCode = regexp.MustCompile(`"Code" *: *"([A-Za-z.]+)"`)
	// foreign is where words that are not the chain's own begin: a file's
	// content, an answer's body.
	foreign = regexp.MustCompile(`failed:|: *\{|[{\n]|httpStatus`)
)

// mild is the text of an error of the credentials chain, without what may hold
// secrets: a profile that is no JSON is quoted there with all its keys.
func mild(err error) string {
	var out []string
	for part := range strings.SplitSeq(err.Error(), ", ") {
		text := part
		if at := foreign.FindStringIndex(text); at != nil {
			text = strings.TrimRight(text[:at[0]], " :")
		}
		if m := errorCode.FindStringSubmatch(part); m != nil {
			text += " (" + m[1] + ")"
		}
		if text = strings.TrimSpace(text); text != "" && len(text) < 300 {
			out = append(out, text)
		}
		if foreign.MatchString(part) {
			break // the rest may still be the file's
		}
	}
	return strings.Join(out, ", ")
}

// fixed is a credential that is known. It satisfies the official interface.
type fixed struct{ m *credentials.CredentialModel }

func (f fixed) GetCredential() (*credentials.CredentialModel, error) { return f.m, nil }
func (f fixed) GetAccessKeyId() (*string, error)                     { return f.m.AccessKeyId, nil }
func (f fixed) GetAccessKeySecret() (*string, error)                 { return f.m.AccessKeySecret, nil }
func (f fixed) GetSecurityToken() (*string, error)                   { return f.m.SecurityToken, nil }
func (f fixed) GetBearerToken() *string                              { return f.m.BearerToken }
func (f fixed) GetType() *string                                     { return f.m.Type }
