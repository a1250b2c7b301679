package double

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// essActions are the calls of Auto Scaling.
func essActions() map[string]action {
	return map[string]action{
		"ess:DescribeRegions":               {run: describeRegions},
		"ess:DescribeScalingGroups":         {run: describeScalingGroups},
		"ess:DescribeScalingConfigurations": {run: describeScalingConfigurations},
	}
}

func describeScalingGroups(c *call) (obj, *fail) {
	ids := c.list("ScalingGroupId")
	list := filter(c.here().ScalingGroups, func(g *ScalingGroup) bool { return ids == nil || slices.Contains(ids, g.ID) })
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 50, out)
	if f != nil {
		return nil, f
	}
	out["ScalingGroups"] = obj{"ScalingGroup": some(list, from, to, func(g *ScalingGroup) obj {
		state := g.State
		if state == "" {
			state = "Active"
		}
		return obj{"ScalingGroupId": g.ID, "ScalingGroupName": g.Name, "LifecycleState": state, "ActiveScalingConfigurationId": g.Config, "LaunchTemplateId": g.Template,
			"LaunchTemplateVersion": g.TemplateVersion, "MinSize": g.Min, "MaxSize": g.Max, "DesiredCapacity": g.Desired, "TotalCapacity": g.Desired,
			"RegionId": c.region, "CreationTime": minute(g.Created), "GroupType": "ECS", "Tags": obj{"Tag": []obj{}}}
	})}
	return out, nil
}

func describeScalingConfigurations(c *call) (obj, *fail) {
	ids := c.list("ScalingConfigurationId")
	list := filter(c.here().ScalingConfigs, func(s *ScalingConfig) bool {
		return (ids == nil || slices.Contains(ids, s.ID)) && (c.str("ScalingGroupId") == "" || s.Group == c.str("ScalingGroupId"))
	})
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 50, out)
	if f != nil {
		return nil, f
	}
	out["ScalingConfigurations"] = obj{"ScalingConfiguration": some(list, from, to, func(s *ScalingConfig) obj {
		return obj{"ScalingConfigurationId": s.ID, "ScalingConfigurationName": s.Name, "ScalingGroupId": s.Group, "ImageId": s.Image, "KeyPairName": s.KeyPair,
			"InstanceType": s.InstanceType, "InstanceTypes": obj{"InstanceType": []string{s.InstanceType}}, "PasswordInherit": s.PasswordInherit, "PasswordSetted": false,
			"ImageOptions.LoginAsNonRoot": s.LoginAsNonRoot, "UserData": s.UserData, "RamRoleName": s.Role, "CreationTime": minute(s.Created),
			"LifecycleState": map[bool]string{true: "Inactive", false: "Active"}[s.Inactive], "Tags": obj{"Tag": []obj{}}}
	})}
	return out, nil
}

// trail are the calls of ActionTrail.
func trail() map[string]action {
	return map[string]action{"actiontrail:LookupEvents": {run: lookupEvents}}
}

// lookupEvents tells the events of a region, the latest first, of the last
// seven days unless the call says otherwise.
func lookupEvents(c *call) (obj, *fail) {
	from, to := c.now.AddDate(0, 0, -7), c.now
	for _, b := range []struct {
		name string
		at   *time.Time
	}{{"StartTime", &from}, {"EndTime", &to}} {
		v := c.str(b.name)
		if v == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return nil, invalid(b.name, v)
		}
		*b.at = t
	}
	list := filter(c.s.state.Events, func(e *Event) bool {
		return e.Account == c.acct.ID && e.Region == c.region && !e.Time.Before(from) && !e.Time.After(to) && c.looksFor(e)
	})
	slices.SortStableFunc(list, func(a, b *Event) int { return b.Time.Compare(a.Time) })
	if c.str("Direction") == "FORWARD" {
		slices.Reverse(list)
	}
	out := obj{"StartTime": stamp(from), "EndTime": stamp(to)}
	first, last, f := tokened(c, len(list), 20, 50, out)
	if f != nil {
		return nil, f
	}
	out["Events"] = some(list, first, last, (*Event).describe)
	return out, nil
}

// looksFor compares an event with the call's LookupAttributes.
func (c *call) looksFor(e *Event) bool {
	for i := 1; ; i++ {
		p := "LookupAttribute." + strconv.Itoa(i)
		key, ok := c.p[p+".Key"]
		if !ok {
			return true
		}
		have := map[string]string{"EventName": e.Name, "ServiceName": e.Service, "User": e.User, "EventId": e.ID, "ResourceName": e.Resource, "ResourceType": e.ResourceType,
			"EventRW": e.RW}[key]
		if have != c.str(p+".Value") {
			return false
		}
	}
}

func (e *Event) describe() obj {
	params := obj{}
	for k, v := range e.Params {
		params[k] = v
	}
	o := obj{"eventId": e.ID, "eventName": e.Name, "eventSource": e.Source, "eventTime": stamp(e.Time), "eventType": "ApiCall", "eventRW": e.RW, "eventVersion": "1",
		"serviceName": e.Service, "acsRegion": e.Region, "sourceIpAddress": e.IP, "requestId": e.ID, "requestParameters": params, "isGlobal": false,
		"userAgent": "AlibabaCloud", "userIdentity": obj{"type": e.UserType, "userName": e.User, "accountId": e.Account, "principalId": e.User, "accessKeyId": ""}}
	if e.Error != "" {
		o["errorCode"], o["errorMessage"] = e.Error, e.Error
	}
	if e.Resource != "" {
		o["resourceName"], o["resourceType"] = e.Resource, e.ResourceType
		o["referencedResources"] = obj{e.ResourceType: strings.Split(e.Resource, ";")}
	}
	return o
}
