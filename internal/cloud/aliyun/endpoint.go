package aliyun

import "strings"

// endpoints are the addresses of each product, the best first; {} stands for
// the region. The next is tried where the name of one does not exist: young
// regions lack old names, and old regions some young ones.
// Source: the endpoint tables of the official SDKs.
var endpoints = map[string][]string{
	"ecs":             {"ecs.{}.aliyuncs.com", "ecs-{}.aliyuncs.com", "ecs.aliyuncs.com"},
	"ess":             {"ess.{}.aliyuncs.com", "ess.aliyuncs.com"},
	"ram":             {"ram.aliyuncs.com"},
	"sts":             {"sts.aliyuncs.com", "sts.{}.aliyuncs.com"},
	"resourcemanager": {"resourcemanager.aliyuncs.com"},
	"resourcesharing": {"resourcesharing.{}.aliyuncs.com"},
	"actiontrail":     {"actiontrail.{}.aliyuncs.com"},
}

// candidates lists the addresses of a product in a region.
func candidates(product, region string) []string {
	var out []string
	for _, e := range endpoints[product] {
		out = append(out, strings.ReplaceAll(e, "{}", region))
	}
	return out
}

// regional reports whether a product is asked region by region.
func regional(product string) bool {
	return len(endpoints[product]) > 0 && strings.Contains(endpoints[product][0], "{}")
}
