package place

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"doord/policy"
)

const (
	maxBody       = 1 << 20
	readPatience  = 30 * time.Second // for a body
	writePatience = 2 * time.Minute  // from the request to the end of its answer
)

// call is one request.
type call struct {
	s      *Service
	r      *http.Request
	now    time.Time
	caller *caller
	raw    []byte                     // the body
	body   map[string]json.RawMessage // the record's part of it
	header http.Header                // of the answer
}

// raw is an answer that is JSON already.
type raw = json.RawMessage

// Handler serves the API.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{} // of each path
	for _, r := range s.routes {
		mux.HandleFunc(r.method+" "+r.path, s.serve(&r))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, there := range methods {
		slices.Sort(there)
		allow := strings.Join(there, ", ")
		mux.HandleFunc(path, s.serve(&route{open: true, do: func(*call) (int, any, error) {
			return 0, nil, &Error{Status: http.StatusMethodNotAllowed, Text: "only " + allow + " can be done here", Code: codeMethod, Allow: allow}
		}}))
	}
	mux.HandleFunc("/", s.serve(&route{open: true, do: func(*call) (int, any, error) { return 0, nil, errMissing }}))
	return patient(s.crossOrigin(mux))
}

// serve answers a route: how often, who, what, and then whether it can be done.
func (s *Service) serve(route *route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, r: r, now: s.now().UTC(), header: w.Header()}
		status, body, err := c.answer(route)
		if err != nil {
			status, body = s.failed(w, r, err)
		}
		if status == http.StatusNoContent || body == nil {
			w.WriteHeader(status)
			return
		}
		text, is := body.(raw)
		if !is {
			if text, err = json.Marshal(body); err != nil {
				s.log.Error("an answer cannot be written", "path", r.URL.Path, "err", err)
				status, text = http.StatusInternalServerError, raw(`{"error":"a fault in the service","code":"`+codeFault+`"}`)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write(text) // a client that went away misses its answer, nothing else
	}
}

func (c *call) answer(route *route) (int, any, error) {
	c.caller = c.s.identify(c.r, c.now)
	who := c.caller.name
	if who == "" {
		who = network(c.r.RemoteAddr)
	}
	if wait := c.take(who); wait > 0 {
		return 0, nil, &Error{Status: http.StatusTooManyRequests, Text: "too many requests", Code: codeTooMany, Retry: wait}
	}
	if c.caller.name == "" && !route.open {
		return 0, nil, c.caller.unknown()
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		var err error
		if c.raw, err = io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxBody)); err != nil {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				return 0, nil, errTooLarge
			}
			return 0, nil, malformed("the body could not be read whole")
		}
	}
	return route.do(c)
}

// failed turns an error into an answer.
func (s *Service) failed(w http.ResponseWriter, r *http.Request, err error) (int, any) {
	var bad *Invalid
	if errors.As(err, &bad) {
		return http.StatusUnprocessableEntity, bad
	}
	var e *Error
	if !errors.As(err, &e) {
		s.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		e = &Error{Status: http.StatusInternalServerError, Text: "a fault in the service: it was not done", Code: codeFault}
	}
	if e.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Retry.Seconds()))))
	}
	if e.Allow != "" {
		w.Header().Set("Allow", e.Allow)
	}
	return e.Status, e
}

// object reads the body as a JSON object.
func (c *call) object() (map[string]json.RawMessage, error) {
	var o map[string]json.RawMessage
	if !utf8.Valid(c.raw) {
		return nil, malformed("the body is not UTF-8")
	}
	if err := json.Unmarshal(c.raw, &o); err != nil || o == nil {
		return nil, malformed("the body is not a JSON object")
	}
	return o, nil
}

// fields reads the record's part of the body.
func (c *call) fields(envelope string) error {
	o, err := c.object()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(o[envelope], &c.body); err != nil || c.body == nil {
		return malformed("the body must be {%q: {…}}", envelope)
	}
	return nil
}

