package double

import "strings"

// record lets ActionTrail remember a call. What it was asked with is kept
// without secrets, as the service does.
func (c *call) record(act action, f *fail) {
	if act.quiet || !act.write {
		return
	}
	e := &Event{ID: c.id, Name: c.action, Service: strings.ToUpper(c.product[:1]) + c.product[1:], Source: c.r.Host, Region: c.region, Time: c.now,
		Account: c.acct.ID, IP: "127.0.0.1", RW: "Write", Params: map[string]string{}}
	e.User, e.UserType = c.key.User, "ram-user"
	switch {
	case c.key.Role != "":
		e.User, e.UserType = c.key.Role+":"+c.key.Session, "assumed-role"
	case c.key.User == "":
		e.User, e.UserType = "root", "root-account"
	}
	for k, v := range c.p {
		if strings.Contains(k, "Password") && k != "PasswordInherit" {
			v = "******"
		}
		if !common[k] || k == "RegionId" {
			e.Params[k] = v
		}
	}
	if f != nil {
		e.Error = f.code
	}
	c.s.state.Events = append(c.s.state.Events, e)
}
