package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"assay/finding"
)

// Protocol is the version of the plan's JSON.
const Protocol = "1"

// MaxSize bounds a plan file, in bytes.
const MaxSize = 256 << 20

// A Plan is what will be done to one machine, in order.
type Plan struct {
	Protocol  string     `json:"protocol"`
	Tool      string     `json:"tool"` // "assay 1.2.3"
	Target    string     `json:"target"`
	Size      int64      `json:"size,omitempty"` // of the virtual disk, in bytes; 0 for a directory
	Catalogue string     `json:"catalogue"`
	Profile   Profile    `json:"profile"`
	Keep      []string   `json:"keep,omitempty"` // patterns of paths that no step touches
	Steps     []Step     `json:"steps"`
	Decisions []Decision `json:"decisions,omitempty"` // what is left open for a person
	Kept      []Decision `json:"kept,omitempty"`      // what the user keeps
	Digest    string     `json:"digest"`              // sha256 of this JSON with an empty digest
}

// A Step is one edit with its reason.
type Step struct {
	finding.Edit
	Checks   []string      `json:"checks,omitempty"`   // that asked for it
	Findings []string      `json:"findings,omitempty"` // IDs that it settles
	Why      finding.Text  `json:"why"`
	Risk     *finding.Text `json:"risk,omitempty"` // what can break
	By       string        `json:"by,omitempty"`   // the flag that asked for it; "" when it is safe by itself
}

// A Decision is a finding that no step settles.
type Decision struct {
	ID       string           `json:"id"`
	Check    string           `json:"check"`
	Severity finding.Severity `json:"severity"`
	Title    finding.Text     `json:"title"`
	Where    finding.Where    `json:"where"`
	Risk     *finding.Text    `json:"risk,omitempty"` // of its fix
	How      finding.Text     `json:"how"`            // what the user can say
}

// Marshal seals the plan with its digest and writes it as indented JSON.
func (p *Plan) Marshal() ([]byte, error) {
	sum, err := p.sum()
	if err != nil {
		return nil, err
	}
	p.Digest = sum
	b, err := json.MarshalIndent(p, "", "  ")
	return append(b, '\n'), err
}

// sum is the digest: of the JSON without spaces and with an empty digest, so
// that a formatter does not break it.
func (p *Plan) sum() (string, error) {
	q := *p
	q.Digest = ""
	b, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:]), nil
}

// ErrEdited says that a plan's content and its digest do not agree.
var ErrEdited = errors.New("the plan was changed after it was made")

// Parse reads a plan. With ErrEdited the plan is returned too: a person may
// have edited it on purpose, and the caller asks.
func Parse(b []byte) (*Plan, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("a plan of more than %d bytes", MaxSize)
	}
	p := &Plan{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("no plan: %w", err)
	}
	if p.Protocol != Protocol {
		return nil, fmt.Errorf("a plan of protocol %q: this version reads %q", p.Protocol, Protocol)
	}
	for i, s := range p.Steps {
		if !known[s.Op] {
			return nil, fmt.Errorf("step %d: unknown operation %q", i+1, s.Op)
		}
	}
	sum, err := p.sum()
	if err != nil {
		return nil, err
	}
	if sum != p.Digest {
		return p, ErrEdited
	}
	return p, nil
}
