package cloudsync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"doord/policy/ledger"
)

// session is the client at work with one key and certificate.
type session struct {
	*Client
	enrolment *enrolment
	service   *service
	transport *http.Transport

	wake   chan struct{} // the policy may be another
	resend chan struct{} // events may have to be sent again
	met    chan struct{} // zones of the service wait

	mu      sync.Mutex
	trust   *ledger.Trust
	revived chan struct{}       // closed, and replaced, when the stream opens: others need not wait any longer
	since   time.Time           // that the service does not answer, or the start
	coming  map[int64]ZoneState // from the stream, the last of each zone
	fresh   bool                // all zones are to be exchanged
	probe   bool                // the service may have forgotten events
}

func newSession(c *Client, e *enrolment) *session {
	t := e.tls(c.ClockSet)
	t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return e.device.tls(), nil }
	s := &session{Client: c, enrolment: e, transport: newTransport(t, c.Dial),
		wake: make(chan struct{}, 1), resend: make(chan struct{}, 1), met: make(chan struct{}, 1),
		revived: make(chan struct{}), since: time.Now(), coming: map[int64]ZoneState{}, fresh: true}
	s.service = newService(e.URL, s.transport)
	s.trust, _ = e.trust(e.Grants) // checked when it was read
	return s
}

// The duties, by the names that a technician sees.
const (
	policing = "policy"
	sending  = "events"
	stream   = "stream"
	sharing  = "zones"
	telling  = "status"
	renewing = "renewal"
)

// run does all duties until the context ends.
func (s *session) run(ctx context.Context) {
	defer s.transport.CloseIdleConnections()
	var duties sync.WaitGroup
	if s.Policy != nil {
		duties.Go(func() { s.repeat(ctx, policing, s.wake, s.pull) })
	}
	if s.Journal != nil {
		duties.Go(func() { s.repeat(ctx, sending, nil, s.send) })
	}
	duties.Go(func() { s.repeat(ctx, stream, nil, s.listen) })
	duties.Go(func() { s.repeat(ctx, sharing, nil, s.share) })
	duties.Go(func() { s.repeat(ctx, telling, nil, s.tellStatus) })
	duties.Go(func() { s.tend(ctx) })
	duties.Wait()
}

// repeat does a duty again and again. After a failure it waits, but not once the
// stream has come back, or the duty is asked for.
func (s *session) repeat(ctx context.Context, duty string, asked <-chan struct{}, do func(context.Context) error) {
	var b backoff
	for ctx.Err() == nil {
		revived := s.revival()
		if duty == stream {
			revived = nil // it is what revives
		}
		err := do(ctx)
		if err == nil {
			b.well()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, errAgain) {
			s.failed(duty, err)
			s.lost(ctx, err)
		}
		wake := merge{revived, asked}
		most := mostPause
		if duty != stream && !s.isOnline() {
			most = awayPause
		}
		if wake.wait(ctx, b.next(most)) {
			b.well()
		}
	}
}

// errAgain is that a duty is to be done again after a pause, without a failure of
// the service.
var errAgain = errors.New("cloudsync: again")

// merge is two reasons to wait no longer.
type merge struct{ a, b <-chan struct{} }

// wait reports whether it was woken.
func (m merge) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-m.a:
		return true
	case <-m.b:
		return true
	case <-ctx.Done():
		return false
	}
}

// revival returns a channel that is closed when the stream opens next.
func (s *session) revival() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revived
}

// revive tells every duty that the service is there again, maybe with less than it
// had.
func (s *session) revive() {
	s.mu.Lock()
	close(s.revived)
	s.revived = make(chan struct{})
	s.fresh, s.probe = true, true
	clear(s.coming) // the service tells all zones anew, and may have gone back
	s.mu.Unlock()
	poke(s.wake)
	poke(s.resend)
	poke(s.zones)
	poke(s.status)
}

// believes returns what policy keys are granted now.
func (s *session) believes() *ledger.Trust {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trust
}

// unreachableAfter is how long the service may be away before somebody should look.
const unreachableAfter = 15 * time.Minute

// heard notes that the service answered a duty.
func (s *session) heard(ctx context.Context, duty string) {
	s.mu.Lock()
	s.since = time.Now()
	s.mu.Unlock()
	s.answered(duty)
	s.fault(ctx, "reach", fault{}, false)
}

// lost notes that the service did not answer as it should.
func (s *session) lost(ctx context.Context, err error) {
	if refusedWith(err, CodeUnknown) {
		s.fault(ctx, "reach", fault{"the place service does not know this controller any more",
			"doors work on as they are; doorctl leave, and enrol it anew with a new claim code"}, true)
		return
	}
	s.mu.Lock()
	away := time.Since(s.since)
	s.mu.Unlock()
	if away >= unreachableAfter {
		s.fault(ctx, "reach", fault{fmt.Sprintf("the place service at %s is not reached", s.enrolment.URL),
			"doors work on; look at the network, the name service and the way out to that port: doorctl cloud says what failed last"}, false)
	}
}
