package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"assay/internal/cloud"
)

// An ECS is one instance of Elastic Compute Service.
type ECS struct {
	Region, ID, Status string
	Windows            bool
	KeyPair            string   // "" when none is bound
	Addresses          []string // public ones first
}

// maxPages bounds a listing.
const maxPages = 1000

// Instances lists instances by id, or by tags ("key=value") when ids is empty.
func Instances(ctx context.Context, c cloud.Caller, region string, ids, tags []string) (out []ECS, err error) {
	p := map[string]string{"MaxResults": "100"}
	if len(ids) > 0 {
		b, err := json.Marshal(ids)
		if err != nil {
			return nil, err
		}
		p["InstanceIds"] = string(b)
	}
	for i, t := range tags {
		k, v, _ := strings.Cut(t, "=")
		p[fmt.Sprintf("Tag.%d.Key", i+1)], p[fmt.Sprintf("Tag.%d.Value", i+1)] = k, v
	}
	for range maxPages {
		b, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeInstances", Region: region, Params: p})
		if err != nil {
			return out, err
		}
		var page instancePage
		if err := json.Unmarshal(b, &page); err != nil {
			return out, fmt.Errorf("DescribeInstances: %w", err)
		}
		for _, i := range page.Instances.Instance {
			out = append(out, ECS{Region: region, ID: i.InstanceId, Status: i.Status, Windows: i.OSType == "windows", KeyPair: i.KeyPairName,
				Addresses: append(append(i.PublicIpAddress.IpAddress, nonEmpty(i.EipAddress.IpAddress)...), i.VpcAttributes.PrivateIpAddress.IpAddress...)})
		}
		if page.NextToken == "" {
			return out, nil
		}
		if p["NextToken"] == page.NextToken {
			return out, errors.New("DescribeInstances: the page token leads in a circle")
		}
		p["NextToken"] = page.NextToken
	}
	return out, errors.New("DescribeInstances: the pages do not end")
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

type instancePage struct {
	NextToken string
	Instances struct {
		Instance []struct {
			InstanceId, Status, OSType, KeyPairName string
			PublicIpAddress                         struct{ IpAddress []string }
			EipAddress                              struct{ IpAddress string }
			VpcAttributes                           struct{ PrivateIpAddress struct{ IpAddress []string } }
		}
	}
}

// PublicKey returns the public half of a key pair of the cloud, "" when there
// is no such pair.
func PublicKey(ctx context.Context, c cloud.Caller, region, name string) (string, error) {
	b, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeKeyPairs", Region: region,
		Params: map[string]string{"KeyPairName": name, "IncludePublicKey": "true"}})
	if err != nil {
		return "", err
	}
	var v struct {
		KeyPairs struct {
			KeyPair []struct{ KeyPairName, PublicKey string }
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return "", fmt.Errorf("DescribeKeyPairs: %w", err)
	}
	for _, k := range v.KeyPairs.KeyPair {
		if k.KeyPairName == name {
			return k.PublicKey, nil
		}
	}
	return "", nil
}

// A KeyPairBinder binds a key pair to an instance, and imports it first where
// the region does not have it. It is a Binder.
type KeyPairBinder struct {
	Caller   cloud.Caller
	Instance ECS
	Name     string // of the key pair
	Public   string // its line, as for authorized_keys
	Poll     time.Duration
}

// Bind implements Binder. A pair of that name with another key is refused: to
// bind it would let its owner in.
func (b *KeyPairBinder) Bind(ctx context.Context) error {
	have, err := PublicKey(ctx, b.Caller, b.Instance.Region, b.Name)
	if err != nil {
		return err
	}
	switch {
	case have == "":
		if err := b.call(ctx, "ImportKeyPair", map[string]string{"KeyPairName": b.Name, "PublicKeyBody": b.Public}); err != nil {
			return err
		}
	case !sameKey(have, b.Public):
		return fmt.Errorf("the key pair %q of %s is another key", b.Name, b.Instance.Region)
	}
	return b.attach(ctx, "AttachKeyPair", b.Name)
}

// Unbind implements Binder: the pair of before is bound again, or none.
func (b *KeyPairBinder) Unbind(ctx context.Context) error {
	if old := b.Instance.KeyPair; old != "" && old != b.Name {
		return b.attach(ctx, "AttachKeyPair", old)
	}
	if b.Instance.KeyPair == b.Name {
		return nil
	}
	return b.attach(ctx, "DetachKeyPair", b.Name)
}

// Restart implements Binder: it waits until the instance runs again.
func (b *KeyPairBinder) Restart(ctx context.Context) error {
	return restartECS(ctx, b.Caller, b.Instance, b.Poll)
}

func (b *KeyPairBinder) attach(ctx context.Context, action, name string) error {
	ids, err := json.Marshal([]string{b.Instance.ID})
	if err != nil {
		return err
	}
	return b.call(ctx, action, map[string]string{"KeyPairName": name, "InstanceIds": string(ids)})
}

func (b *KeyPairBinder) call(ctx context.Context, action string, p map[string]string) error {
	_, err := b.Caller.Call(ctx, cloud.Request{Product: "ecs", Action: action, Region: b.Instance.Region, Params: p})
	return err
}

// sameKey compares type and blob of two lines, not their comments.
func sameKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) > 1 && len(y) > 1 && x[0] == y[0] && x[1] == y[1]
}

// restartECS reboots an instance and waits until it runs.
func restartECS(ctx context.Context, c cloud.Caller, i ECS, poll time.Duration) error {
	if poll == 0 {
		poll = 5 * time.Second
	}
	if _, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "RebootInstance", Region: i.Region, Params: map[string]string{"InstanceId": i.ID}}); err != nil {
		return err
	}
	for {
		now, err := Instances(ctx, c, i.Region, []string{i.ID}, nil)
		if err == nil && len(now) == 1 && now[0].Status == "Running" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come back from its restart: %w", i.ID, ctx.Err())
		case <-time.After(poll):
		}
	}
}
