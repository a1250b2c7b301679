package account

import (
	"fmt"
	"strings"

	"assay/internal/cloud"
	"assay/policy"
)

// Judge plays the baseline as some targets of policy attach: "user/alice",
// "group/admins", "role/deployer" of the account, or the ID of a node of the
// Resource Directory, for which a user with every RAM permission asks. A group
// asks as its members would who have nothing else.
func Judge(s *cloud.Snapshot, targets []string) ([]policy.Result, error) {
	w, err := newWorld(s)
	if err != nil {
		return nil, err
	}
	nodes := map[string]*cloud.Node{}
	for i, n := range s.Nodes {
		nodes[n.ID] = &s.Nodes[i]
	}
	var sub chosen
	for _, t := range targets {
		if n := nodes[t]; n != nil {
			c, err := w.node(nodes, n)
			if err != nil {
				return nil, err
			}
			sub = append(sub, c)
			continue
		}
		c, ok := w.principal(t)
		if !ok {
			return nil, fmt.Errorf("%s was not found in what the cloud tells of policies", t)
		}
		sub = append(sub, c)
	}
	return policy.CheckBaseline(sub), nil
}

// chosen is a world of these callers only.
type chosen []policy.Case

// Cases implements policy.World.
func (c chosen) Cases(k policy.Caller) (out []policy.Case) {
	for _, x := range c {
		if k == policy.ByUser || k == policy.ByOtherRole && x.Principal.Kind == policy.Role {
			out = append(out, x)
		}
	}
	return out
}

func (w *world) principal(name string) (policy.Case, bool) {
	kind, bare, _ := strings.Cut(name, "/")
	for i, k := range w.kinds {
		if k.Kind == kind && strings.EqualFold(k.Name, bare) {
			return w.principals[i], true
		}
	}
	return policy.Case{}, false
}
