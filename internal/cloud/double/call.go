package double

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An obj is a JSON object.
type obj map[string]any

// An action is how one API is answered.
type action struct {
	run func(*call) (obj, *fail)
	// targets lists what the call is checked with; nil means "*" and no keys.
	targets func(*call) []target
	write   bool // changes something: ActionTrail remembers it as Write
	quiet   bool // ActionTrail does not remember it
	open    bool // every caller may, without any policy
}

// A target is one resource of a call, with the condition keys that the service
// sends for it.
type target struct {
	resource string
	keys     map[string][]string
}

// A call is one request on its way.
type call struct {
	s               *Server
	r               *http.Request
	id              string
	now             time.Time
	sig             *signed
	api             *api
	product, action string
	p               map[string]string
	key             *AccessKey
	acct            *Account
	region          string
}

// A fail is a refusal.
type fail struct {
	status        int
	code, message string
	detail        obj // AccessDeniedDetail
}

func refuse(status int, code, message string) *fail {
	return &fail{status: status, code: code, message: message}
}

// body is the shape in which the service refuses.
func (f *fail) body(id, host string) obj {
	out := obj{"RequestId": id, "HostId": host, "Code": f.code, "Message": f.message,
		"Recommend": "https://api.aliyun.com/troubleshoot?q=" + f.code + "&requestId=" + id}
	if f.detail != nil {
		out["AccessDeniedDetail"] = f.detail
	}
	return out
}

func (c *call) str(name string) string { return c.p[name] }

func (c *call) flag(name string) bool { return strings.EqualFold(c.p[name], "true") }

func (c *call) num(name string, otherwise int) int {
	if n, err := strconv.Atoi(c.p[name]); err == nil {
		return n
	}
	return otherwise
}

// list reads Name.1, Name.2, … until the first gap.
func (c *call) list(name string) []string {
	var out []string
	for i := 1; ; i++ {
		v, ok := c.p[name+"."+strconv.Itoa(i)]
		if !ok {
			return out
		}
		out = append(out, v)
	}
}

// array reads a parameter that is a JSON list of strings: InstanceIds.
func (c *call) array(name string) ([]string, *fail) {
	if c.p[name] == "" {
		return nil, nil
	}
	var out []string
	if err := json.Unmarshal([]byte(c.p[name]), &out); err != nil {
		return nil, invalid(name, c.p[name])
	}
	return out, nil
}

// tags reads Tag.1.Key and Tag.1.Value.
func (c *call) tags() []Tag {
	var out []Tag
	for i := 1; ; i++ {
		p := "Tag." + strconv.Itoa(i)
		k, ok := c.p[p+".Key"]
		if !ok {
			return out
		}
		out = append(out, Tag{k, c.p[p+".Value"]})
	}
}

// tagged reports whether have fulfils the wanted tags; a wanted tag without
// value stands for any value.
func tagged(have, want []Tag) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(t Tag) bool { return t.Key == w.Key && (w.Value == "" || t.Value == w.Value) }) {
			return false
		}
	}
	return true
}

// dryRun is the answer to a call that asks only whether it would work.
func (c *call) dryRun() *fail {
	if !c.flag("DryRun") {
		return nil
	}
	return refuse(400, "DryRunOperation", "Request validation has been passed with DryRun flag set.")
}

func (c *call) here() *Region { return c.acct.region(c.region) }

// regionExists refuses regions that DescribeRegions does not list.
func (c *call) regionExists() *fail {
	if len(c.s.state.Regions) == 0 || slices.ContainsFunc(c.s.state.Regions, func(r RegionInfo) bool { return r.RegionID == c.region }) {
		return nil
	}
	return refuse(404, "InvalidRegionId.NotFound", "The RegionId provided does not exist in our records.")
}

// stamp is the service's time format, "" for no time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// minute is the format of ECS, which tells no seconds.
func minute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}
