package aliyun_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

// Every style of paging gives every entry once, however many there are.
func TestPagesAreWhole(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 1234} {
		state := double.Large(time.Now(), n, n, n)
		prod := state.Accounts[0]
		for i := range n {
			prod.Users = append(prod.Users, &double.User{Name: fmt.Sprintf("u%d", i)})
			prod.Shares[0].Targets = append(prod.Shares[0].Targets, double.SharedTarget{ID: strconv.Itoa(i)})
			state.Events = append(state.Events, &double.Event{ID: fmt.Sprintf("e%d", i), Account: prod.ID, Region: "cn-hangzhou", Time: time.Now().Add(-time.Hour)})
		}
		_, endpoint := start(t, double.Options{State: state})
		c := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAuditor")})
		for _, w := range []struct {
			product, action, id string
			extra               int // what the careless company has besides
			params              map[string]string
		}{
			{"ecs", "DescribeImages", "ImageId", 4, map[string]string{"ImageOwnerAlias": "self"}},
			{"ecs", "DescribeSnapshots", "SnapshotId", 2, nil},
			{"ecs", "DescribeInstances", "InstanceId", 4, nil},
			{"ram", "ListUsers", "UserName", 3, nil},
			{"resourcesharing", "ListResourceShareAssociations", "EntityId", 2, map[string]string{"AssociationType": "Target"}},
			{"actiontrail", "LookupEvents", "eventId", 1, nil},
		} {
			seen := map[string]bool{}
			err := reading(t, w.product, w.action).Each(t.Context(), c, "", w.params, func(item json.RawMessage) error {
				var o map[string]any
				if err := json.Unmarshal(item, &o); err != nil {
					return err
				}
				seen[o[w.id].(string)] = true
				return nil
			})
			if err != nil || len(seen) != n+w.extra {
				t.Errorf("%s of %d: %d, %v", w.action, n+w.extra, len(seen), err)
			}
		}
	}
}

// reading is how the collector walks a list.
func reading(t testing.TB, product, action string) cloud.API {
	t.Helper()
	for _, a := range cloud.Reads() {
		if a.Product == product && a.Action == action {
			return a
		}
	}
	t.Fatalf("%s:%s is not read", product, action)
	return cloud.API{}
}

// A caller that answers from a function.
type answers func(n int, r cloud.Request) string

type scripted struct {
	f answers
	n int
}

func (s *scripted) Call(_ context.Context, r cloud.Request) (json.RawMessage, error) {
	s.n++
	return json.RawMessage(s.f(s.n, r)), nil
}

// A listing that goes round or does not end is an error, soon.
func TestPagesEnd(t *testing.T) {
	for _, w := range []struct {
		name, product, action string
		f                     answers
		calls                 int
	}{
		{"same token", "ecs", "DescribeSnapshots", func(int, cloud.Request) string { return `{"NextToken":"a","Snapshots":{"Snapshot":[{}]}}` }, 2},
		{"round of three", "ecs", "DescribeSnapshots", func(n int, _ cloud.Request) string { return fmt.Sprintf(`{"NextToken":"%d"}`, n%3) }, 4},
		{"endless tokens", "ecs", "DescribeSnapshots", func(n int, _ cloud.Request) string { return fmt.Sprintf(`{"NextToken":"%d"}`, n) }, 20_000},
		{"page again", "ecs", "DescribeImages", func(int, cloud.Request) string { return `{"TotalCount":500,"Images":{"Image":[{"ImageId":"m-1"}]}}` }, 2},
		{"endless pages", "ecs", "DescribeImages", func(n int, _ cloud.Request) string {
			return fmt.Sprintf(`{"TotalCount":2000000000,"Images":{"Image":[{"ImageId":"%d"}]}}`, n)
		}, 20_000},
		{"no marker", "ram", "ListUsers", func(int, cloud.Request) string { return `{"IsTruncated":true}` }, 1},
		{"same marker", "ram", "ListUsers", func(int, cloud.Request) string { return `{"IsTruncated":true,"Marker":"m"}` }, 2},
		{"no list", "ecs", "DescribeImages", func(int, cloud.Request) string { return `{"TotalCount":1,"Images":{"Image":7}}` }, 1},
		{"no object", "ecs", "DescribeImages", func(int, cloud.Request) string { return `[]` }, 1},
	} {
		s := &scripted{f: w.f}
		err := reading(t, w.product, w.action).Each(t.Context(), s, "", nil, func(json.RawMessage) error { return nil })
		var e *cloud.Error
		if coded := errors.As(err, &e) && e.Code == cloud.CodePaging; coded == strings.HasPrefix(w.name, "no ") && w.name != "no marker" || err == nil || s.n != w.calls {
			t.Errorf("%s: %v after %d calls", w.name, err, s.n)
		}
	}
}

