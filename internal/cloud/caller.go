package cloud

import (
	"context"
	"encoding/json"
	"fmt"

	"assay/finding"
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
// that says no. Lists are walked by API.Each.
type Caller interface {
	Call(ctx context.Context, r Request) (json.RawMessage, error)
}

// An Error is what the cloud answered when it refused a call, or, with Status
// 0 and Err set, why no answer came.
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
	Hint       finding.Text // what the reader can do; empty if nothing is known
	Err        error        // below HTTP: context.Canceled, a lost connection; never holds a URL
}

// Unwrap returns the cause below HTTP, nil for an answer.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s:%s: no answer (%s): %s", e.Product, e.Action, e.Code, e.Message)
	}
	return fmt.Sprintf("%s:%s answered %s (%d): %s [request %s]", e.Product, e.Action, e.Code, e.Status, e.Message, e.RequestID)
}
