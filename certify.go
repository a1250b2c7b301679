package assay

import (
	"crypto"
	"errors"
	"time"

	"assay/finding"
	"assay/internal/attest"
	"assay/internal/report"
)

// ErrNotClean says why no statement is made: a finding that counts, a gap that
// nobody accepted, or an inspection that did not get to the end.
var ErrNotClean = errors.New("only a clean image is certified")

// A Witness is a handler that remembers of one inspection what a statement
// says of it.
type Witness struct {
	report.Handler
	detail attest.Detail
	images []attest.Image // first the one that the machine boots from
	clean  bool
	judged bool
}

// Handle implements report.Handler. The stream must be a judged one.
func (w *Witness) Handle(m report.Message) error {
	switch {
	case m.Config != nil:
		w.judged, w.clean = false, false
		w.detail = attest.Detail{Tool: "assay " + m.Config.Version, Catalogue: m.Config.Catalogue, Checks: len(m.Config.Checks), FailOn: m.Config.FailOn}
	case m.Inventory != nil:
		for _, v := range m.Inventory.Volumes {
			w.detail.Volumes = append(w.detail.Volumes, v.Name+" "+v.Content)
		}
		if s := m.Inventory.System; s != nil {
			w.detail.System = s.Name
		}
	case m.Finding != nil && m.Finding.Accepted != nil:
		w.accept(m.Finding.ID, m.Finding.Title, m.Finding.Accepted)
	case m.Gap != nil && m.Gap.Accepted != nil:
		w.accept(m.Gap.ID, m.Gap.Title, m.Gap.Accepted)
	case m.Verdict != nil:
		v := m.Verdict
		w.judged, w.clean = true, v.Clean && v.Scope == 0 // a part of a machine is never certified
		w.detail.Findings, w.detail.Files, w.detail.BytesRead = v.Findings, v.Files, v.BytesRead
		w.images = []attest.Image{{FileSHA256: v.SHA256, DiskSHA256: v.DiskSHA256}}
		for _, d := range v.Further {
			w.images = append(w.images, attest.Image{Name: d.Name, FileSHA256: d.SHA256, DiskSHA256: d.DiskSHA256})
		}
	}
	return w.Handler.Handle(m)
}

func (w *Witness) accept(id string, title finding.Text, a *finding.Acceptance) {
	reason := a.Reason
	if a.By == "baseline" {
		reason = "known from the baseline"
	}
	w.detail.Accepted = append(w.detail.Accepted, attest.Accepted{ID: id, Title: title.EN, Reason: reason})
}

// Certify makes the signed statement of the inspection that was witnessed. name
// is that of the image that the machine boots from.
func (w *Witness) Certify(name string, now time.Time, key crypto.Signer) ([]byte, error) {
	if !w.judged || !w.clean || len(w.images) == 0 || w.images[0].FileSHA256 == "" {
		return nil, ErrNotClean
	}
	w.images[0].Name, w.detail.Time = name, now
	return attest.Make(w.images, w.detail, key)
}
