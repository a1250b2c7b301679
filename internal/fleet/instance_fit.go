package fleet

import (
	"context"
	"encoding/json"
	"fmt"

	"assay/internal/cloud"
)

// fitAtOnce is the largest page of DescribeCloudAssistantStatus.
const fitAtOnce = 50

// Unfit asks Cloud Assistant on which of these instances its agent does not
// answer, and returns why, by id. RunCommand fails for all of its instances
// when one of them is unfit, so they are sorted out first.
func Unfit(ctx context.Context, c cloud.Caller, region string, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for len(ids) > 0 {
		part := ids[:min(fitAtOnce, len(ids))]
		ids = ids[len(part):]
		p := map[string]string{"MaxResults": fmt.Sprint(fitAtOnce)}
		for i, id := range part {
			p[fmt.Sprintf("InstanceId.%d", i+1)] = id
			out[id] = "Cloud Assistant does not know it"
		}
		b, err := c.Call(ctx, cloud.Request{Product: "ecs", Action: "DescribeCloudAssistantStatus", Region: region, Params: p})
		if err != nil {
			return nil, err
		}
		var v struct {
			InstanceCloudAssistantStatusSet struct {
				InstanceCloudAssistantStatus []struct{ InstanceId, CloudAssistantStatus, LastHeartbeatTime string }
			}
		}
		if err := json.Unmarshal(b, &v); err != nil {
			return nil, fmt.Errorf("DescribeCloudAssistantStatus: %w", err)
		}
		for _, s := range v.InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus {
			switch {
			case s.CloudAssistantStatus == "true":
				delete(out, s.InstanceId)
			case s.LastHeartbeatTime != "":
				out[s.InstanceId] = "its Cloud Assistant agent does not answer since " + s.LastHeartbeatTime
			default:
				out[s.InstanceId] = "its Cloud Assistant agent does not answer, or is not installed"
			}
		}
	}
	return out, nil
}
