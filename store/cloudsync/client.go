package cloudsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"doord/policy"
	"doord/policy/ledger"
	"doord/store"
)

// Options are what a client works with.
type Options struct {
	Dir        string // of its files
	DeviceID   string
	Model      string
	Version    string // of doord
	Controller Controller
	Policy     Cache          // nil: it cannot be written, and no policy is pulled
	Journal    *store.Journal // nil: it cannot be read, and no event is sent
	ClockSet   func() bool    // whether the wall clock is trusted
	Log        *slog.Logger

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network, which only tests have otherwise
}

// Client keeps one controller in step with its place service, once it is enrolled.
// Its methods may be called from any goroutine.
type Client struct {
	Options

	status, zones chan struct{} // something may have changed

	enrolling sync.Mutex // one enrolment at a time, or leave

	mu       sync.Mutex
	enrolled *enrolment        // nil: none
	turned   chan struct{}     // closed, and replaced, when the enrolment became another
	report   Report            // but for what is asked at once
	errors   map[string]string // of duties that failed and have not succeeded since
	faults   map[string]fault
}

// fault is what is told of a kind of fault.
type fault struct{ what, hint string }

// Report is how the client is.
type Report struct {
	Enrolled   bool
	URL        string
	Place      int64
	Controller int64
	Online     bool // the stream is open
	Position   ledger.Position
	Expires    time.Time // of the policy's head; zero: never
	Stale      bool      // it has
	LastOnline time.Time // that the service answered
	LastPolicy time.Time // that the service said which policy there is
	Errors     []string  // what does not work now, by duty
	Queue      uint64    // events that the service has not acknowledged
	Until      time.Time // that the certificate lasts
	LastGrant  time.Time // when the last policy key ends
}

// New makes a client from what is in the directory. An enrolment that cannot be read
// is an error, with a client that is not enrolled.
func New(o Options) (*Client, error) {
	c := &Client{Options: o, status: make(chan struct{}, 1), zones: make(chan struct{}, 1),
		turned: make(chan struct{}), errors: map[string]string{}, faults: map[string]fault{}}
	var err error
	c.enrolled, err = load(o.Dir)
	return c, err
}

// Changed tells that the board or a zone may have changed. It never waits.
func (c *Client) Changed() {
	poke(c.status)
	poke(c.zones)
}

// poke wakes whoever waits on ch, now or when he next does.
func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Enrolled reports whether the policy comes from a place service.
func (c *Client) Enrolled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enrolled != nil
}

// Report tells how the client is.
func (c *Client) Report() Report {
	c.mu.Lock()
	r, e := c.report, c.enrolled
	for _, duty := range slices.Sorted(maps.Keys(c.errors)) {
		r.Errors = append(r.Errors, duty+": "+c.errors[duty])
	}
	c.mu.Unlock()
	if e == nil {
		return Report{}
	}
	r.Enrolled, r.URL, r.Place, r.Controller, r.Until = true, e.URL, e.Place, e.Controller, e.device.certificate.NotAfter
	if trust, err := e.trust(e.Grants); err == nil {
		r.LastGrant = trust.Last()
	}
	if c.Policy != nil && e.Adopted {
		r.Position = c.Policy.Position()
		if _, head := c.Policy.Head(); head.Expires != 0 {
			r.Expires = time.Unix(head.Expires, 0).UTC()
		}
		r.Stale = c.ClockSet() && !r.Expires.IsZero() && !time.Now().Before(r.Expires)
	}
	r.Queue = c.queue(e)
	return r
}

// queue returns how many events the service has not acknowledged.
func (c *Client) queue(e *enrolment) uint64 {
	if c.Journal == nil {
		return 0
	}
	head, acked := c.Journal.Head(), c.Journal.AckedThrough()
	if head.Epoch == e.Began.Epoch {
		acked = max(acked, e.Began.Sequence)
	}
	return head.Sequence - min(head.Sequence, acked)
}

