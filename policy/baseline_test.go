package policy

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func outcomesOf(t *testing.T, scope Scope, ds ...*Document) map[string]Result {
	t.Helper()
	w, err := Assume(scope, ds)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Result{}
	for _, r := range CheckBaseline(w) {
		out[r.Scenario.ID] = r
	}
	return out
}

func written(t *testing.T, p Profile, s Scope, exempt ...string) (out []*Document) {
	t.Helper()
	ws, err := Write(p, s, exempt)
	if err != nil {
		t.Fatal(err)
	}
	limit := LimitIdentity
	if s == Enterprise {
		limit = LimitControlSafe
	}
	for _, w := range ws {
		d := parse(t, w.Name, w.Text)
		if len(d.Problems) > 0 || d.Minified != w.Size || w.Size > limit {
			t.Errorf("%s: %d characters, says %d; %v", w.Name, d.Minified, w.Size, d.Problems)
		}
		out = append(out, d)
	}
	return out
}

func TestBaselineIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Baseline() {
		if seen[s.ID] || !regexp.MustCompile(`^[a-z]+/[a-z-]+$`).MatchString(s.ID) {
			t.Errorf("ID %q", s.ID)
		}
		seen[s.ID] = true
		if s.Title.EN == "" || s.Title.ZH == "" || s.Why.EN == "" || s.Why.ZH == "" || len(s.Rows) == 0 || s.Severity == "" {
			t.Errorf("%s lacks something: %+v", s.ID, s)
		}
		if (s.Caller == ByNobody) != (len(s.Requests) == 0) {
			t.Errorf("%s: %d requests", s.ID, len(s.Requests))
		}
	}
}

// TestDocumentsAreReproduced: the published JSON, as published, and what Write
// makes of the profile "documents" say the same statement by statement.
func TestDocumentsAreReproduced(t *testing.T) {
	type policy struct{ Statement []map[string]any }
	var want, got policy
	for _, text := range []string{documentA, documentB} {
		var p policy
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		want.Statement = append(want.Statement, p.Statement...)
	}
	for _, s := range []Scope{Enterprise, ForUser} {
		ws, err := Write(Documents, s, nil)
		if err != nil || len(ws) != 1 {
			t.Fatal(ws, err)
		}
		got = policy{}
		if err := json.Unmarshal([]byte(ws[0].Text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v\nwant %v (%v)", s, got, want, err)
		}
	}
	// And in effect: the same matrix.
	for _, s := range []Scope{Enterprise, ForUser} {
		a, b := outcomesOf(t, s, docs(t, documentA, documentB)...), outcomesOf(t, s, written(t, Documents, s)...)
		for id := range a {
			if a[id].Outcome != b[id].Outcome {
				t.Errorf("%s %s: %v, %v", s, id, a[id].Outcome, b[id].Outcome)
			}
		}
	}
}

// TestDocumentAlone: A's policy blocks its three actions; every other path
// stays open and is named.
func TestDocumentAlone(t *testing.T) {
	for id, r := range outcomesOf(t, Enterprise, docs(t, documentA)...) {
		want := Open
		switch {
		case strings.HasPrefix(id, "inherit/") && r.Scenario.Published, id == "role/ros-inherit":
			want = Blocked
		case !r.Scenario.Closable():
			want = Beyond
		case id == "keep/launch":
			want = Works
		}
		if r.Outcome != want || want == Blocked && (r.By == nil || r.By.Document().Name != "p0.json") {
			t.Errorf("%s: %v, want %v (%v)", id, r.Outcome, want, r.Reason.EN)
		}
	}
}

// TestStrictClosesEveryPath that a policy can close, in both scopes, and keeps
// what must keep working; what another role does, only a control policy stops.
func TestStrictClosesEveryPath(t *testing.T) {
	admin := "acs:ram::*:role/image-admin"
	for _, s := range []Scope{Enterprise, ForUser} {
		for _, exempt := range [][]string{nil, {admin}} {
			for id, r := range outcomesOf(t, s, written(t, Strict, s, exempt...)...) {
				want := Blocked
				switch {
				case !r.Scenario.Closable():
					want = Beyond
				case r.Scenario.Want == Allowed:
					want = Works
				case s == ForUser && r.Scenario.Caller == ByOtherRole:
					want = Open
				}
				if r.Outcome != want {
					t.Errorf("%s %v %s: %v, want %v (%s)", s, exempt, id, r.Outcome, want, r.Reason.EN)
				}
			}
		}
	}
	// The exempt role may share, and may not launch with the image's password.
	ds := append(written(t, Strict, ForUser, admin), fullAccess("all"))
	p := Principal{Role, "acs:ram::1:role/image-admin", ""}
	for _, c := range []struct {
		r    Request
		want Decision
	}{{call("ecs:ModifyImageSharePermission"), Allowed}, {call("ecs:CreateLaunchTemplate"), Allowed}, {call("ecs:RunInstances", keyInherit, "true"), Denied}} {
		c.r.Principal = p
		if got, _ := Evaluate(set(t, Attachments{Identity: ds}), &c.r); got != c.want {
			t.Errorf("%s by the exempt role: %v", c.r.Action, got)
		}
	}
}

func TestWriteSplitsAndRefuses(t *testing.T) {
	var many []string
	for range 40 {
		many = append(many, "acs:ram::123456789012:role/a-role-with-quite-a-long-name-for-tests")
	}
	if ws := written(t, Strict, Enterprise, many[:8]...); len(ws) < 2 || len(ws) >= LimitAttachments {
		t.Errorf("%d documents", len(ws))
	}
	if _, err := Write(Strict, Enterprise, many); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Error(err)
	}
	for _, bad := range []string{"alice", "acs:ram::1:root", "arn:aws:iam::1:role/x", `acs:ram::1:role/x"`} {
		if _, err := Write(Strict, ForUser, []string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	var ros struct {
		Resources map[string]struct{ Properties map[string]any }
	}
	ws, _ := Write(Strict, Enterprise, nil)
	if err := json.Unmarshal([]byte(ROS(ws, Enterprise)), &ros); err != nil {
		t.Fatal(err)
	}
	for _, r := range ros.Resources {
		parse(t, "ros", r.Properties["PolicyDocument"].(string))
	}
}
