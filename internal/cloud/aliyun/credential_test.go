package aliyun_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

// alone takes away every credential that the machine may have.
func alone(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "ALIBABA_CLOUD_") || strings.HasPrefix(name, "ALICLOUD_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	for _, v := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(v, "")
	}
}

func TestChain(t *testing.T) {
	alone(t)
	_, endpoint := start(t, double.Options{State: double.Careless(time.Now())})
	ask := func(profile string) error {
		c, err := aliyun.New(aliyun.Options{Endpoint: endpoint, Profile: profile, Attempts: 1})
		if err != nil {
			return err
		}
		_, err = try(c, "sts", "GetCallerIdentity")
		return err
	}
	var e *cloud.Error
	if err := ask(""); !errors.As(err, &e) || e.Code != aliyun.CodeCredentials || e.Hint.EN == "" || e.Hint.ZH == "" {
		t.Fatalf("without credentials: %v", err)
	}
	key := login(t, "DoubleAuditor")
	dir := filepath.Join(os.Getenv("HOME"), ".aliyun")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.json")
	write := func(text string) {
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"current":"bad","profiles":[{"name":"bad","mode":"AK","access_key_id":"x","access_key_secret":"y","region_id":"cn-hangzhou"},
		{"name":"audit","mode":"AK","access_key_id":"` + key.ID + `","access_key_secret":"` + key.Secret + `","region_id":"cn-hangzhou"}]}`)
	if err := ask("audit"); err != nil {
		t.Errorf("profile: %v", err)
	}
	if err := ask("none"); !errors.As(err, &e) || e.Code != aliyun.CodeCredentials || !strings.Contains(err.Error(), "none") {
		t.Errorf("a profile that does not exist: %v", err)
	}
	t.Setenv("ALIBABA_CLOUD_PROFILE", "audit")
	if err := ask(""); err != nil {
		t.Errorf("profile of the environment: %v", err)
	}
	t.Setenv("ALIBABA_CLOUD_PROFILE", "")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key.ID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", key.Secret)
	if err := ask(""); err != nil {
		t.Errorf("environment: %v", err)
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
	// A configuration with a slip is quoted in full by the official chain.
	for _, broken := range []string{`{"profiles":[{"access_key_secret":"TopSecretKey1, and, more"},}`, `access_key_secret TopSecretKey1, {"a": "TopSecretKey1"}`} {
		write(broken)
		for _, profile := range []string{"", "audit"} {
			err := ask(profile)
			if !errors.As(err, &e) || e.Code != aliyun.CodeCredentials || strings.Contains(err.Error(), "TopSecret") || !strings.Contains(err.Error(), "config.json") {
				t.Errorf("%v", err)
			}
		}
	}
}

// A role of the instance is asked for at the metadata service; here one that
// answers with a refusal full of words.
func TestCredentialServiceIsMild(t *testing.T) {
	alone(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		_, _ = w.Write([]byte(`{"Code":"ServerBusy","SecurityToken":"TopSecretToken"}`))
	}))
	defer srv.Close()
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", srv.URL)
	c := client(t, aliyun.Options{Endpoint: "127.0.0.1:1", Attempts: 1})
	e := refused(t, aliyun.CodeCredentials, c, "sts", "GetCallerIdentity")
	if strings.Contains(e.Error(), "TopSecret") {
		t.Error(e)
	}
}

// A source of credentials that does not answer does not hold up Ctrl-C.
func TestCredentialServiceHangs(t *testing.T) {
	alone(t)
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", srv.URL)
	c := client(t, aliyun.Options{Endpoint: "127.0.0.1:1"})
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	begin := time.Now()
	_, err := c.Call(ctx, cloud.Request{Product: "sts", Action: "GetCallerIdentity"})
	var e *cloud.Error
	if !errors.As(err, &e) || e.Code != aliyun.CodeCanceled || time.Since(begin) > 3*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}
