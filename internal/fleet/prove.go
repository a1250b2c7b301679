package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"assay/finding"
	"assay/internal/cloud"
)

// A Proof is what the cloud itself answered to a call that must be refused.
type Proof struct {
	Action  string // "ecs:ExportImage"
	Title   finding.Text
	Blocked bool
	Open    bool   // the call would have worked
	Code    string // of the answer
	Detail  string // the cloud's words, when neither
	// By are the policies that matched, as DecodeDiagnosticMessage names them.
	By []ProofPolicy
	// Conditions are the condition keys that the service really sent.
	Conditions map[string][]string
	DenyType   string
}

// A ProofPolicy is one policy that decided.
type ProofPolicy struct{ Name, Type, Version, Effect, Attached string }

// dryRun is the code of "everything is in order, nothing was done".
const dryRun = "DryRunOperation"

// Prove sends the calls that the denials forbid, with DryRun: nothing is done
// whatever the answer. asked is who must be refused; decoder may ask for the
// explanation (ram:DecodeDiagnosticMessage), nil for asked itself. The image
// must be one that asked could share.
func Prove(ctx context.Context, asked, decoder cloud.Caller, region, image, stranger string) ([]Proof, error) {
	if decoder == nil {
		decoder = asked
	}
	calls := []struct {
		title  finding.Text
		action string
		params map[string]string
	}{
		{finding.T("launch with the image's password", "使用镜像预设密码创建实例"), "RunInstances", map[string]string{"ImageId": image, "InstanceType": "ecs.g7.large", "PasswordInherit": "true"}},
		{finding.T("export an image", "导出镜像"), "ExportImage", map[string]string{"ImageId": image, "OSSBucket": "assay-proof-never-made"}},
		{finding.T("share an image", "共享镜像"), "ModifyImageSharePermission", map[string]string{"ImageId": image, "AddAccount.1": stranger}},
	}
	var out []Proof
	for _, k := range calls {
		k.params["DryRun"] = "true"
		_, err := asked.Call(ctx, cloud.Request{Product: "ecs", Action: k.action, Region: region, Params: k.params})
		var e *cloud.Error
		if err != nil && !errors.As(err, &e) {
			return out, err
		}
		p := Proof{Action: "ecs:" + k.action, Title: k.title}
		switch {
		case e == nil || e.Code == dryRun:
			p.Open, p.Code = true, dryRun
		case cloud.Denied(e):
			p.Blocked, p.Code, p.DenyType = true, e.Code, e.DenyType
			p.decode(ctx, decoder, e)
		case e.Status == 0:
			return out, err
		default:
			p.Code, p.Detail = e.Code, e.Message
		}
		out = append(out, p)
	}
	return out, nil
}

// decode asks which policy it was. Without an answer the refusal stands, and
// Detail says why nobody knows the policy.
func (p *Proof) decode(ctx context.Context, c cloud.Caller, e *cloud.Error) {
	if e.Diagnostic == "" {
		p.Detail = "the service gave no diagnostic message"
		return
	}
	var a struct {
		DecodedDiagnosticMessage struct {
			ExplicitDeny    json.RawMessage
			MatchedPolicies json.RawMessage
			AuthConditions  json.RawMessage
		}
	}
	err := call(ctx, c, "ram", "DecodeDiagnosticMessage", map[string]string{"EncodedDiagnosticMessage": e.Diagnostic}, &a)
	var no *cloud.Error
	if errors.As(err, &no) && cloud.Denied(no) {
		p.Detail = "which policy, only a caller with ram:DecodeDiagnosticMessage learns"
		return
	}
	if err != nil {
		p.Detail = fmt.Sprintf("the diagnostic message could not be decoded: %v", err)
		return
	}
	p.Conditions = map[string][]string{}
	for _, b := range unwrap(a.DecodedDiagnosticMessage.AuthConditions) {
		var x struct {
			ConditionKey    string
			ConditionValues json.RawMessage
		}
		if json.Unmarshal(b, &x) == nil { // an explanation: what cannot be read is left out
			for _, v := range unwrap(x.ConditionValues) {
				var s string
				_ = json.Unmarshal(v, &s)
				p.Conditions[x.ConditionKey] = append(p.Conditions[x.ConditionKey], s)
			}
		}
	}
	for _, b := range unwrap(a.DecodedDiagnosticMessage.MatchedPolicies) {
		var x struct{ PolicyIdentifier, PolicyType, PolicyVersion, Effect, AttachedEntityType, AttachedScope string }
		if json.Unmarshal(b, &x) == nil {
			p.By = append(p.By, ProofPolicy{x.PolicyIdentifier, x.PolicyType, x.PolicyVersion, x.Effect, x.AttachedEntityType + " " + x.AttachedScope})
		}
	}
}

// unwrap reads a list, wrapped ({"MatchedPolicy": […]}) or not.
func unwrap(b json.RawMessage) (out []json.RawMessage) {
	if json.Unmarshal(b, &out) == nil {
		return out
	}
	var m map[string][]json.RawMessage
	_ = json.Unmarshal(b, &m) // neither: nothing
	for _, v := range m {
		out = append(out, v...)
	}
	return out
}
