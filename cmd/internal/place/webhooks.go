package place

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"doord/cmd/internal/place/fleet"
)

// Webhook has events of its place sent somewhere. The secret that signs them is shown
// once.
type Webhook struct {
	Base
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Types   []string `json:"types"` // of events; none: all
	Enabled bool     `json:"enabled"`
	Secret  string   `json:"secret"`
}

var webhooks = new(kind)

func init() {
	*webhooks = kind{
		path: "webhooks", envelope: "webhook", resource: "Webhook",
		fresh: func() record { return &Webhook{Enabled: true} }, object: webhookObject{}, readOnly: []string{"secret"},
		prepare: func(c *call, t *tx, old, r record) (any, error) {
			w := r.(*Webhook)
			if u, err := url.Parse(w.URL); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !c.s.hooks.private) {
				t.bad.Add("url", "must be an https URL without a password")
			}
			if old != nil {
				return nil, nil
			}
			if len(t.by(webhooks, places, w.PlaceID)) >= maxWebhooks {
				t.bad.Add("base", fmt.Sprintf("a place can have at most %d webhooks", maxWebhooks))
			}
			w.Secret = newSecret()
			return once{Secret: w.Secret}, nil
		},
		actions: []action{{name: "test", reply: done{}, do: func(c *call, r record) (any, error) {
			return done{"Sent!"}, c.s.change(func(t *tx) error {
				t.tell(c, "webhook.test", webhooks, r)
				return nil
			})
		}}},
	}
}

func (w *Webhook) text() string { return w.Name }

type webhookObject struct {
	*Webhook
	ResourceType string   `json:"resource_type"`
	Secret       hidden   `json:"secret,omitempty"`
	Types        []string `json:"types"`
	Waiting      int      `json:"waiting"` // events
	Dropped      int      `json:"dropped"` // since the service started
	LastError    string   `json:"last_error"`
}

func (w *Webhook) show(s *shower) any {
	o := &webhookObject{Webhook: w, ResourceType: webhooks.resource, Types: w.Types}
	if o.Types == nil {
		o.Types = []string{}
	}
	o.Waiting, o.Dropped, o.LastError = s.s.hooks.of(w.ID)
	return o
}

// Bounds of webhooks.
const (
	maxWebhooks  = 20   // of a place
	maxWaiting   = 1000 // events for one
	hookAttempts = 8
	hookTimeout  = 10 * time.Second
	firstWait    = time.Second // four times as long after each attempt
	longestWait  = 10 * time.Minute
)

// hooks sends events. Each webhook has a queue and, while there is something in it, a
// goroutine: one that does not answer holds up no other. What waits is lost when the
// service ends; the events themselves are not.
type hooks struct {
	s       *Service
	private bool
	client  *http.Client
	cancel  func() // the subscription
	all     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queues map[int64]*hookQueue
}

type hookQueue struct {
	events  []fleet.Event
	stop    context.CancelFunc // of the goroutine; nil: none runs
	dropped int
	last    string // error
}

func newHooks(s *Service, private bool) *hooks {
	h := &hooks{s: s, private: private, queues: map[int64]*hookQueue{}}
	dialer := &net.Dialer{Timeout: hookTimeout}
	if !private {
		dialer.Control = public
	}
	h.client = &http.Client{
		Timeout: hookTimeout,
		// No proxy: it would go where we may not. No redirects: they would, too.
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: hookTimeout,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	h.cancel = s.fleet.Subscribe(h.notice)
	return h
}

func (h *hooks) close() {
	h.cancel()
	h.mu.Lock()
	h.closed = true
	for _, q := range h.queues {
		if q.stop != nil {
			q.stop()
		}
	}
	h.mu.Unlock()
	h.all.Wait()
	h.client.CloseIdleConnections()
}

var errPrivate = errors.New("private and link-local addresses are refused")

// public refuses to connect to what is not reachable for everybody. It is asked when
// the address is known: whatever a name said before, this is where the bytes would go.
func public(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !isPublic(a.Addr()) {
		return fmt.Errorf("%w: %s", errPrivate, a.Addr())
	}
	return nil
}

// notPublic are the ranges that netip has no word for.
//
// Source: the IANA special-purpose address registries (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsGlobalUnicast() && !a.IsPrivate() &&
		!slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(a) })
}

