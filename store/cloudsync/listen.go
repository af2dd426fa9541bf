package cloudsync

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"doord/policy"
	"doord/policy/ledger"
)

const (
	nonceSize  = 16
	helloFor   = CommandLife / 2 // what it takes counts against every command
	doFor      = 5 * time.Second // that the daemon has for a command
	mostWaits  = 32              // results on their way
	resultFor  = CommandLife     // that somebody waits for a result
	resultTry  = 500 * time.Millisecond
	maxZones   = 1024 // of which states wait
	longStream = time.Minute
)

// listen holds a stream open until it ends, and does what comes on it.
func (s *session) listen(ctx context.Context) error {
	nonce := make([]byte, nonceSize)
	_, _ = crand.Read(nonce) // crypto/rand does not fail: it ends the program first
	orders := &orders{controller: s.enrolment.Controller, nonce: nonce, opened: time.Now()}
	header := http.Header{HeaderNonce: {hex.EncodeToString(nonce)}, "Accept": {"text/event-stream"}}
	a, err := s.service.ask(ctx, helloFor, helloFor, http.MethodGet, PathStream, header, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	events := newEvents(a)
	first, err := events.next()
	if err == nil && first.Name != StreamHello {
		err = fmt.Errorf("%w: it begins with %q", errStream, first.Name)
	}
	if err != nil {
		return s.ended(ctx, orders.opened, err)
	}
	a.patience(deadStream)
	s.online(true)
	defer s.online(false)
	s.heard(ctx, stream)
	s.revive()
	var results sync.WaitGroup
	defer results.Wait()
	waits := make(chan struct{}, mostWaits)
	for {
		e, err := events.next()
		if err != nil {
			return s.ended(ctx, orders.opened, err)
		}
		switch e.Name {
		case StreamPolicy:
			poke(s.wake)
		case StreamZone:
			var z ZoneState
			if err := json.Unmarshal(e.Data, &z); err != nil {
				return fmt.Errorf("%w: a zone: %w", errStream, err)
			}
			s.zoneCame(z)
		case StreamCommand:
			if err := s.order(ctx, orders, e.Data, waits, &results); err != nil {
				s.fault(ctx, "command", fault{fmt.Sprintf("a command was refused: %v", err),
					"nothing was done; if it comes again somebody is between here and the place service"}, true)
				return fmt.Errorf("cloudsync: command: %w", err)
			}
		}
	}
}

// ended says how a stream's end counts: one that was open for long is opened anew
// soon.
func (s *session) ended(ctx context.Context, opened time.Time, err error) error {
	if ctx.Err() == nil && time.Since(opened) >= longStream {
		if err := pause(ctx, firstPause/2+rand.N(2*firstPause), nil); err != nil { // the others' streams have ended, too
			return err
		}
		s.Log.Info("the stream ended and is opened anew", "err", err)
		return nil
	}
	return fmt.Errorf("cloudsync: stream: %w", err)
}

func (s *session) isOnline() bool {
	s.Client.mu.Lock()
	defer s.Client.mu.Unlock()
	return s.report.Online
}

func (s *session) online(is bool) {
	s.Client.mu.Lock()
	s.report.Online = is
	s.Client.mu.Unlock()
}

// order takes a command, has it carried out and tells the result. Commands are
// carried out one after the other; their results are on their way meanwhile.
func (s *session) order(ctx context.Context, o *orders, data []byte, waits chan struct{}, results *sync.WaitGroup) error {
	var signed ledger.Signed
	if err := json.Unmarshal(data, &signed); err != nil {
		return fmt.Errorf("%w: %w", errOrderKey, err)
	}
	c, err := o.take(signed, s.believes(), s.at(), time.Now())
	var r Result
	switch {
	case errors.Is(err, errLate):
		s.Log.Warn("a command came too late and is not carried out", "id", c.ID, "action", c.Action)
		r = Result{Reason: policy.Unavailable, Text: errLate.Error()}
	case err != nil:
		return err
	default:
		do, cancel := context.WithTimeout(ctx, min(doFor, o.left(&c, time.Now())))
		r = s.Controller.Do(do, c)
		cancel()
	}
	select {
	case waits <- struct{}{}:
	default:
		s.Log.Warn("a result is not told: too many are on their way", "id", c.ID)
		return nil
	}
	results.Go(func() {
		defer func() { <-waits }()
		s.answer(ctx, c.ID, r)
	})
	return nil
}

// answer tells the result of a command, while somebody may wait for it.
func (s *session) answer(ctx context.Context, id int64, r Result) {
	ctx, cancel := context.WithTimeout(ctx, resultFor)
	defer cancel()
	for {
		err := s.service.tell(ctx, http.MethodPost, fmt.Sprintf(PathResult, id), nil, r, nil)
		var no *refusal
		if err == nil || errors.As(err, &no) {
			return
		}
		if pause(ctx, resultTry, nil) != nil {
			s.Log.Warn("the result of a command could not be told", "id", id, "err", err)
			return
		}
	}
}
