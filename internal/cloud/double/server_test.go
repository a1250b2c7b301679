package double_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud/double"
)

// ask signs the old way and tells status and answer.
func ask(t testing.TB, srv *httptest.Server, nonce *int, product, action string, params ...string) (int, map[string]any) {
	t.Helper()
	id, secret := admin()
	version := map[string]string{"ecs": "2014-05-26", "ram": "2015-05-01", "sts": "2015-04-01", "resourcemanager": "2020-03-31", "directory": "2022-04-19",
		"resourcesharing": "2020-01-10", "ess": "2014-08-28", "actiontrail": "2020-07-06"}[product]
	p := map[string]string{"Action": action, "Version": version, "RegionId": "cn-hangzhou"}
	for i := 0; i+1 < len(params); i += 2 {
		p[params[i]] = params[i+1]
	}
	*nonce++
	return answer(t, get(t, srv.URL, signV1("GET", id, secret, fmt.Sprint(*nonce), now, p)))
}

// What the metadata does not know is refused, and so is a value of the wrong
// kind, or nothing where something is needed.
func TestParametersAreChecked(t *testing.T) {
	_, srv := serve(t, double.Options{})
	n := 0
	for _, w := range []struct {
		code   string
		action string
		params []string
	}{
		{"InvalidParameter.Unknown", "DescribeImages", []string{"Colour", "red"}},
		{"InvalidParameter.Unknown", "DescribeImages", []string{"imageid", "m-1"}},
		{"InvalidParameter.Unknown", "DescribeImages", []string{"Tag.x.Key", "m-1"}},
		{"InvalidParameter.Unknown", "ModifyImageSharePermission", []string{"ImageId", "m-1", "AddAccount", "1"}},
		{"InvalidParameter", "DescribeImages", []string{"IsPublic", "yes"}},
		{"InvalidParameter", "DescribeImages", []string{"PageNumber", "one"}},
		{"InvalidParameter", "DescribeImages", []string{"PageSize", "101"}},
		{"InvalidParameter", "DescribeImages", []string{"PageNumber", "0"}},
		{"InvalidParameter", "DescribeInstances", []string{"InstanceIds", "i-1"}},
		{"InvalidParameter.NextToken", "DescribeInstances", []string{"NextToken", "stolen"}},
		{"MissingImageId", "DescribeImageSharePermission", nil},
		{"InvalidRegionId.NotFound", "DescribeImages", []string{"RegionId", "cn-atlantis"}},
		{"InvalidAction.NotFound", "DescribeEverything", nil},
	} {
		status, got := ask(t, srv, &n, "ecs", w.action, w.params...)
		if got["Code"] != w.code || status < 400 || got["RequestId"] == "" || got["HostId"] == "" || got["Recommend"] == "" {
			t.Errorf("%s %v: %d %v, want %s", w.action, w.params, status, got, w.code)
		}
	}
}

func TestDenialIsDiagnosed(t *testing.T) {
	s, srv := serve(t, double.Options{})
	n := 0
	s.View(func(st *double.State) {
		a := st.Accounts[0]
		a.Users[0].Policies = append(a.Users[0].Policies, "custom/no-export")
		a.Policies = append(a.Policies, &double.Policy{Name: "no-export", Default: "v7", Versions: []*double.PolicyVersion{{ID: "v7",
			Document: `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:Export*","Resource":"acs:ecs:*:*:image/m-careless001"}]}`}}})
	})
	status, got := ask(t, srv, &n, "ecs", "ExportImage", "ImageId", "m-careless001", "OSSBucket", "b")
	detail, _ := got["AccessDeniedDetail"].(map[string]any)
	if status != 403 || got["Code"] != "Forbidden.RAM" || detail["NoPermissionType"] != "ExplicitDeny" || detail["AuthPrincipalType"] != "SubUser" {
		t.Fatalf("%d %v", status, got)
	}
	status, got = ask(t, srv, &n, "ram", "DecodeDiagnosticMessage", "EncodedDiagnosticMessage", detail["EncodedDiagnosticMessage"].(string))
	text, _ := json.Marshal(got["DecodedDiagnosticMessage"])
	for _, want := range []string{`"PolicyIdentifier":"no-export"`, `"PolicyVersion":"v7"`, `"AttachedEntityType":"RamUser"`, `"AuthResource":"acs:ecs:cn-hangzhou:1000000000000001:image/m-careless001"`} {
		if status != 200 || !strings.Contains(string(text), want) {
			t.Errorf("%d %s lacks %s", status, text, want)
		}
	}
	if status, got := ask(t, srv, &n, "ram", "DecodeDiagnosticMessage", "EncodedDiagnosticMessage", "AQEmade-up"); status != 400 {
		t.Errorf("%d %v", status, got)
	}
	// Another image is not meant.
	if status, got := ask(t, srv, &n, "ecs", "ExportImage", "ImageId", "m-careless003", "OSSBucket", "b"); status != 200 {
		t.Errorf("%d %v", status, got)
	}
}

