package double

import (
	"fmt"
	"strings"
	"time"

	"assay/policy"
)

func stsActions() map[string]action {
	return map[string]action{
		"sts:GetCallerIdentity": {run: getCallerIdentity, open: true, quiet: true},
		"sts:AssumeRole":        {run: assumeRole, open: true}, // it asks the engine itself: both sides must allow
	}
}

func getCallerIdentity(c *call) (obj, *fail) {
	out := obj{"AccountId": c.acct.ID, "IdentityType": "Account", "PrincipalId": c.acct.ID, "UserId": c.acct.ID, "Arn": "acs:ram::" + c.acct.ID + ":root"}
	switch {
	case c.key.Role != "":
		id := ""
		if r := c.acct.role(c.key.Role); r != nil {
			id = r.ID
		}
		out["IdentityType"], out["RoleId"], out["PrincipalId"], out["UserId"] = "AssumedRoleUser", id, id+":"+c.key.Session, id+":"+c.key.Session
		out["Arn"] = "acs:ram::" + c.acct.ID + ":assumed-role/" + c.key.Role + "/" + c.key.Session
	case c.key.User != "":
		out["IdentityType"], out["Arn"] = "RAMUser", "acs:ram::"+c.acct.ID+":user/"+c.key.User
		if u := c.acct.user(c.key.User); u != nil {
			out["UserId"], out["PrincipalId"] = u.ID, u.ID
		}
	}
	return out, nil
}

// assumeRole needs an Allow of the caller's policies and of the role's trust
// policy.
func assumeRole(c *call) (obj, *fail) {
	arn := c.str("RoleArn")
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) != 5 || !strings.HasPrefix(parts[4], "role/") {
		return nil, refuse(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")
	}
	owner := c.s.state.account(parts[3])
	var role *Role
	if owner != nil {
		role = find(owner.Roles, func(r *Role) bool { return strings.EqualFold(parts[4], "role/"+r.Name) }) // an ARN may be in lower case
	}
	if role == nil {
		return nil, refuse(404, "EntityNotExist.Role", "The role not exists: "+arn+". ")
	}
	if c.key.User == "" && c.key.Role == "" {
		return nil, refuse(403, "NoPermission", "Roles may not be assumed by root accounts.")
	}
	a := c.attachments(c.key)
	a.Resource = append(a.Resource, parsed(label{kind: "Trust", id: role.Name, version: "v1", scope: "Account", entity: "RamRole"}, role.Trust))
	set, err := policy.NewSet(a)
	if err != nil {
		return nil, refuse(500, "InternalError", err.Error())
	}
	if f := c.decide(set, "sts:AssumeRole", target{resource: arn}); f != nil {
		return nil, f
	}
	longest := role.MaxSession
	if longest == 0 {
		longest = 3600
	}
	seconds := c.num("DurationSeconds", 3600)
	if seconds < 900 || seconds > longest {
		return nil, refuse(400, "InvalidParameter.DurationSeconds", fmt.Sprintf("The Min/Max value of DurationSeconds is 15min/%ds.", longest))
	}
	if p := c.str("Policy"); p != "" && !parsed(label{}, p).Valid() {
		return nil, refuse(400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.")
	}
	c.s.session++
	key := &AccessKey{ID: fmt.Sprintf("STS.Double%018d", c.s.session), Secret: secret(c.s.session), Account: owner.ID, Token: "double-token-" + secret(c.s.session+1<<32),
		Role: role.Name, Session: c.str("RoleSessionName"), Policy: c.str("Policy"), Expires: c.now.Add(time.Duration(seconds) * time.Second), Created: c.now}
	c.s.state.Sessions = append(c.s.state.Sessions, key)
	return obj{
		"AssumedRoleUser": obj{"AssumedRoleId": role.ID + ":" + key.Session, "Arn": "acs:ram::" + owner.ID + ":assumed-role/" + role.Name + "/" + key.Session},
		"Credentials":     obj{"AccessKeyId": key.ID, "AccessKeySecret": key.Secret, "SecurityToken": key.Token, "Expiration": stamp(key.Expires)},
	}, nil
}
