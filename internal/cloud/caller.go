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
// that says no. Paging is the caller's, see internal/cloud/aliyun's table.
type Caller interface {
	Call(ctx context.Context, r Request) (json.RawMessage, error)
}

// A Pager is a Caller that also walks listings. Pages calls yield with every
// page of a listing in order, however the API counts its pages; r names no page
// itself. An error of yield ends the walk and is returned as it is. A listing
// whose token comes back twice, or that does not end, is an error.
type Pager interface {
	Caller
	Pages(ctx context.Context, r Request, yield func(page json.RawMessage) error) error
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