// A policy that the engine cannot decide denies here.
func TestUndeterminedDenies(t *testing.T) {
	s, srv := serve(t, double.Options{})
	n := 0
	s.View(func(st *double.State) {
		a := st.Accounts[0]
		a.Users[0].Policies = append(a.Users[0].Policies, "custom/odd")
		a.Policies = append(a.Policies, &double.Policy{Name: "odd", Default: "v1", Versions: []*double.PolicyVersion{{ID: "v1",
			Document: `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:DescribeImages","Resource":"*","Condition":{"StringNotEquals":{"ecs:Nothing":["x"]}}}]}`}}})
	})
	if status, got := ask(t, srv, &n, "ecs", "DescribeImages"); status != 403 {
		t.Errorf("%d %v", status, got)
	}
}

// The management account and service-linked roles are beyond control policies.
func TestControlPoliciesReach(t *testing.T) {
	s, srv := serve(t, double.Options{})
	n := 0
	deny := &double.Policy{ID: "cp-1", Name: "none", Scope: "RAM", Default: "v1", Versions: []*double.PolicyVersion{{ID: "v1", Document: `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:*","Resource":"*"}]}`}}}
	role := &double.AccessKey{ID: "STS.slr", Secret: "s", Token: "t", Account: double.CarelessAccount, Role: "AliyunServiceRoleForAutoScaling", Session: "x", Expires: now.Add(time.Hour)}
	pipe := *role
	pipe.ID, pipe.Role = "STS.pipe", "image-pipeline"
	s.View(func(st *double.State) {
		st.Directory.Policies = append(st.Directory.Policies, deny)
		st.Directory.Attachments["r-careless"] = append(st.Directory.Attachments["r-careless"], "cp-1")
		st.Sessions = append(st.Sessions, role, &pipe)
	})
	governor := double.Logins()[3]
	p := map[string]string{"Action": "DescribeImages", "Version": "2014-05-26", "RegionId": "cn-hangzhou"}
	for _, w := range []struct {
		id, secret, token string
		status            int
	}{{governor.ID, governor.Secret, "", 200}, {role.ID, "s", "t", 200}, {pipe.ID, "s", "t", 403}} {
		q := p
		if w.token != "" {
			q = map[string]string{"SecurityToken": w.token}
			for k, v := range p {
				q[k] = v
			}
		}
		if status, got := answer(t, get(t, srv.URL, signV1("GET", w.id, w.secret, w.id, now, q))); status != w.status {
			t.Errorf("%s: %d %v", w.id, status, got)
		}
	}
	if status, _ := ask(t, srv, &n, "ecs", "DescribeImages"); status != 403 {
		t.Error("a member's administrator is not reached")
	}
	// A folder without any Allow is an allow-list of nothing.
	s.View(func(st *double.State) { st.Directory.Attachments["fd-careless001"] = nil })
	if status, got := ask(t, srv, &n, "sts", "AssumeRole", "RoleArn", "acs:ram::1000000000000001:role/image-pipeline", "RoleSessionName", "x"); status != 403 {
		t.Errorf("%d %v", status, got)
	}
}

// Control policies are switched on in steps.
func TestEnableControlPolicy(t *testing.T) {
	state := double.Careless(now)
	state.Directory.Status = "Disabled"
	state.Directory.Attachments = nil
	state.Directory.PendingPolls = 1
	for _, k := range state.Accounts[0].Keys {
		k.User = "governor"
	}
	state.Accounts[1].Keys, state.Accounts[0].Keys = state.Accounts[0].Keys, nil // the admin's key now opens the management account
	_, srv := serve(t, double.Options{State: state})
	n := 0
	var seen []string
	for _, action := range []string{"GetControlPolicyEnablementStatus", "EnableControlPolicy", "GetControlPolicyEnablementStatus", "GetControlPolicyEnablementStatus"} {
		state.Directory.PendingPolls = max(0, state.Directory.PendingPolls)
		_, got := ask(t, srv, &n, "directory", action)
		seen = append(seen, fmt.Sprint(got["EnablementStatus"]))
	}
	if strings.Join(seen, " ") != "Disabled PendingEnable Enabled Enabled" {
		t.Error(seen)
	}
	_, got := ask(t, srv, &n, "resourcemanager", "ListTargetAttachmentsForControlPolicy", "PolicyId", "FullAliyunAccess")
	if got["TotalCount"] != 4.0 {
		t.Errorf("%v", got)
	}
}

