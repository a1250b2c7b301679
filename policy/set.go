package policy

import (
	"fmt"
	"strings"
)

// Attachments are the policies that a request meets, by where they are bound.
type Attachments struct {
	// Control are the levels of the Resource Directory from the member that
	// owns the resource up to Root. None, if there is no directory.
	Control []ControlLevel
	// Management says that the owner is the directory's management account:
	// control policies do not reach it.
	Management bool
	// Session is the policy handed to AssumeRole; nil if there was none.
	Session []*Document
	// Identity are the policies of the user, its groups, or the role, granted
	// for the whole account; ResourceGroup those granted for a resource group.
	Identity      []*Document
	ResourceGroup []*Document
	// Resource is the resource's own policy: a bucket policy, a role's trust
	// policy.
	Resource []*Document
}

// A ControlLevel is one node of the Resource Directory.
type ControlLevel struct {
	Name      string // "Root", "folder prod", "member 123"
	Documents []*Document
}

// A Layer is a kind of place where policies are bound, in evaluation order.
type Layer int

// The layers.
const (
	LayerControl Layer = iota + 1
	LayerSession
	LayerIdentity
	LayerResourceGroup
	LayerResource
)

// A Set is attachments made ready for many requests. It is safe for use by
// several goroutines.
type Set struct {
	management bool
	layers     []layer
}

// layer is one unit of basic evaluation, with an index of its statements by
// action, so that a request looks only at those that can concern it.
type layer struct {
	kind       Layer
	name       string
	statements []*Statement
	exact      map[string][]int32 // by action in lower case
	service    map[string][]int32 // by service: wildcards after the colon
	rest       []int32            // wildcards in the service's name, NotAction
}

// NewSet prepares attachments. It refuses documents that the service would
// refuse, because they protect nobody.
func NewSet(a Attachments) (*Set, error) {
	s := &Set{management: a.Management}
	for _, l := range a.Control {
		if err := s.add(LayerControl, l.Name, l.Documents); err != nil {
			return nil, err
		}
	}
	for _, l := range []struct {
		kind Layer
		docs []*Document
	}{{LayerSession, a.Session}, {LayerIdentity, a.Identity}, {LayerResourceGroup, a.ResourceGroup}, {LayerResource, a.Resource}} {
		if l.docs == nil && l.kind != LayerIdentity {
			continue
		}
		if err := s.add(l.kind, "", l.docs); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Set) add(kind Layer, name string, docs []*Document) error {
	l := layer{kind: kind, name: name, exact: map[string][]int32{}, service: map[string][]int32{}}
	for _, d := range docs {
		if !d.Valid() {
			return fmt.Errorf("%s is not a valid policy: %w", d.Name, firstError(d))
		}
		for _, st := range d.Statements {
			l.index(st)
		}
	}
	s.layers = append(s.layers, l)
	return nil
}

func firstError(d *Document) error {
	for _, p := range d.Problems {
		if p.Level == Error {
			return p
		}
	}
	return nil
}

// index files a statement so that no request finds it twice: under "rest", or
// else once under each service with a wildcard and each further exact action.
func (l *layer) index(st *Statement) {
	n := int32(len(l.statements))
	l.statements = append(l.statements, st)
	if st.NotAction {
		l.rest = append(l.rest, n)
		return
	}
	wild := map[string]bool{}
	for _, a := range st.Actions {
		service, name, ok := strings.Cut(strings.ToLower(a.Text), ":")
		if !ok || strings.ContainsAny(service, "*?") {
			l.rest = append(l.rest, n)
			return
		}
		if strings.ContainsAny(name, "*?") {
			wild[service] = true
		}
	}
	for s := range wild {
		l.service[s] = append(l.service[s], n)
	}
	for _, a := range st.Actions {
		key := strings.ToLower(a.Text)
		service, _, _ := strings.Cut(key, ":")
		if at := l.exact[key]; !wild[service] && (len(at) == 0 || at[len(at)-1] != n) {
			l.exact[key] = append(at, n)
		}
	}
}
