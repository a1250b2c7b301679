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

// Instances lists instances by id, or by tags ("key=value") when ids is empty.
func Instances(ctx context.Context, c cloud.Caller, region string, ids, tags []string) (out []ECS, err error) {
	p := map[string]string{}
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
	err = cloud.DescribeInstances.Each(ctx, c, region, p, func(b json.RawMessage) error {
		var i instance
		if err := json.Unmarshal(b, &i); err != nil {
			return fmt.Errorf("DescribeInstances: %w", err)
		}
		out = append(out, ECS{Region: region, ID: i.InstanceId, Status: i.Status, Windows: i.OSType == "windows", KeyPair: i.KeyPairName,
			Addresses: append(append(i.PublicIpAddress.IpAddress, nonEmpty(i.EipAddress.IpAddress)...), i.VpcAttributes.PrivateIpAddress.IpAddress...)})
		return nil
	})
	return out, err
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

type instance struct {
	InstanceId, Status, OSType, KeyPairName string
	PublicIpAddress                         struct{ IpAddress []string }
	EipAddress                              struct{ IpAddress string }
	VpcAttributes                           struct{ PrivateIpAddress struct{ IpAddress []string } }
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

	asked bool // the cloud may have bound it
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
		if _, err := b.call(ctx, "ImportKeyPair", map[string]string{"KeyPairName": b.Name, "PublicKeyBody": b.Public}); err != nil {
			return err
		}
	case !sameKey(have, b.Public):
		return fmt.Errorf("the key pair %q of %s is another key", b.Name, b.Instance.Region)
	}
	b.asked = true // also when the answer gets lost
	err = b.attach(ctx, "AttachKeyPair", b.Name)
	var no *cloud.Error
	if errors.As(err, &no) && no.Denied {
		b.asked = false
	}
	return err
}

// Unbind implements Binder: the pair of before is bound again, or none. What
// was never bound is left alone.
func (b *KeyPairBinder) Unbind(ctx context.Context) error {
	if !b.asked {
		return nil
	}
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
	return restartECS(ctx, b.Caller, b.Instance, b.Poll, 2)
}

func (b *KeyPairBinder) attach(ctx context.Context, action, name string) error {
	ids, err := json.Marshal([]string{b.Instance.ID})
	if err != nil {
		return err
	}
	text, err := b.call(ctx, action, map[string]string{"KeyPairName": name, "InstanceIds": string(ids)})
	if err != nil {
		return err
	}
	return refusedBy(action, text)
}

// refusedBy reads the results of AttachKeyPair and DetachKeyPair: the call
// succeeds, with HTTP status 200, also when the instance was left as it is.
func refusedBy(action string, text json.RawMessage) error {
	var v struct {
		Results struct {
			Result []struct{ InstanceId, Success, Code, Message string }
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	for _, r := range v.Results.Result {
		if r.Success == "false" && r.Code != "InvalidKeyPair.NotAttached" {
			return fmt.Errorf("%s: %s was left as it is: %s: %s", action, r.InstanceId, r.Code, r.Message)
		}
	}
	return nil
}

func (b *KeyPairBinder) call(ctx context.Context, action string, p map[string]string) (json.RawMessage, error) {
	return b.Caller.Call(ctx, cloud.Request{Product: "ecs", Action: action, Region: b.Instance.Region, Params: p})
}

// sameKey compares type and blob of two lines, not their comments.
func sameKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) > 1 && len(y) > 1 && x[0] == y[0] && x[1] == y[1]
}

// restartECS reboots an instance and waits until it runs, at most rebootTime.
// An instance is still called Running for a moment after the call: it counts
// as back when it was seen otherwise before, or settle times in a row.
func restartECS(ctx context.Context, c cloud.Caller, i ECS, poll time.Duration, settle int) error {
	if poll == 0 {
		poll = 5 * time.Second
	}
	if _, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "RebootInstance", Region: i.Region, Params: map[string]string{"InstanceId": i.ID}}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, rebootTime)
	defer cancel()
	last, running := "no answer", 0
	for {
		now, err := Instances(ctx, c, i.Region, []string{i.ID}, nil)
		switch {
		case err != nil: // the cloud may fail for a while
		case len(now) != 1:
			last, running = "gone", 0
		case now[0].Status != "Running":
			last, running, settle = now[0].Status, 0, 1
		default:
			if last, running = now[0].Status, running+1; running >= settle {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not come back from its restart (it is %s): %w", i.ID, last, ctx.Err())
		case <-time.After(poll):
		}
	}
}
