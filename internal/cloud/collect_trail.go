package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxEvents bounds the events of one name in one region: ActionTrail answers
// two calls a second, fifty events each.
const maxEvents = 10_000

var errEnough = errors.New("enough")

// trail asks ActionTrail for the calls that matter. The trail of a region
// holds the calls made in that region.
func (k *collector) trail(region string) {
	from := k.o.Now.AddDate(0, 0, -k.s.TrailDays).UTC().Format(time.RFC3339)
	to := k.o.Now.UTC().Format(time.RFC3339)
	for _, want := range trailEvents {
		n := 0
		params := in(region, "StartTime", from, "EndTime", to, "LookupAttribute.1.Key", "EventName", "LookupAttribute.1.Value", want.name)
		delete(params, "RegionId") // the region is the endpoint's
		err := each(k, lookupEvents, region, params, func(a eventAnswer) error {
			if n++; n > maxEvents {
				return errEnough
			}
			e, ok := a.event(region, want.launch)
			if ok {
				add(k, &k.s.Events, e)
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			k.limit(lookupEvents, region, "only the latest %d %s events of %d days were read", maxEvents, want.name, k.s.TrailDays)
			continue
		}
		if err != nil {
			k.failed(lookupEvents, region, err)
			return // the next name would meet the same
		}
	}
}

// eventAnswer is an event as LookupEvents (2020-07-06) gives it.
type eventAnswer struct {
	EventId, EventName, EventTime, AcsRegion, SourceIpAddress, ErrorCode, ResourceName string
	UserIdentity                                                                       struct{ Type, UserName, PrincipalId string }
	RequestParameters, ReferencedResources                                             json.RawMessage // objects, in most events
	RequestParameterJson                                                               string
}

// keptParams are the request parameters that a check looks at, by name or by
// the part before the first dot. Nothing else of a request is kept.
var keptParams = map[string]bool{"PasswordInherit": true, "ImageId": true, "SnapshotId": true, "OSSBucket": true, "AddAccount": true,
	"RemoveAccount": true, "AddGroup": true, "IsPublic": true, "ResourceShareName": true, "ResourceShareId": true, "Targets": true, "Resources": true,
	"AllowExternalTargets": true, "LaunchTemplateId": true, "InstanceId": true, "DiskId": true, "KeyPairName": true}

// event keeps what matters; launches only when they hand on a password.
func (a *eventAnswer) event(region string, launch bool) (Event, bool) {
	e := Event{ID: a.EventId, Name: a.EventName, Region: region, Time: a.EventTime, User: a.UserIdentity.UserName,
		UserType: a.UserIdentity.Type, Source: a.SourceIpAddress, Error: a.ErrorCode, Params: map[string]string{}}
	var params map[string]json.RawMessage
	if json.Unmarshal(a.RequestParameters, &params) != nil || len(params) == 0 {
		_ = json.Unmarshal([]byte(a.RequestParameterJson), &params) // an event without parameters is one, too
	}
	var referenced map[string][]string
	_ = json.Unmarshal(a.ReferencedResources, &referenced) // some events have none, some a string
	for name, v := range params {
		head, _, _ := strings.Cut(name, ".")
		if keptParams[head] && len(e.Params) < 100 {
			e.Params[name] = fmt.Sprintf("%.500s", unquote(v))
		}
	}
	for _, s := range []string{"Password", "KeyPairName"} { // that it was given, never what
		if len(params[s]) > 0 && string(params[s]) != `""` {
			e.Params["has"+s] = "true"
		}
	}
	for _, ids := range referenced {
		e.Resource = append(e.Resource, ids[:min(len(ids), 100)]...)
	}
	if len(e.Resource) == 0 && a.ResourceName != "" {
		e.Resource = strings.FieldsFunc(a.ResourceName, func(r rune) bool { return r == ';' || r == ',' })
	}
	return e, !launch || strings.EqualFold(e.Params["PasswordInherit"], "true")
}

func asError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