// decode reads the body of an action. It may be empty, or in an envelope.
func (c *call) decode(envelope string, into any) error {
	if len(bytes.TrimSpace(c.raw)) == 0 {
		return nil
	}
	o, err := c.object()
	if err != nil {
		return err
	}
	text := json.RawMessage(c.raw)
	if inner, is := o[envelope]; is && envelope != "" {
		text = inner
	}
	if err := json.Unmarshal(text, into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field != "" {
			return invalid(kind.Field, wrong(err))
		}
		return malformed("the body is not as expected")
	}
	return nil
}

// Authorization schemes.
const (
	schemeLogin = "KISI-LOGIN"
	schemeLink  = "KISI-GROUP-LINK"
	schemeKey   = "KISI-ACCESS-KEY"
)

// identify finds out who asks. Somebody whose secret is wrong is nobody.
func (s *Service) identify(r *http.Request, now time.Time) *caller {
	c := &caller{places: map[int64]*standing{}}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if secret == "" || len(secret) > maxText {
		return c
	}
	hash := hashed(secret)
	s.read(func(v view) {
		switch scheme {
		case schemeLogin:
			l, _ := any(v.find(logins, hash)).(*Login)
			if l == nil || !now.Before(s.seen.login(l).Add(loginLife)) {
				return
			}
			c.name, c.account, c.login = "account "+strconv.FormatInt(l.AccountID, 10), l.AccountID, l.ID
			c.actor = policy.Ref{Type: "account", ID: l.AccountID}
			for _, m := range pick[Member](v, members, accounts, l.AccountID) {
				c.join(v, m, now)
			}
		case schemeKey:
			k, _ := any(v.find(accessKeys, hash)).(*AccessKey)
			if k == nil {
				return
			}
			c.name, c.actor = "key "+strconv.FormatInt(k.ID, 10), policy.Ref{Type: accessKeys.envelope, ID: k.ID}
			if m := lookup[Member](v, members, k.MemberID); m != nil {
				c.join(v, m, now)
				if x := c.at(m.PlaceID); x != nil && rankOf(x.role) > rankOf(k.Role) {
					x.role = k.Role
				}
			}
		case schemeLink:
			c.asLink(v, hash, now)
		}
	})
	if c.login != 0 {
		s.touchLogin(c.login, now)
	}
	return c
}

// lastSeen is when sessions were last used. It is written to the disk once a day: a
// session's life is counted in days.
type lastSeen struct {
	mu sync.Mutex
	at map[int64]time.Time
}

func (x *lastSeen) login(l *Login) time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	if t := x.at[l.ID]; t.After(l.LastUsedAt) {
		return t
	}
	return l.LastUsedAt
}

const (
	seenEvery = 24 * time.Hour
	maxSeen   = 50_000
)

func (s *Service) touchLogin(id int64, now time.Time) {
	s.seen.mu.Lock()
	if s.seen.at == nil {
		s.seen.at = map[int64]time.Time{}
	}
	if len(s.seen.at) >= maxSeen {
		clear(s.seen.at) // the disk has them to a day
	}
	s.seen.at[id] = now
	s.seen.mu.Unlock()
	due := false
	s.read(func(v view) {
		l := lookup[Login](v, logins, id)
		due = l != nil && now.Sub(l.LastUsedAt) > seenEvery
	})
	if !due {
		return
	}
	err := s.change(func(t *tx) error {
		l := lookup[Login](t, logins, id)
		if l == nil || t.now.Sub(l.LastUsedAt) <= seenEvery {
			return nil
		}
		next := *l
		next.LastUsedAt = t.now
		t.keep(logins, &next)
		return nil
	})
	if err != nil {
		s.log.Warn("the last use of a session could not be kept", "err", err)
	}
}

// patient waits for a body, but not for ever. One that nobody reads is waited for, too:
// net/http looks for the next request after it.
func patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		patience := http.NewResponseController(w) // a recorder has none
		_ = patience.SetReadDeadline(time.Now().Add(readPatience))
		_ = patience.SetWriteDeadline(time.Now().Add(writePatience))
		next.ServeHTTP(w, r)
	})
}

// crossOrigin lets pages of the configured origins ask. There are no cookies, so that
// others gain nothing by trying.
func (s *Service) crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		w.Header().Add("Vary", "Origin")
		if s.origins[origin] {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "X-Collection-Range, Retry-After")
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		if s.origins[origin] {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept")
			w.Header().Set("Access-Control-Max-Age", "600")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
