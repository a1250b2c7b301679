package aliyun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"assay/finding"
	"assay/internal/cloud"
)

// Codes of errors that are ours, not the service's: no answer came, or none
// that can be read. Their Status is 0, or that of the unreadable answer.
const (
	CodeUnknown     = "assay.UnknownAPI"     // not in Table
	CodeCredentials = "assay.Credentials"    // no credentials were found
	CodeCanceled    = "assay.Canceled"       // the context ended
	CodeTimeout     = "assay.Timeout"        // no answer in time
	CodeNoHost      = "assay.NoSuchHost"     // no address of the product exists
	CodeLost        = "assay.ConnectionLost" // the connection broke
	CodeBroken      = "assay.BrokenAnswer"   // an answer that is no JSON, or too large
)

// A credentialError says that there is no credential to sign with.
type credentialError struct{ text string }

func (e *credentialError) Error() string { return e.text }

func unknown(r cloud.Request) *cloud.Error {
	return &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Code: CodeUnknown, Message: "this API is not in the table of what assay may call"}
}

func credentialFault(product, action, region string, err error) *cloud.Error {
	e := &cloud.Error{Product: product, Action: action, Region: region, Code: CodeCredentials, Message: err.Error()}
	e.Hint.EN = "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, name a profile of the aliyun CLI with --profile, or run on an instance with a RAM role"
	e.Hint.ZH = "请设置环境变量 ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET，用 --profile 指定阿里云 CLI 的配置，或在绑定了实例 RAM 角色的 ECS 实例上运行"
	return e
}

// lost is the error of a call that got no answer.
func (c *Client) lost(r cloud.Request, err error) *cloud.Error {
	var cred *credentialError
	if errors.As(err, &cred) {
		return credentialFault(r.Product, r.Action, r.Region, cred)
	}
	e := &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Code: CodeLost, Message: err.Error(), Err: err}
	var dns *net.DNSError
	var wait net.Error
	switch {
	case err == context.Canceled, err == context.DeadlineExceeded: // the caller's; a try that took too long wraps the same error
		e.Code = CodeCanceled
	case errors.Is(err, errTooLarge):
		e.Code, e.Hint = CodeBroken, brokenHint
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Code = CodeNoHost
		e.Hint.EN = "the product has no address in this region, or this machine cannot resolve names: check the region and the network"
		e.Hint.ZH = "该地域没有此产品的接入地址，或本机无法解析域名：请检查地域和网络"
	case errors.As(err, &wait) && wait.Timeout():
		e.Code = CodeTimeout
		e.Hint.EN = "no answer in time: check network and proxy (HTTPS_PROXY), then try again"
		e.Hint.ZH = "未及时收到响应：请检查网络和代理（HTTPS_PROXY）后重试"
	default:
		e.Hint.EN = "the connection broke: check network and proxy (HTTPS_PROXY), then try again"
		e.Hint.ZH = "连接中断：请检查网络和代理（HTTPS_PROXY）后重试"
	}
	return e
}

// refusal is the shape in which the service says no.
type refusal struct {
	RequestID string `json:"RequestId"`
	Code      string `json:"Code"`
	Message   string `json:"Message"`
	Recommend string `json:"Recommend"`
	Detail    struct {
		Action     string `json:"AuthAction"`
		DenyType   string `json:"NoPermissionType"`
		PolicyType string `json:"PolicyType"`
		Diagnostic string `json:"EncodedDiagnosticMessage"`
	} `json:"AccessDeniedDetail"`
}

var brokenHint = finding.T("the answer was cut or is not the service's: check proxies between here and it, then try again", "响应不完整或并非来自云服务：请检查中间的代理后重试")

// read judges an answer: nil, or why it is none.
func read(r cloud.Request, x *exchange, now time.Time) *cloud.Error {
	e := &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Status: x.status}
	if x.status >= 200 && x.status < 300 {
		if t := strings.TrimLeft(string(x.body[:min(len(x.body), 64)]), " \r\n\t"); strings.HasPrefix(t, "{") && json.Valid(x.body) {
			return nil
		}
		e.Code, e.Message, e.Hint = CodeBroken, fmt.Sprintf("the answer is no JSON object (%d bytes)", len(x.body)), brokenHint
		return e
	}
	var no refusal
	if err := json.Unmarshal(x.body, &no); err != nil || no.Code == "" {
		e.Hint = brokenHint
		e.Code, e.Message = CodeBroken, fmt.Sprintf("HTTP %d %s without the service's words: a proxy may have answered", x.status, http.StatusText(x.status))
		return e
	}
	e.Code, e.Message, e.RequestID, e.Recommend = short(no.Code, 200), short(no.Message, 4000), short(no.RequestID, 200), short(no.Recommend, 1000)
	e.DenyType, e.PolicyType, e.Diagnostic = no.Detail.DenyType, no.Detail.PolicyType, no.Detail.Diagnostic
	e.Denied = x.status == http.StatusForbidden && (e.DenyType != "" || strings.HasPrefix(e.Code, "Forbidden") || strings.HasPrefix(e.Code, "NoPermission"))
	hint(e, no.Detail.Action, x.header, now)
	return e
}