// notice puts events into the queues of whoever wants them. It does not wait.
func (h *hooks) notice(n fleet.Notice) {
	if n.Kind != fleet.NoticeEvents {
		return
	}
	var wanting []*Webhook
	h.s.read(func(v view) { wanting = pick[Webhook](v, webhooks, places, n.Place) })
	for _, w := range wanting {
		for _, e := range n.Events {
			if w.Enabled && w.wants(e) {
				h.add(w.ID, e)
			}
		}
	}
}

func (w *Webhook) wants(e fleet.Event) bool {
	var about struct {
		Type string `json:"type"`
		Kind string `json:"object_type"`
		ID   int64  `json:"object_id"`
	}
	if json.Unmarshal(e.Text, &about) != nil {
		return false
	}
	if about.Type == "webhook.test" {
		return about.ID == w.ID
	}
	return len(w.Types) == 0 || slices.Contains(w.Types, about.Type)
}

func (h *hooks) add(id int64, e fleet.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.queues[id]
	if q == nil {
		q = &hookQueue{}
		h.queues[id] = q
	}
	if len(q.events) >= maxWaiting || h.closed {
		q.dropped++
		return
	}
	q.events = append(q.events, e)
	if q.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		q.stop = stop
		h.all.Go(func() {
			defer stop()
			h.work(ctx, id, q)
		})
	}
}

// of tells how a webhook does.
func (h *hooks) of(id int64) (waiting, dropped int, last string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q := h.queues[id]; q != nil {
		return len(q.events), q.dropped, q.last
	}
	return 0, 0, ""
}

// work sends what is in a queue, in order, until it is empty.
func (h *hooks) work(ctx context.Context, id int64, q *hookQueue) {
	for {
		h.mu.Lock()
		if len(q.events) == 0 || ctx.Err() != nil {
			q.stop = nil
			h.mu.Unlock()
			return
		}
		e := q.events[0]
		h.mu.Unlock()
		err := h.deliver(ctx, id, e)
		h.mu.Lock()
		q.events, q.last = q.events[1:], ""
		if err != nil {
			q.last = err.Error()
			q.dropped++
		}
		if errors.Is(err, errGone) {
			delete(h.queues, id)
			q.events = nil
		}
		h.mu.Unlock()
		if err != nil {
			h.s.log.Warn("a webhook did not take an event", "webhook", id, "event", e.ID.String(), "err", err)
		}
	}
}

var errGone = errors.New("the webhook is gone")

// deliver sends one event until it is taken, as it is then: a new address counts.
func (h *hooks) deliver(ctx context.Context, id int64, e fleet.Event) error {
	text, err := showEvent(e)
	if err != nil {
		return err
	}
	body, _ := text.(raw) // an event always is
	for attempt, wait := 1, firstWait; ; attempt, wait = attempt+1, min(4*wait, longestWait) {
		var w *Webhook
		h.s.read(func(v view) { w = lookup[Webhook](v, webhooks, id) })
		switch {
		case w == nil:
			return errGone
		case !w.Enabled:
			return errors.New("the webhook was turned off")
		}
		again, err := h.send(ctx, w, body)
		if err == nil || !again || attempt == hookAttempts {
			return err
		}
		h.mu.Lock()
		if q := h.queues[id]; q != nil {
			q.last = err.Error()
		}
		h.mu.Unlock()
		timer := time.NewTimer(wait + rand.N(wait/4))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// send makes one attempt, and tells whether another is worth it.
func (h *hooks) send(ctx context.Context, w *Webhook, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	at := strconv.FormatInt(h.s.now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "doorcloud")
	r.Header.Set("X-Signature", sign(w.Secret, body))
	r.Header.Set("X-Timestamp", at)
	r.Header.Set("X-Timestamp-Signature", sign(w.Secret, []byte(at), []byte("."), body))
	answer, err := h.client.Do(r)
	if err != nil {
		return !errors.Is(err, errPrivate), withoutURL(err)
	}
	answer.Body.Close()
	switch {
	case answer.StatusCode < 300:
		return false, nil
	case answer.StatusCode == http.StatusGone:
		return false, answered(answer.StatusCode)
	}
	return true, answered(answer.StatusCode)
}

// answered is a refusal, in our words: what its sender wrote may be anything.
func answered(status int) error {
	return fmt.Errorf("answered %d %s", status, http.StatusText(status))
}

// withoutURL leaves the URL out of an error: there may be a secret in it.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// sign is the hex of HMAC-SHA-256 over the parts together.
func sign(secret string, parts ...[]byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
