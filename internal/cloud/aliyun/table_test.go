package aliyun_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
	"assay/policy"
)

// metadata reads the double's generated table: product:action → version and
// parameters.
func metadata(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "double", "params.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] != "#" && out[f[0]+":"+f[2]] == nil {
			out[f[0]+":"+f[2]] = append([]string{f[1]}, f[3:]...)
		}
	}
	return out
}

// Everything that assay sends is a parameter of the API, and everything that
// the API needs can be sent.
func TestTableAgainstMetadata(t *testing.T) {
	meta := metadata(t)
	for _, a := range aliyun.Table() {
		name := a.Product + ":" + a.Action
		m, ok := meta[name]
		if !ok {
			t.Errorf("%s is not in the metadata", name)
			continue
		}
		if m[0] != a.Version {
			t.Errorf("%s: version %s, metadata %s", name, a.Version, m[0])
		}
		sent := strings.Fields(a.Params)
		for _, r := range cloud.Reads() {
			if r.Product == a.Product && r.Action == a.Action {
				sent = append(sent, map[cloud.Paging][]string{cloud.ByNumber: {"PageNumber", "PageSize"}, cloud.ByToken: {"NextToken", "MaxResults"}, cloud.ByMarker: {"Marker", "MaxItems"}}[r.Paging]...)
			}
		}
		known := map[string]bool{"RegionId": true, "AcceptLanguage": true} // common to all
		for _, p := range m[1:] {
			bare, required := strings.CutSuffix(p, "!")
			bare, _, _ = strings.Cut(bare, ":")
			known[bare] = true
			if required && !slices.Contains(sent, bare) {
				t.Errorf("%s needs %s, and Params lacks it", name, bare)
			}
		}
		for _, p := range sent {
			if !known[p] {
				t.Errorf("%s has no parameter %s", name, p)
			}
		}
		if a.DryRun != slices.Contains(sent, "DryRun") || a.Token != slices.Contains(sent, "ClientToken") {
			t.Errorf("%s: DryRun %v, Token %v do not fit %s", name, a.DryRun, a.Token, a.Params)
		}
	}
}

// The collector asks for nothing that the adapter does not know.
func TestTableCoversCollector(t *testing.T) {
	known := map[string]aliyun.API{}
	for _, a := range aliyun.Table() {
		known[a.Product+":"+a.Action] = a
	}
	for _, a := range cloud.Reads() {
		mine, ok := known[a.Product+":"+a.Action]
		if !ok || !mine.Read {
			t.Errorf("%s:%s is not in the table as a read", a.Product, a.Action)
		}
	}
}

// The least policy lets an identity do exactly what it lists.
func TestPermissionsAreLeast(t *testing.T) {
	text, err := aliyun.Permissions(aliyun.Reads())
	if err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse("least", []byte(text))
	if err != nil || !d.Valid() || d.Minified > policy.LimitIdentity {
		t.Fatalf("%v %v: %d characters", err, d.Problems, d.Minified)
	}
	now := time.Now()
	state := double.Careless(now)
	acct := state.Accounts[0]
	acct.Policies = append(acct.Policies, &double.Policy{Name: "least", Default: "v1", Versions: []*double.PolicyVersion{{ID: "v1", Document: text}}})
	acct.Users = append(acct.Users, &double.User{Name: "least", ID: "1", Policies: []string{"custom/least"}})
	acct.Keys = append(acct.Keys, &double.AccessKey{ID: "least", Secret: "s", User: "least"})
	_, endpoint := start(t, double.Options{State: state})
	c := client(t, aliyun.Options{Endpoint: endpoint, Key: &aliyun.Key{ID: "least", Secret: "s"}, Attempts: 1})
	for _, a := range aliyun.Table() {
		_, err := c.Call(context.Background(), cloud.Request{Product: a.Product, Action: a.Action, Params: sample(a)})
		var e *cloud.Error
		denied := errors.As(err, &e) && e.Denied
		switch {
		case a.Read && denied:
			t.Errorf("%s:%s: %v", a.Product, a.Action, err)
		case !a.Read && !denied:
			t.Errorf("%s:%s is allowed to one who may only read (%v)", a.Product, a.Action, err)
		}
	}
	if _, err := aliyun.Permissions([]string{"ecs:DeleteInstance"}); err == nil {
		t.Error("a policy for what assay never calls")
	}
}