func TestPagesStop(t *testing.T) {
	s := &scripted{f: func(n int, _ cloud.Request) string {
		return fmt.Sprintf(`{"NextToken":"%d","Snapshots":{"Snapshot":[{},{}]}}`, n)
	}}
	enough := errors.New("enough")
	n := 0
	err := reading(t, "ecs", "DescribeSnapshots").Each(t.Context(), s, "", nil, func(json.RawMessage) error {
		if n++; n == 5 {
			return enough
		}
		return nil
	})
	if err != enough || s.n != 3 {
		t.Errorf("%v after %d calls", err, s.n)
	}
	// A service that gives shorter pages than it was asked for loses nothing.
	n, s = 0, &scripted{f: func(k int, _ cloud.Request) string {
		return fmt.Sprintf(`{"TotalCount":250,"Images":{"Image":[%s{"ImageId":"m-%d"}]}}`, strings.Repeat(fmt.Sprintf(`{"ImageId":"x-%d"},`, k), 49), k)
	}}
	if err := reading(t, "ecs", "DescribeImages").Each(t.Context(), s, "", nil, func(json.RawMessage) error { n++; return nil }); err != nil || n != 250 {
		t.Errorf("%d of 250, %v", n, err)
	}
	// What lessens while it is read ends with an empty page.
	s = &scripted{f: func(n int, _ cloud.Request) string {
		if n > 1 {
			return `{"TotalCount":2}`
		}
		return `{"TotalCount":2,"Images":{"Image":[{}]}}`
	}}
	if err := reading(t, "ecs", "DescribeImages").Each(t.Context(), s, "", nil, func(json.RawMessage) error { return nil }); err != nil || s.n != 2 {
		t.Errorf("%v after %d calls", err, s.n)
	}
}

// The parameters of the caller stay as they were.
func TestPagesLeaveParams(t *testing.T) {
	params := map[string]string{"SnapshotIds": "[]"}
	s := &scripted{f: func(n int, _ cloud.Request) string { return `{}` }}
	if err := reading(t, "ecs", "DescribeSnapshots").Each(t.Context(), s, "", params, func(json.RawMessage) error { return nil }); err != nil || len(params) != 1 {
		t.Error(err, params)
	}
}

// FuzzPages: no answer makes the walk panic or run for ever.
func FuzzPages(f *testing.F) {
	f.Add(`{"NextToken":"a","Snapshots":{"Snapshot":[{}]}}`, uint8(0))
	f.Add(`{"TotalCount":3,"Images":{"Image":[{"ImageId":"m-1"}]}}`, uint8(1))
	f.Add(`{"IsTruncated":true,"Marker":"m"}`, uint8(2))
	f.Add(`{"Invocation":{"NextToken":"x","InvocationResults":null}}`, uint8(3))
	kinds := []cloud.API{reading(f, "ecs", "DescribeSnapshots"), reading(f, "ecs", "DescribeImages"), reading(f, "ram", "ListUsers"), reading(f, "ecs", "DescribeRegions")}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		s := &scripted{f: func(n int, _ cloud.Request) string {
			if n > 3 {
				return `{}`
			}
			return text
		}}
		_ = kinds[int(kind)%len(kinds)].Each(t.Context(), s, "", nil, func(json.RawMessage) error { return nil })
	})
}