// Run does all duties until the context ends, while there is an enrolment.
func (c *Client) Run(ctx context.Context) {
	for ctx.Err() == nil {
		c.mu.Lock()
		e, turned := c.enrolled, c.turned
		c.mu.Unlock()
		run, cancel := context.WithCancel(ctx)
		var duties sync.WaitGroup
		if e != nil {
			duties.Go(func() { newSession(c, e).run(run) })
		}
		select {
		case <-turned:
		case <-ctx.Done():
		}
		cancel()
		duties.Wait()
	}
}

// turn puts another enrolment, or none, in place of the one that is there.
func (c *Client) turn(e *enrolment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enrolled = e
	close(c.turned)
	c.turned = make(chan struct{})
}

// keep writes a change of the enrolment that leaves its sessions as they are.
func (c *Client) keep(e *enrolment, change func(*enrolment)) error {
	c.enrolling.Lock()
	defer c.enrolling.Unlock()
	c.mu.Lock()
	now := c.enrolled
	c.mu.Unlock()
	if now == nil || now.Controller != e.Controller || now.URL != e.URL {
		return errTurned
	}
	next := *now
	change(&next)
	if err := next.save(c.Dir); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enrolled = &next
	return nil
}

var errTurned = errors.New("cloudsync: the enrolment ended meanwhile")

// current returns the enrolment as it is now, if it is still the same.
func (c *Client) current(e *enrolment) *enrolment {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.enrolled != nil {
		return c.enrolled
	}
	return e
}

// answered notes that the service answered a duty.
func (c *Client) answered(duty string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.LastOnline = time.Now().Round(0)
	delete(c.errors, duty)
}

// failed notes why an attempt failed.
func (c *Client) failed(duty string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := err.Error(); c.errors[duty] != text {
		c.Log.Warn("the place service", "duty", duty, "err", err)
		c.errors[duty] = text
	}
}

// fault tells of something that needs a person, or with no words that it is over.
// A new one is an event, too, if that is wanted.
func (c *Client) fault(ctx context.Context, kind string, f fault, event bool) {
	if f.what != "" && ctx.Err() != nil {
		return // it comes of the end
	}
	c.mu.Lock()
	old := c.faults[kind]
	c.faults[kind] = f
	c.mu.Unlock()
	if old == f {
		return
	}
	defer poke(c.status)
	if old.what != "" && old.what != f.what {
		c.Controller.Fault(old.what, "")
	}
	if f.what == "" {
		return
	}
	c.Controller.Fault(f.what, f.hint)
	if event {
		c.Controller.Note(ctx, policy.Event{Type: policy.ControllerFault, Detail: f.what})
	}
}

// Leave forgets the enrolment. The policy stays in force until another is loaded.
func (c *Client) Leave(ctx context.Context) error {
	c.enrolling.Lock()
	defer c.enrolling.Unlock()
	if !c.Enrolled() {
		return ErrNotEnrolled
	}
	if err := forget(c.Dir); err != nil {
		return err
	}
	c.turn(nil)
	c.mu.Lock()
	var kinds []string
	for kind := range c.faults {
		kinds = append(kinds, kind)
	}
	c.report = Report{}
	clear(c.errors)
	c.mu.Unlock()
	for _, kind := range kinds {
		c.fault(ctx, kind, fault{}, false)
	}
	return nil
}

// Errors of enrolling and leaving.
var (
	ErrEnrolled    = errors.New("cloudsync: enrolled already")
	ErrNotEnrolled = errors.New("cloudsync: not enrolled")
	// ErrImpostor is that who answers is not whom the claim code names.
	ErrImpostor = errors.New("cloudsync: who answers there is not the service that made the claim code")
)

// at returns the time for which a signature must be granted; zero while the clock
// is not set.
func (c *Client) at() time.Time {
	if !c.ClockSet() {
		return time.Time{}
	}
	return time.Now()
}

// pause waits, but not beyond the context or a wake-up.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cloudsync: %w", ctx.Err())
	}
}
