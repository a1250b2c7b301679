package cloud

import (
	"context"
	"encoding/json"
	"fmt"
)

// A Request is one call of one API, as data. Parameters are flat, the way the
// RPC style writes them: "ImageId", "AddAccount.1", "Tag.1.Key".
type Request struct {
	Product string // RAM code in lower case: "ecs", "ram", "sts", "resourcemanager", "resourcesharing", "ess", "actiontrail"
	Action  string // "DescribeImages"
	Region  string // "" for products without regions
	Params  map[string]string
	// Secret names parameters that must never be shown, such as Password:
	// they travel in the body, and errors are cleaned of their values.
	Secret []string
}

// A Caller asks a cloud. Implementations are safe for concurrent use, retry
// what is worth retrying (throttling, 5xx, lost connections of calls that only
// read or carry a client token) within ctx, and return *Error for an answer
// that says no. Paging is the caller's, see internal/cloud/aliyun's table.
type Caller interface {
	Call(ctx context.Context, r Request) (json.RawMessage, error)
}

// An Error is what the cloud answered when it refused a call.
type Error struct {
	Product, Action, Region string
	Status                  int    // HTTP status
	Code                    string // "Forbidden.RAM", "Throttling.User", …
	Message                 string // the cloud's words, cleaned of secrets
	RequestID               string
	Recommend               string // address of a page that explains
	// Denied says that a policy forbids the call. Diagnostic is then what
	// DecodeDiagnosticMessage takes, "" when the cloud gave none.
	Denied     bool
	DenyType   string // AccessDeniedDetail.NoPermissionType: "ExplicitDeny", "ImplicitDeny"
	PolicyType string // AccessDeniedDetail.PolicyType
	Diagnostic string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%s answered %s (%d): %s [request %s]", e.Product, e.Action, e.Code, e.Status, e.Message, e.RequestID)
}
