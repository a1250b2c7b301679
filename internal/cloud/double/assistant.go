package double

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// assistant are the calls of Cloud Assistant.
func assistant() map[string]action {
	listed := func(c *call) []target { return c.arns("instance", c.list("InstanceId")...) }
	return map[string]action{
		"ecs:DescribeCloudAssistantStatus": {run: describeCloudAssistantStatus, targets: listed},
		"ecs:DescribeInvocationResults":    {run: describeInvocationResults, targets: func(c *call) []target { return c.arns("command") }},
		"ecs:RunCommand": {run: runCommand, write: true, targets: func(c *call) []target {
			ts := listed(c)
			for i := range ts {
				ts[i].keys = map[string][]string{"ecs:CommandRunAs": {c.runAs()}}
			}
			return ts
		}},
	}
}

// runAs is the user whom a command runs as.
func (c *call) runAs() string {
	switch {
	case c.str("Username") != "":
		return c.str("Username")
	case c.str("Type") == "RunShellScript":
		return "root"
	}
	return "System"
}

func describeCloudAssistantStatus(c *call) (obj, *fail) {
	ids := c.list("InstanceId")
	list := filter(c.here().Instances, func(i *Instance) bool { return ids == nil || slices.Contains(ids, i.ID) })
	out := obj{}
	from, to, f := either(c, len(list), 50, out)
	if f != nil {
		return nil, f
	}
	out["InstanceCloudAssistantStatusSet"] = obj{"InstanceCloudAssistantStatus": some(list, from, to, func(i *Instance) obj {
		alive := i.Assistant != "" && i.status() == "Running"
		os := "Linux"
		if i.OSType == "windows" {
			os = "Windows"
		}
		o := obj{"InstanceId": i.ID, "CloudAssistantStatus": map[bool]string{true: "true", false: "false"}[alive], "CloudAssistantVersion": i.Assistant,
			"OSType": os, "ActiveTaskCount": 0, "InvocationCount": 0, "SupportSessionManager": alive, "LastInvokedTime": "", "LastHeartbeatTime": ""}
		if alive {
			o["LastHeartbeatTime"] = stamp(c.now)
		}
		return o
	})}
	return out, nil
}

// The limits of RunCommand: Base64 text that is kept, or only run; the output
// that is kept of one run.
const (
	maxKept   = 18 << 10
	maxOnce   = 24 << 10
	maxOutput = 24 << 10
)

// content decodes CommandContent and puts in the custom parameters.
func (c *call) content() (string, *fail) {
	text, limit := c.str("CommandContent"), maxOnce
	if c.flag("KeepCommand") {
		limit = maxKept
	}
	if c.str("ContentEncoding") == "Base64" {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", refuse(400, "InvalidParameter.CommandContent", "The CommandContent is not valid Base64.")
		}
		text = string(b)
	}
	if base64.StdEncoding.EncodedLen(len(text)) > limit {
		return "", refuse(403, "CommandContent.ExceedLimit", "The length of the command content exceeds the limit.")
	}
	var params map[string]string
	if p := c.str("Parameters"); p != "" {
		if err := json.Unmarshal([]byte(p), &params); err != nil {
			return "", invalid("Parameters", p)
		}
	}
	if c.flag("EnableParameter") {
		for k, v := range params {
			text = strings.ReplaceAll(text, "{{"+k+"}}", v)
		}
	}
	return text, nil
}

