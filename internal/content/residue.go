package content

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"assay/check"
	"assay/finding"
	"assay/internal/guest"
	"assay/internal/secret"
	"assay/internal/span"
)

// piece is how much of a long range one worker takes at a time, and lap how
// far pieces overlap, so that nothing is lost at a border.
const (
	piece = 32 << 20
	lap   = 64 << 10
)

// Residue reads what no live file owns, with the rules that need no context.
// It returns hits with Deleted set and Offset on the volume (or in the
// container's file).
func Residue(ctx context.Context, g *guest.Guest, e *secret.Engine, o Options) (Result, error) {
	type work struct {
		r    guest.Residue
		span span.Span
	}
	var all []work
	var out Result
	for _, r := range g.Residue {
		ranges, err := r.Ranges()
		if err != nil {
			out.Gaps = append(out.Gaps, finding.NewGap(finding.GapUnsupported, finding.Where{Volume: r.Volume}, "deleted data was not searched: %v", err))
			continue
		}
		for _, s := range ranges {
			for at := s.Off; at < s.End(); at += piece {
				all = append(all, work{r, span.Span{Off: at, Len: min(piece+lap, s.End()-at)}})
			}
		}
		if o.Meter != nil {
			o.Meter.Total.Add(ranges.Total())
		}
	}
	results := make([]Result, len(all))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(o.Workers, 1) {
		wg.Go(func() {
			s := e.NewScanner()
			for i := next.Add(1) - 1; i < int64(len(all)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				results[i] = residue(ctx, s, all[i].r, all[i].span, o)
				if o.Meter != nil {
					o.Meter.Done.Add(min(piece, all[i].span.Len))
				}
			}
		})
	}
	wg.Wait()
	merged := merge(results)
	merged.Gaps = append(out.Gaps, merged.Gaps...)
	merged.Hits = once(merged.Hits)
	return merged, ctx.Err()
}

func residue(ctx context.Context, s *secret.Scanner, r guest.Residue, at span.Span, o Options) (out Result) {
	err := s.Scan(ctx, secret.Source{Size: at.Len, HighOnly: true}, io.NewSectionReader(r.Bytes, at.Off, at.Len), func(k secret.Candidate) {
		if k.Confidence < o.MinConfidence {
			return
		}
		out.Hits = append(out.Hits, Hit{Volume: r.Volume, Rule: k.Rule, Kind: k.Kind, Title: k.Title, Severity: k.Severity,
			Confidence: k.Confidence, Reason: k.Reason, Offset: at.Off + k.Offset, ID: k.ID, Deleted: true,
			Fingerprint: check.Fingerprint(o.Key, k.Secret), Length: len(k.Secret), Excerpt: k.Excerpt, Encrypted: k.Encrypted})
	})
	out.Bytes = at.Len
	if errors.Is(err, secret.ErrTooMuch) {
		out.Gaps = append(out.Gaps, finding.NewGap(finding.GapLimit, finding.Where{Volume: r.Volume}, "deleted data at byte %d: %v", at.Off, err))
		return out
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF) {
		out.Gaps = append(out.Gaps, finding.NewGap(finding.GapUnreadable, finding.Where{Volume: r.Volume}, "deleted data at byte %d: %v", at.Off, err))
	}
	return out
}

// once drops hits that two overlapping pieces both saw.
func once(hits []Hit) (out []Hit) {
	seen := map[Hit]bool{}
	for _, h := range hits {
		k := Hit{Volume: h.Volume, Offset: h.Offset, Rule: h.Rule}
		if !seen[k] {
			seen[k] = true
			out = append(out, h)
		}
	}
	return out
}
