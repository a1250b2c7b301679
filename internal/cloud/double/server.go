package double

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options say how a double behaves.
type Options struct {
	State *State           // nil: an empty one
	Now   func() time.Time // nil: the real clock
	// Command runs what RunCommand sends to an instance; nil answers with exit
	// code 0 and no output. It is called under the server's lock.
	Command func(Command) Output
	// Rate bounds the calls a second of a product, by RAM code: more are
	// answered with Throttling.User. 0 or absent: no bound.
	Rate map[string]int
}

// A Command is what RunCommand sends to one instance, decoded.
type Command struct {
	Instance, Type, Username, Content string
	Parameters                        map[string]string
	Timeout                           int
}

// An Output is what an instance makes of a command.
type Output struct {
	Exit  int
	Text  string
	Polls int    // how many times it is still Running when asked for
	Error string // ErrorCode, when it did not run: "InstanceNotRunning", …
}

// A Server is a double. It is an http.Handler and safe for concurrent use:
// calls are answered one by one.
type Server struct {
	opts    Options
	apis    map[string]map[string]*api
	actions map[string]action

	mu      sync.Mutex
	state   *State
	nonces  map[string]time.Time
	tokens  map[string]string // ClientToken → the answer it got
	faults  []*Fault
	rates   map[string]rate
	ids     int
	session int
}

// New makes a double. It keeps and changes o.State.
func New(o Options) *Server {
	if o.State == nil {
		o.State = &State{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{opts: o, state: o.State, apis: apis(paramsText), nonces: map[string]time.Time{}, tokens: map[string]string{}, rates: map[string]rate{}}
	s.actions = map[string]action{}
	for _, product := range []map[string]action{ecsReads(), ecsWrites(), assistant(), ramReads(), ramWrites(), stsActions(), directoryReads(), directoryWrites(), sharing(), essActions(), trail()} {
		maps.Copy(s.actions, product)
	}
	if s.state.Home == "" {
		s.state.Home = "cn-hangzhou"
	}
	if s.state.Counts == nil {
		s.state.Counts = map[string]int{}
	}
	for _, a := range s.state.Accounts {
		for _, k := range a.Keys {
			k.Account = a.ID
		}
	}
	return s
}

// View calls f with the state while no call is being answered. f may change
// the state: that is how a test makes something happen in the cloud.
func (s *Server) View(f func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.state)
}

// Listen serves on a loopback address ("127.0.0.1:0" for a free port) until
// ctx ends, and returns the endpoint ("127.0.0.1:34567"). done receives one
// value when serving has ended.
func (s *Server) Listen(ctx context.Context, addr string) (endpoint string, done <-chan error, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", nil, fmt.Errorf("%q is not a loopback address: the double is for this machine only", host)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = h.Close() })
	end := make(chan error, 1)
	go func() {
		err := h.Serve(l)
		stop()
		if ctx.Err() != nil {
			err = nil
		}
		end <- err
	}()
	return l.Addr().String(), end, nil
}

// maxBody bounds a request: RunCommand's content, the largest, is 24 KiB.
const maxBody = 1 << 20

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	c, f := s.read(r, body)
	var answer any
	var fault *Fault
	if f == nil {
		answer, fault, f = s.answer(r, c)
	}
	if fault != nil && fault.apply(w, r, c) {
		return
	}
	status := http.StatusOK
	if f != nil {
		status, answer = f.status, f.body(c.id, r.Host)
	}
	if fault != nil && fault.Kind == Truncate {
		w = &halved{w}
	}
	if o, ok := answer.(obj); ok && fault != nil && fault.Kind == Loop {
		for _, token := range []string{"NextToken", "Marker"} {
			if _, has := o[token]; has || token == "NextToken" {
				o[token] = "round-and-round"
			}
		}
	}
	write(w, status, answer)
}

// write sends one answer.
func write(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil { // answers are plain data
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// halved loses the second half of the answer.
type halved struct{ http.ResponseWriter }

func (h *halved) Write(b []byte) (int, error) { return h.ResponseWriter.Write(b[:len(b)/2]) }

// read makes a call of a request, without looking at who calls.
func (s *Server) read(r *http.Request, body []byte) (*call, *fail) {
	c := &call{s: s, now: s.opts.Now().UTC(), p: map[string]string{}, r: r}
	s.mu.Lock()
	s.ids++
	c.id = fmt.Sprintf("%08X-0000-4000-8000-%012X", s.ids, s.ids)
	s.mu.Unlock()
	all := r.URL.Query()
	if len(body) > 0 {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			return c, refuse(415, "UnsupportedHTTPMethod", "This http body is not supported.")
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return c, refuse(400, "InvalidParameter", "The body is not a form.")
		}
		for k, v := range form {
			all[k] = append(all[k], v...)
		}
	}
	for k, v := range all {
		if len(v) > 1 {
			return c, refuse(400, "InvalidParameter", "The parameter "+k+" is given twice.")
		}
		c.p[k] = v[0]
	}
	var f *fail
	version := r.Header.Get("X-Acs-Version")
	if r.Header.Get("Authorization") != "" {
		c.action = r.Header.Get("X-Acs-Action")
		c.sig, f = readV3(r, body)
	} else {
		c.action, version = c.p["Action"], c.p["Version"]
		c.sig, f = readV1(r, all)
	}
	if f != nil {
		return c, f
	}
	c.api = s.apis[version][c.action]
	if c.api == nil {
		return c, refuse(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	c.product = c.api.product
	return c, nil
}

// answer checks who calls, what is asked and whether a policy lets it happen,
// then does it.
func (s *Server) answer(r *http.Request, c *call) (any, *Fault, *fail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := c.product + ":" + c.action
	s.state.Counts[name]++
	fault := s.fault(name, c.p["RegionId"])
	if fault != nil && fault.early() {
		return nil, fault, nil
	}
	if fault != nil && fault.Kind == Loop {
		delete(c.p, "NextToken") // the token that it gives is none that it knows
	}
	if f := s.throttle(c.product, c.now); f != nil {
		return nil, nil, f
	}
	key, f := s.authenticate(c.sig, c.now)
	if f != nil {
		return nil, fault, f
	}
	c.key, c.acct = key, s.state.account(key.Account)
	if c.region = c.p["RegionId"]; c.region == "" {
		c.region = s.state.Home
	}
	act, ok := s.actions[name]
	if !ok {
		return nil, fault, refuse(501, "UnsupportedOperation", "The double knows the API and does not serve it.")
	}
	if f := c.api.check(c.p); f != nil {
		return nil, fault, f
	}
	if f := c.regionExists(); f != nil {
		return nil, fault, f
	}
	if f := c.authorize(act); f != nil {
		c.record(act, f)
		return nil, fault, f
	}
	answer, f := c.once(act)
	c.record(act, f)
	if f != nil {
		return nil, fault, f
	}
	answer["RequestId"] = c.id
	return answer, fault, nil
}

// once runs an action, or repeats the answer that the same ClientToken got.
func (c *call) once(act action) (obj, *fail) {
	token := c.p["ClientToken"]
	if token == "" || !act.write {
		return act.run(c)
	}
	key := c.acct.ID + " " + c.action + " " + token
	if text, ok := c.s.tokens[key]; ok {
		var answer obj
		if err := json.Unmarshal([]byte(text), &answer); err == nil {
			return answer, nil
		}
	}
	answer, f := act.run(c)
	if text, err := json.Marshal(answer); f == nil && err == nil {
		c.s.tokens[key] = string(text)
	}
	return answer, f
}
