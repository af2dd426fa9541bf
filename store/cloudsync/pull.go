package cloudsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"doord/policy/ledger"
	"doord/store"
)

const (
	maxSnapshot = 2 << 30          // bytes, unpacked: millions of cards
	soonest     = 5 * time.Second  // that a long poll without news should take
	renewAt     = 4                // a head is asked for anew when less than one in so many parts of its life is left
	spread      = 10 * time.Second // of the time that a long poll waits
)

// stand returns where the controller is.
func (s *session) stand() stand {
	e := s.current(s.enrolment)
	st := stand{place: e.Place, root: e.Root, trust: s.believes(), at: s.at()}
	if !e.Adopted {
		return st
	}
	if _, head := s.Policy.Head(); head.Place == e.Place {
		st.position = s.Policy.Position()
	}
	if least, err := ledger.ParsePosition(e.Floor); err == nil {
		st.least = least
	}
	return st
}

// pull asks for the policy once, and takes it. It waits while there is no news.
func (s *session) pull(ctx context.Context) error {
	began := time.Now()
	news, err := s.pullFrom(ctx, s.stand(), false)
	if errors.Is(err, errBase) || errors.Is(err, errDelta) {
		s.Log.Warn("the policy's changes do not fit: all of it is fetched", "err", err)
		news, err = s.pullFrom(ctx, s.stand(), true)
	}
	var no refused
	switch {
	case errors.As(err, &no), errors.Is(err, errDelta), errors.Is(err, errBase), refusedWith(err, CodeBehind):
		s.refuse(ctx, err)
		return err
	case err != nil:
		return err
	}
	if !news && time.Since(began) < soonest {
		return errAgain // a service that does not wait is not asked all the time
	}
	return nil
}

// pullFrom asks for what follows a position, or for all of it.
func (s *session) pullFrom(ctx context.Context, st stand, whole bool) (news bool, err error) {
	header := http.Header{}
	_, head := s.Policy.Head()
	here := st.position != (ledger.Position{})
	if here && !whole && !s.ageing(head) {
		wait := LongPoll - rand.N(spread)
		header.Set("If-None-Match", strconv.Quote(st.position.String()))
		header.Set(HeaderExpires, strconv.FormatInt(head.Expires, 10))
		header.Set("Prefer", fmt.Sprintf("wait=%d", int(wait.Seconds())))
	}
	a, err := s.service.ask(ctx, LongPoll+answerFor, silenceFor, http.MethodGet, PathPolicy, header, nil)
	if err != nil {
		return false, err
	}
	defer a.Close()
	s.heard(ctx, policing)
	if a.StatusCode == http.StatusNotModified {
		s.confirmed(ctx)
		return false, nil
	}
	reader, err := ledger.NewReader(io.LimitReader(a, maxSnapshot))
	if err != nil {
		return false, fmt.Errorf("cloudsync: %w", err)
	}
	next, trust, err := st.admit(&reader.Preamble)
	if err != nil {
		return false, err
	}
	if err := s.believe(trust, reader.Grants); err != nil {
		return false, err
	}
	switch {
	case here && !whole && next.Position() == st.position:
		if next.Expires <= head.Expires || next.Issued < head.Issued {
			s.confirmed(ctx)
			return false, nil
		}
		err = s.Policy.Renew(reader.Head, next)
	case reader.Base == nil:
		err = s.Policy.Load(s.current(s.enrolment).PlaceKey, reader.Head, next, reader.Record)
	default:
		err = s.apply(reader, next)
	}
	if errors.Is(err, store.ErrDiverged) {
		return false, fmt.Errorf("%w: %w", errDelta, err)
	}
	if err != nil {
		return false, fmt.Errorf("cloudsync: policy %v: %w", next.Position(), err)
	}
	return true, s.adopt(ctx, next)
}

// ageing reports whether a head is near its end: a service that does not tell of a
// later one by itself is asked for everything.
func (s *session) ageing(head ledger.Head) bool {
	life := head.Expires - head.Issued
	return s.ClockSet() && head.Expires != 0 && time.Now().Unix() > head.Expires-life/renewAt
}

// apply reads the entries of a delta, which the reader bounds, and applies them.
func (s *session) apply(reader *ledger.Reader, head ledger.Head) error {
	var entries []ledger.Entry
	for {
		e, _, err := reader.Entry()
		if errors.Is(err, io.EOF) {
			return s.Policy.Apply(reader.Head, head, entries)
		}
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
}

// believe keeps grants that are new.
func (s *session) believe(trust *ledger.Trust, grants []ledger.Signed) error {
	s.mu.Lock()
	changed := trust != s.trust
	s.trust = trust
	s.mu.Unlock()
	same := func(a, b ledger.Signed) bool {
		return a.Key == b.Key && slices.Equal(a.Body, b.Body) && slices.Equal(a.Signature, b.Signature)
	}
	if !changed || slices.EqualFunc(grants, s.current(s.enrolment).Grants, same) {
		return nil
	}
	return s.keep(s.enrolment, func(e *enrolment) { e.Grants = grants })
}

// adopt puts the policy that is now in the cache into force.
func (s *session) adopt(ctx context.Context, head ledger.Head) error {
	if e := s.current(s.enrolment); !e.Adopted {
		if err := s.keep(s.enrolment, func(e *enrolment) { e.Adopted, e.Floor = true, head.Position().String() }); err != nil {
			return err
		}
	}
	if err := s.Controller.UsePolicy(ctx); err != nil {
		if ctx.Err() == nil {
			s.fault(ctx, "use", fault{fmt.Sprintf("policy %d.%d of the place service cannot be put in force: %v", head.Generation, head.Version, err),
				"what was in force before stays until doord ends; mend it at the place service"}, true)
		}
		return err
	}
	s.fault(ctx, "use", fault{}, false)
	s.confirmed(ctx)
	poke(s.status)
	poke(s.zones) // there may be others now
	return nil
}

// confirmed notes that the policy in the cache is the service's.
func (s *session) confirmed(ctx context.Context) {
	s.Client.mu.Lock()
	s.report.LastPolicy = time.Now().Round(0)
	s.Client.mu.Unlock()
	s.fault(ctx, "policy", fault{}, false)
}

// refuse tells loudly of a policy that is not taken.
func (s *session) refuse(ctx context.Context, err error) {
	s.fault(ctx, "policy", fault{fmt.Sprintf("a policy from the place service was refused: %v", err),
		"the last good policy stays in force; a service that was restored needs a new generation (doorcloud keys), anything else is somebody between here and there"}, true)
}

// keepFloor notes how far the policy came, for a cache that is lost one day.
func (s *session) keepFloor() error {
	e := s.current(s.enrolment)
	if s.Policy == nil || !e.Adopted {
		return nil
	}
	position := s.Policy.Position()
	if position == (ledger.Position{}) || position.String() == e.Floor {
		return nil
	}
	return s.keep(s.enrolment, func(e *enrolment) { e.Floor = position.String() })
}
