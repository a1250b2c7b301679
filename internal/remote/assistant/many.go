package assistant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"assay/internal/cloud"
	"assay/internal/remote"
)

// MaxInstances is how many instances one RunCommand takes.
const MaxInstances = 100

// An Answer is what one instance of many made of a script.
type Answer struct {
	remote.Result
	Err error
}

// RunMany runs a script on many instances of a region, with one command for
// each hundred, and returns every instance's answer by its id. One instance
// that Cloud Assistant refuses fails its whole hundred: sort the unfit out
// first. poll is as for New. Outputs too long for one answer are fetched one
// instance after the other.
func RunMany(ctx context.Context, c cloud.Caller, region string, ids []string, sc remote.Script, poll time.Duration) map[string]Answer {
	out := map[string]Answer{}
	for len(ids) > 0 {
		part := ids[:min(MaxInstances, len(ids))]
		ids = ids[len(part):]
		texts, err := runPart(ctx, c, region, part, sc, New(c, region, "", poll).poll)
		for _, id := range part {
			a, ok := texts[id]
			switch {
			case ok && a.err == nil:
				r, err := New(c, region, id, poll).open(ctx, sc, a.text)
				out[id] = Answer{r, err}
			case ok:
				out[id] = Answer{Err: a.err}
			case err != nil:
				out[id] = Answer{Err: err}
			default:
				out[id] = Answer{Err: errors.New("Cloud Assistant has no result of it")}
			}
		}
	}
	return out
}

// said is what one instance printed, or why it did not.
type said struct {
	text string
	err  error
}

// runPart runs one command and waits until every instance is done. With an
// error come those that were done before.
func runPart(ctx context.Context, c cloud.Caller, region string, ids []string, sc remote.Script, poll time.Duration) (map[string]said, error) {
	text, err := wrap(sc)
	if err != nil {
		return nil, err
	}
	invoke, err := start(ctx, c, region, unix, sc.Name, text, ids...)
	if err != nil {
		return nil, err
	}
	out := map[string]said{}
	for {
		if err := collect(ctx, c, region, invoke, out); err != nil {
			return out, err
		}
		if len(out) >= len(ids) {
			return out, nil
		}
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(poll):
		}
	}
}

// collect adds the results of the instances that are done.
func collect(ctx context.Context, c cloud.Caller, region, invoke string, out map[string]said) error {
	p := map[string]string{"InvokeId": invoke, "MaxResults": "50"}
	for range MaxInstances { // pages: fewer than instances
		b, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeInvocationResults", Region: region, Params: p})
		if err != nil {
			return err
		}
		var v results
		if err := json.Unmarshal(b, &v); err != nil {
			return fmt.Errorf("DescribeInvocationResults: %w", err)
		}
		for _, r := range v.Invocation.InvocationResults.InvocationResult {
			if text, done, err := r.output(); done {
				out[r.InstanceId] = said{text, err}
			}
		}
		if v.Invocation.NextToken == "" {
			return nil
		}
		p["NextToken"] = v.Invocation.NextToken
	}
	return errors.New("DescribeInvocationResults: the pages do not end")
}
