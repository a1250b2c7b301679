package double

import (
	"net/http"
	"time"
)

// A FaultKind is a way to fail.
type FaultKind int

// The kinds.
const (
	Refuse      FaultKind = iota // answer with Status, Code, Message
	Throttle                     // 400 Throttling.User, as ECS throttles; or 429 with Status 429
	Unavailable                  // 503 ServiceUnavailable
	Cut                          // the connection is closed before any byte of the answer
	CutAfter                     // the same, but the call took effect
	Truncate                     // half of the JSON
	Hang                         // no answer until the client leaves
	Slow                         // the answer comes after Delay
	Garbage                      // 502 with HTML, as a proxy answers
	Loop                         // the answer's page token is the same every time
)

// A Fault is one line of a fault plan: which calls fail and how.
type Fault struct {
	Action string // "ecs:DescribeImages"; "" or "*" for all
	Region string // only calls with this RegionId; "" for all
	Skip   int    // so many calls pass first
	Times  int    // then so many fail; 0: all of them
	Kind   FaultKind
	Delay  time.Duration
	Status int
	Code   string
	Text   string
	Hits   int // how many have failed; read it within View

	seen int
}

// Fail adds faults to the plan. The first that fits a call counts.
func (s *Server) Fail(fs ...*Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fs...)
}

// Heal empties the fault plan.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) fault(name, region string) *Fault {
	for _, f := range s.faults {
		if f.Region != "" && f.Region != region || f.Action != "" && f.Action != "*" && f.Action != name {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			f.Hits++
			return f
		}
	}
	return nil
}

// early says that the call does not take effect.
func (f *Fault) early() bool {
	return f.Kind != CutAfter && f.Kind != Truncate && f.Kind != Slow && f.Kind != Loop
}

// apply fails the call, and reports whether that was its answer.
func (f *Fault) apply(w http.ResponseWriter, r *http.Request, c *call) bool {
	status, code, text := f.Status, f.Code, f.Text
	or := func(s int, c, t string) {
		if status == 0 {
			status = s
		}
		if code == "" {
			code = c
		}
		if text == "" {
			text = t
		}
	}
	switch f.Kind {
	case Truncate, Loop:
		return false
	case Slow:
		wait(r, f.Delay)
		return false
	case Hang:
		wait(r, time.Hour)
		panic(http.ErrAbortHandler)
	case Cut, CutAfter:
		panic(http.ErrAbortHandler)
	case Garbage:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html><title>502 Bad Gateway</title></html>"))
		return true
	case Throttle:
		or(400, "Throttling.User", "Request was denied due to user flow control.")
	case Unavailable:
		or(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
	case Refuse:
		or(500, "InternalError", "The request processing has failed due to some unknown error, exception or failure.")
	}
	write(w, status, refuse(status, code, text).body(c.id, r.Host))
	return true
}

func wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// rate counts the calls of one second.
type rate struct {
	second int64
	n      int
}

// throttle refuses what is over the product's rate.
func (s *Server) throttle(product string, now time.Time) *fail {
	limit := s.opts.Rate[product]
	if limit == 0 {
		return nil
	}
	r := s.rates[product]
	if r.second != now.Unix() {
		r = rate{second: now.Unix()}
	}
	r.n++
	s.rates[product] = r
	if r.n > limit {
		return refuse(400, "Throttling.User", "Request was denied due to user flow control.")
	}
	return nil
}