func TestRate(t *testing.T) {
	_, srv := serve(t, double.Options{Rate: map[string]int{"ecs": 3}})
	n, refused := 0, 0
	for range 5 {
		if _, got := ask(t, srv, &n, "ecs", "DescribeRegions"); got["Code"] == "Throttling.User" {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of 5 were throttled", refused)
	}
	if status, _ := ask(t, srv, &n, "sts", "GetCallerIdentity"); status != 200 {
		t.Error("another product is throttled too")
	}
}

// The state can be stored and served again.
func TestStateIsJSON(t *testing.T) {
	text, err := json.Marshal(double.Careless(now))
	if err != nil {
		t.Fatal(err)
	}
	var state double.State
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	_, srv := serve(t, double.Options{State: &state})
	n := 0
	_, got := ask(t, srv, &n, "ecs", "DescribeImages", "ImageOwnerAlias", "self")
	if got["TotalCount"] != 4.0 {
		t.Errorf("%v", got)
	}
}

// The images that an account sees, by alias.
func TestImagesByAlias(t *testing.T) {
	_, srv := serve(t, double.Options{})
	n := 0
	for alias, want := range map[string]float64{"self": 4, "system": 2, "others": 0, "marketplace": 0} {
		if _, got := ask(t, srv, &n, "ecs", "DescribeImages", "ImageOwnerAlias", alias); got["TotalCount"] != want {
			t.Errorf("%s: %v, want %v", alias, got["TotalCount"], want)
		}
	}
	if _, got := ask(t, srv, &n, "ecs", "DescribeImages", "ImageOwnerAlias", "others", "IsPublic", "true"); got["TotalCount"] != 1.0 {
		t.Errorf("community: %v", got["TotalCount"])
	}
}

// Listen serves loopback addresses and nothing else.
func TestListen(t *testing.T) {
	s := double.New(double.Options{})
	for _, bad := range []string{"0.0.0.0:0", ":0", "localhost:0", "10.1.2.3:0", "127.0.0.1"} {
		if _, _, err := s.Listen(t.Context(), bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// Every API of the metadata's table is served.
func TestTableIsServed(t *testing.T) {
	_, srv := serve(t, double.Options{})
	text, err := os.ReadFile("params.txt")
	if err != nil {
		t.Fatal(err)
	}
	id, secret := admin()
	for i, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "#" {
			continue
		}
		signed := signV1("GET", id, secret, fmt.Sprint("n", i), now, map[string]string{"Action": f[2], "Version": f[1]})
		if _, got := answer(t, get(t, srv.URL, signed)); got["Code"] == "UnsupportedOperation" || got["Code"] == "InvalidAction.NotFound" {
			t.Errorf("%s:%s: %v", f[0], f[2], got["Code"])
		}
	}
}

// FuzzServe: whatever is asked, by one who may do everything, is answered with
// JSON.
func FuzzServe(f *testing.F) {
	f.Add("DescribeImages", "2014-05-26", "PageNumber=3&PageSize=1")
	f.Add("RunCommand", "2014-05-26", "Type=RunShellScript&InstanceId.1=i-careless001&CommandContent=aWQ%3D&ContentEncoding=Base64&EnableParameter=true&Parameters=%7B%22a%22%3A%22b%22%7D")
	f.Add("DescribeInstances", "2014-05-26", "NextToken=t-1&InstanceIds=%5B%22i-1%22%5D")
	f.Add("ListUsers", "2015-05-01", "Marker=m-1&MaxItems=2")
	f.Add("CreatePolicy", "2015-05-01", "PolicyName=a&PolicyDocument=%7B%22Version%22%3A%221%22%7D")
	f.Add("DecodeDiagnosticMessage", "2015-05-01", "EncodedDiagnosticMessage=AQEAAAAAe30%3D")
	f.Add("AssumeRole", "2015-04-01", "RoleArn=acs:ram::1000000000000001:role/image-pipeline&RoleSessionName=x")
	f.Add("CreateResourceShare", "2020-01-10", "ResourceShareName=x&ResourceArns.1=acs:ecs:::snapshot/s&Targets.1=rd-1")
	f.Add("LookupEvents", "2020-07-06", "LookupAttribute.1.Key=EventName&LookupAttribute.1.Value=x&StartTime=2026-01-01T00:00:00Z")
	f.Add("ImportKeyPair", "2014-05-26", "KeyPairName=x&PublicKeyBody=ssh-ed25519+AAAA")
	f.Add("ListAncestors", "2020-03-31", "ChildId=1000000000000001")
	s := double.New(double.Options{State: double.Careless(now), Now: func() time.Time { return now }})
	id, secret := admin()
	n := 0
	f.Fuzz(func(t *testing.T, action, version, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		p := map[string]string{}
		for k, v := range q {
			p[k] = v[0]
		}
		p["Action"], p["Version"] = action, version
		n++
		signed := signV1("GET", id, secret, fmt.Sprint(n), now, p)
		values := url.Values{}
		for k, v := range signed {
			values.Set(k, v)
		}
		r := httptest.NewRequest(http.MethodGet, "/?"+values.Encode(), nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
	})
}
