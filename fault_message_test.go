package assay_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"assay"
	"assay/internal/cli"
	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
	"assay/internal/report/text"
)

// TestFaultMessages shows what a person reads when the cloud fails in the
// middle of an audit: the reason, and what to do, in both languages; the rest
// of the audit goes on. (Wrong credentials, an expired token and a wrong clock
// end an audit before it begins: see cmd/assay.)
func TestFaultMessages(t *testing.T) {
	for name, w := range map[string]struct {
		fault  double.Fault
		en, zh string
	}{
		"429 storm":               {double.Fault{Action: "ecs:DescribeImages", Kind: double.Throttle, Status: 429}, "too many calls: wait, or lower the number of parallel calls", "请求被限流"},
		"503 storm":               {double.Fault{Action: "ecs:DescribeImages", Kind: double.Unavailable}, "the service failed: try again later", "服务暂时不可用：请稍后重试"},
		"truncated JSON":          {double.Fault{Action: "ecs:DescribeSnapshots", Kind: double.Truncate}, "the answer was cut or is not the service's", "响应不完整或并非来自云服务"},
		"a proxy's page":          {double.Fault{Action: "ecs:DescribeSnapshots", Kind: double.Garbage}, "the answer was cut or is not the service's", "响应不完整或并非来自云服务"},
		"a page token that loops": {double.Fault{Action: "ecs:DescribeInstances", Kind: double.Loop}, "the list could not be read to its end", "列表未能完整读取"},
		"an unreachable region":   {double.Fault{Region: "cn-beijing", Kind: double.Cut}, "the connection broke: check network and proxy", "连接中断：请检查网络和代理"},
		"a permission is missing": {double.Fault{Action: "ecs:DescribeKeyPairs", Kind: double.Refuse, Status: 403, Code: "Forbidden.RAM", Text: "no"}, "let a policy allow ecs:DescribeKeyPairs", "请为该身份授予 ecs:DescribeKeyPairs 权限"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCompany(t)
			c.Fail(&w.fault)
			client, err := aliyun.New(aliyun.Options{Endpoint: c.endpoint, Key: &aliyun.Key{ID: "DoubleAuditor", Secret: secretOf("DoubleAuditor")}, Sleep: func(context.Context, time.Duration) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			for lang, want := range map[string]string{"en": w.en, "zh": w.zh} {
				var b bytes.Buffer
				h := assay.Judge(text.New(&b, text.Options{Lang: lang, Style: cli.Style{}, Width: 100, All: true}), assay.Judgement{})
				err := assay.Audit(t.Context(), "alibaba cloud account", assay.AuditOptions{Caller: client, Command: "audit", Collect: cloud.Options{TrailDays: 7, Now: time.Now()}}, h)
				if err != nil {
					t.Fatal(err)
				}
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(b.String(), want) || !h.Gaps || h.Broken || !strings.Contains(b.String(), "lt-careless001") {
					t.Errorf("no %q, or no gap, or not the rest, in\n%s", want, b.String())
				}
			}
		})
	}
}

func secretOf(id string) string {
	for _, l := range double.Logins() {
		if l.ID == id {
			return l.Secret
		}
	}
	return ""
}
