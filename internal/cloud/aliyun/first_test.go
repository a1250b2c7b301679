package aliyun_test

import (
	"context"
	"encoding/json"
	"testing"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

func start(t *testing.T, o double.Options) (*double.Server, string) {
	t.Helper()
	s := double.New(o)
	ctx, stop := context.WithCancel(context.Background())
	endpoint, done, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, endpoint
}

func TestX(t *testing.T) {
	st := &double.State{Accounts: []*double.Account{{ID: "1234567890123456", Keys: []*double.AccessKey{{ID: "AK", Secret: "sk"}},
		Regions: map[string]*double.Region{"cn-hangzhou": {Images: []*double.Image{{ID: "m-1", Name: "x"}}}}}}}
	_, ep := start(t, double.Options{State: st})
	c, err := aliyun.New(aliyun.Options{Endpoint: ep, Key: &aliyun.Key{ID: "AK", Secret: "sk"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = c.Pages(context.Background(), cloud.Request{Product: "ecs", Action: "DescribeImages", Region: "cn-hangzhou", Params: map[string]string{"ImageOwnerAlias": "self"}}, func(p json.RawMessage) error {
		n++
		t.Log(string(p))
		return nil
	})
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	_, err = c.Call(context.Background(), cloud.Request{Product: "sts", Action: "GetCallerIdentity"})
	if err != nil {
		t.Fatal(err)
	}
}