// runCommand runs at once: one unfit instance fails the whole call.
func runCommand(c *call) (obj, *fail) {
	text, f := c.content()
	if f != nil {
		return nil, f
	}
	ids := c.list("InstanceId")
	kind := c.str("Type")
	switch {
	case !slices.Contains([]string{"RunShellScript", "RunBatScript", "RunPowerShellScript"}, kind):
		return nil, invalid("Type", kind)
	case len(ids) == 0:
		return nil, missing("InstanceId")
	case len(ids) > 100:
		return nil, refuse(403, "InstanceIds.ExceedLimit", "The number of instance IDs exceeds the upper limit.")
	}
	for _, id := range ids {
		i := c.here().instance(id)
		switch {
		case i == nil:
			return nil, refuse(404, "InvalidInstance.NotFound", "The specified instances do not exist: "+id+".")
		case i.status() != "Running":
			return nil, refuse(403, "InvalidInstanceStatus.NotRunning", "The specified instances are not running: "+id+".")
		case i.Assistant == "":
			return nil, refuse(403, "InvalidInstance.NoCloudAssistant", "Cloud Assistant is not installed on the specified instances: "+id+".")
		case (i.OSType == "windows") == (kind == "RunShellScript"):
			return nil, refuse(400, "InvalidInstance.NotMatch", "The command type does not match the operating system of the specified instances: "+id+".")
		}
	}
	v := &Invocation{ID: c.newID("t"), Command: c.newID("c"), Created: c.now, Encoding: c.str("ContentEncoding"), Username: c.runAs()}
	for _, id := range ids {
		r := &InvocationResult{Instance: id, Start: c.now, Finish: c.now}
		if c.str("RepeatMode") != "DryRun" {
			r.run(c.s.opts.Command, Command{Instance: id, Type: kind, Username: v.Username, Content: text, Timeout: c.num("Timeout", 60)})
		}
		v.Results = append(v.Results, r)
	}
	c.here().Invocations = append(c.here().Invocations, v)
	return obj{"CommandId": v.Command, "InvokeId": v.ID}, nil
}

// run asks the hook what the instance makes of a command.
func (r *InvocationResult) run(hook func(Command) Output, cmd Command) {
	var o Output
	if hook != nil {
		o = hook(cmd)
	}
	r.Exit, r.Output, r.Polls, r.Code = o.Exit, o.Text, o.Polls, o.Error
	if len(r.Output) > maxOutput {
		r.Dropped = len(r.Output) - maxOutput
		r.Output = r.Output[:maxOutput]
	}
}

// state is the result's InvocationStatus and InvokeRecordStatus.
func (r *InvocationResult) state() (status, record string) {
	switch {
	case r.Polls > 0:
		return "Running", "Running"
	case r.Code != "":
		return "Failed", "Failed"
	case r.Exit != 0:
		return "Failed", "Finished"
	}
	return "Success", "Finished"
}

func describeInvocationResults(c *call) (obj, *fail) {
	type line struct {
		v *Invocation
		r *InvocationResult
	}
	var list []line
	for _, v := range c.here().Invocations {
		for _, r := range v.Results {
			if (c.str("InvokeId") == "" || v.ID == c.str("InvokeId")) && (c.str("CommandId") == "" || v.Command == c.str("CommandId")) &&
				(c.str("InstanceId") == "" || r.Instance == c.str("InstanceId")) {
				list = append(list, line{v, r})
			}
		}
	}
	out := obj{}
	from, to, f := either(c, len(list), 50, out)
	if f != nil {
		return nil, f
	}
	out["InvocationResults"] = obj{"InvocationResult": some(list, from, to, func(l line) obj {
		status, record := l.r.state()
		o := obj{"InvokeId": l.v.ID, "CommandId": l.v.Command, "InstanceId": l.r.Instance, "InvocationStatus": status, "InvokeRecordStatus": record,
			"Username": l.v.Username, "Repeats": 1, "StartTime": stamp(l.r.Start), "ErrorCode": l.r.Code, "ErrorInfo": l.r.Info,
			"Output": "", "Dropped": 0, "ExitCode": 0, "FinishedTime": "", "StopTime": ""}
		if l.r.Polls > 0 {
			l.r.Polls--
			return o
		}
		text := l.r.Output
		if c.str("ContentEncoding") != "PlainText" {
			text = base64.StdEncoding.EncodeToString([]byte(text))
		}
		o["Output"], o["Dropped"], o["ExitCode"], o["FinishedTime"] = text, l.r.Dropped, l.r.Exit, stamp(l.r.Finish)
		return o
	})}
	return obj{"Invocation": out}, nil
}