// short cuts words that are longer than the service's ever are: who answers
// may be a stranger.
func short(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// hint says what a reader can do about the service's words.
func hint(e *cloud.Error, action string, h http.Header, now time.Time) {
	if action == "" {
		action = e.Product + ":" + e.Action
	}
	set := func(en, zh string) { e.Hint.EN, e.Hint.ZH = en, zh }
	switch c := e.Code; {
	case e.Denied && e.PolicyType == "ControlPolicy":
		set("a control policy of the resource directory forbids "+action+": ask the owner of the management account", "资源目录的管控策略禁止了 "+action+"：请联系管理账号的负责人")
	case e.Denied && e.DenyType == "ExplicitDeny":
		set("a policy of this identity denies "+action, "该身份的权限策略显式拒绝了 "+action)
	case e.Denied:
		set("let a policy allow "+action+" to this identity", "请为该身份授予 "+action+" 权限")
	case strings.HasPrefix(c, "InvalidTimeStamp") || c == "IllegalTimestamp":
		en, zh := "set this machine's clock: the service accepts 15 minutes of difference", "请校准本机时钟：服务只接受 15 分钟以内的偏差"
		if d, err := http.ParseTime(h.Get("Date")); err == nil {
			off := now.Sub(d).Round(time.Second)
			en += fmt.Sprintf(" (it is off by %s)", off)
			zh += fmt.Sprintf("（当前偏差 %s）", off)
		}
		set(en, zh)
	case strings.HasPrefix(c, "InvalidSecurityToken"):
		set("the temporary credentials have expired or do not belong together: get new ones", "临时凭证（STS Token）已过期或不匹配：请重新获取")
	case strings.HasPrefix(c, "InvalidAccessKeyId"):
		set("this AccessKey does not exist or is disabled: check the profile and the environment", "该 AccessKey 不存在或已禁用：请检查配置和环境变量")
	case c == "SignatureDoesNotMatch" || c == "IncompleteSignature":
		set("the AccessKey secret is wrong: check the profile and the environment", "AccessKey Secret 不正确：请检查配置和环境变量")
	case throttled(e):
		set("too many calls: wait, or lower the number of parallel calls", "请求被限流：请稍后重试，或降低并发数")
	case e.Status >= 500:
		set("the service failed: try again later", "服务暂时不可用：请稍后重试")
	case c == "InvalidRegionId.NotFound":
		set("there is no such region: aliyun ecs DescribeRegions lists them", "地域不存在：可用 aliyun ecs DescribeRegions 查看")
	}
}

// throttled reports whether the service did not look at the call because there
// were too many: it took no effect.
func throttled(e *cloud.Error) bool {
	return strings.HasPrefix(e.Code, "Throttling") || e.Status == http.StatusTooManyRequests || e.Code == "LastTokenProcessing"
}

// worth reports whether a failed try may be repeated: the service did not look
// at the call, or to do it twice is as good as once.
func worth(a *API, params map[string]string, e *cloud.Error) bool {
	if throttled(e) {
		return true
	}
	if !a.Read && !a.Again && params["ClientToken"] == "" {
		return false
	}
	switch e.Code {
	case CodeLost, CodeTimeout, CodeBroken, "SignatureNonceUsed":
		return !errors.Is(e.Err, errTooLarge)
	}
	return e.Status >= 500 && e.Status != http.StatusNotImplemented
}

// A hidden is what must not appear in an error.
type hidden []string

// secrets lists the values that a request wants hidden, as they are and as
// they look in a URL.
func secrets(r cloud.Request, params map[string]string) (out hidden) {
	for k, v := range params {
		if len(v) > 0 && (k == "Password" || slices.Contains(r.Secret, k)) {
			out = append(out, v, url.QueryEscape(v), url.PathEscape(v))
		}
	}
	return out
}

func (h hidden) clean(e *cloud.Error) *cloud.Error {
	for _, s := range h {
		e.Message = strings.ReplaceAll(e.Message, s, "******")
		if e.Err != nil && strings.Contains(e.Err.Error(), s) {
			e.Err = errors.New(strings.ReplaceAll(e.Err.Error(), s, "******"))
		}
	}
	return e
}
