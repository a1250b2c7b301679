package policy

import "strings"

// A Request is one call of an API as the policy engine sees it.
type Request struct {
	Action   string // "ecs:RunInstances"; case does not count
	Resource string // "acs:ecs:cn-hangzhou:123:image/m-1"; "" is "*", what most create actions are checked with
	// Context holds the condition keys that the service sends, each with its
	// values. Keys are compared exactly.
	Context map[string][]string
	// Unknown are keys of which no documentation says whether the service sends
	// them with this request, or with which value; with the reason.
	Unknown   map[string]Text
	Principal Principal
}

// A PrincipalKind says which rules a caller is under.
type PrincipalKind int

// The kinds.
const (
	User              PrincipalKind = iota // RAM user
	Role                                   // RAM role, also an ordinary service role
	ServiceLinkedRole                      // a service acts: control policies do not reach it
	Root                                   // the account itself: RAM policies and control policies do not reach it
)

// A Principal is who calls.
type Principal struct {
	Kind    PrincipalKind
	ARN     string // "acs:ram::123:user/alice"; the value of acs:PrincipalARN
	Service string // "ecs.aliyuncs.com", when a service calls (AssumeRole)
}

// principalKey is the context key that holds the caller's ARN.
const principalKey = "acs:PrincipalARN"

// get returns the values of a condition key.
func (r *Request) get(key string) ([]string, bool) {
	v, ok := r.Context[key]
	return v, ok && len(v) > 0
}

func (r *Request) resource() string {
	if r.Resource == "" {
		return "*"
	}
	return r.Resource
}

// account is the number of the account that the caller belongs to.
func (p Principal) account() string {
	parts := strings.SplitN(p.ARN, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}
