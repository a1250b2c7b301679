package attest

import (
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Types of a statement and its predicates.
const (
	// StatementType is https://github.com/in-toto/attestation, spec v1.
	StatementType = "https://in-toto.io/Statement/v1"
	// SVR is the Simple Verification Result of the in-toto attestation
	// framework: who verified which policy, when, and which properties hold.
	SVR = "https://in-toto.io/attestation/svr/v0.1"
	// Inspection is our own predicate with what the inspection saw.
	Inspection = "urn:assay:inspection:v1"
	// PayloadType is that of DSSE envelopes that hold a statement.
	PayloadType = "application/vnd.in-toto+json"
)

// MaxSize bounds a file of statements, in bytes.
const MaxSize = 4 << 20

// A Subject is the image that a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"` // "sha256" in lower-case hexadecimal
}

// A Statement is an in-toto Statement v1.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// svr is the predicate of SVR.
type svr struct {
	Verifier struct {
		ID     string `json:"id"`
		Policy struct {
			URI    string            `json:"uri"`
			Digest map[string]string `json:"digest"`
		} `json:"policy"`
	} `json:"verifier"`
	TimeCreated time.Time `json:"timeCreated"`
	Properties  []string  `json:"properties"`
}

// A Detail is the predicate Inspection: what was looked at, and what is known
// and kept.
type Detail struct {
	Tool      string         `json:"tool"` // "assay 1.2.3"
	Catalogue string         `json:"catalogue"`
	Checks    int            `json:"checks"`
	FailOn    string         `json:"failOn"`
	Findings  map[string]int `json:"findings,omitempty"` // below FailOn, by severity
	Accepted  []Accepted     `json:"accepted,omitempty"`
	Files     int            `json:"files"`
	BytesRead int64          `json:"bytesRead"`
	Volumes   []string       `json:"volumes,omitempty"`
	System    string         `json:"system,omitempty"`
	Time      time.Time      `json:"time"` // UTC
}

// Accepted is a finding or a gap that the signer knows and keeps.
type Accepted struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Reason string `json:"reason"`
}

// An Image is what a statement is about.
type Image struct {
	Name       string
	FileSHA256 string // of the file as it lies there
	DiskSHA256 string // of the virtual disk: the same in every format
}

// subjects names an image by the digest of its file and by that of its disk.
func (i Image) subjects() []Subject {
	out := []Subject{{i.Name, map[string]string{"sha256": i.FileSHA256}}}
	if i.DiskSHA256 != "" && i.DiskSHA256 != i.FileSHA256 {
		out = append(out, Subject{i.Name + "#disk", map[string]string{"sha256": i.DiskSHA256}})
	}
	return out
}

// verifierID says who verified, with the version.
const verifierID = "urn:assay:"

// Make writes the two statements of a clean inspection, signed, one line each.
// They are about all images of one machine: who holds one of them to the
// statement learns that it was inspected together with the others.
func Make(images []Image, d Detail, key crypto.Signer) ([]byte, error) {
	if len(images) == 0 {
		return nil, errors.New("a statement about nothing")
	}
	var subjects []Subject
	for _, i := range images {
		if err := valid(i.FileSHA256); err != nil {
			return nil, err
		}
		subjects = append(subjects, i.subjects()...)
	}
	var v svr
	version, digest, _ := strings.Cut(d.Catalogue, "+")
	v.Verifier.ID = verifierID + version
	v.Verifier.Policy.URI = "urn:assay:catalogue:" + d.Catalogue
	v.Verifier.Policy.Digest = map[string]string{"catalogue": digest}
	v.TimeCreated = d.Time.UTC().Truncate(time.Second)
	v.Properties = []string{"ASSAY_NO_PRESET_ACCOUNT", "ASSAY_NO_CREDENTIAL", "ASSAY_NO_PRIVATE_DATA"}
	if len(d.Accepted) > 0 {
		v.Properties = append(v.Properties, "ASSAY_WITH_ACCEPTED_FINDINGS")
	}
	d.Time = v.TimeCreated
	var out []byte
	for _, p := range []struct {
		kind string
		is   any
	}{{SVR, v}, {Inspection, d}} {
		pred, err := json.Marshal(p.is)
		if err != nil {
			return nil, err
		}
		st, err := json.Marshal(Statement{StatementType, subjects, p.kind, pred})
		if err != nil {
			return nil, err
		}
		env, err := sign(st, key)
		if err != nil {
			return nil, err
		}
		line, err := json.Marshal(env)
		if err != nil {
			return nil, err
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

func valid(sum string) error {
	if b, err := hex.DecodeString(sum); err != nil || len(b) != 32 || sum != strings.ToLower(sum) {
		return fmt.Errorf("%q is no sha256", sum)
	}
	return nil
}

// Errors of Check.
var (
	ErrSignature = errors.New("no statement in it is signed by this key")
	ErrOther     = errors.New("the statement is about another image")
	ErrOld       = errors.New("the statement is too old")
	ErrFuture    = errors.New("the statement is from the future")
)

// A Proof is what signed statements say of an image.
type Proof struct {
	Subjects []Subject
	Time     time.Time
	Detail   Detail
}

// Open checks the signatures and returns what was signed. Lines by other keys
// are left out; both predicates must be there, about the same subjects.
func Open(b []byte, key crypto.PublicKey) (*Proof, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("a statement of more than %d bytes", MaxSize)
	}
	p := &Proof{}
	var result *svr
	detailed := false
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		st, err := open([]byte(line), key)
		if errors.Is(err, ErrSignature) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.Subjects != nil && !sameSubjects(p.Subjects, st.Subject) {
			return nil, errors.New("the statements are about different images")
		}
		p.Subjects = st.Subject
		switch st.PredicateType {
		case SVR:
			result = &svr{}
			err = json.Unmarshal(st.Predicate, result)
		case Inspection:
			detailed = true
			err = json.Unmarshal(st.Predicate, &p.Detail)
		}
		if err != nil {
			return nil, fmt.Errorf("predicate %s: %w", st.PredicateType, err)
		}
	}
	if p.Subjects == nil {
		return nil, ErrSignature
	}
	if result == nil || !detailed || !strings.HasPrefix(result.Verifier.ID, verifierID) {
		return nil, errors.New("it is signed, but it is no statement of an inspection")
	}
	p.Time = result.TimeCreated
	return p, nil
}

func sameSubjects(a, b []Subject) bool {
	x, _ := json.Marshal(a) // of strings and maps: cannot fail, and maps are written in order
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// clockSkew is how far a signer's clock may be ahead of ours.
const clockSkew = 10 * time.Minute

// Fresh holds the statement's time to now; maxAge 0 is no bound.
func (p *Proof) Fresh(now time.Time, maxAge time.Duration) error {
	switch age := now.Sub(p.Time); {
	case age < -clockSkew:
		return ErrFuture
	case maxAge > 0 && age > maxAge:
		return ErrOld
	}
	return nil
}

// About reports whether the statement is about a file or a disk with this
// sha256.
func (p *Proof) About(sum string) bool {
	for _, s := range p.Subjects {
		if valid(sum) == nil && s.Digest["sha256"] == sum {
			return true
		}
	}
	return false
}
